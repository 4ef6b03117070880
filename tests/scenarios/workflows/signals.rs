//! Waits: for a signal, a deadline, or a time.

use std::time::Duration;

use engine::{
    Flow,
    workflows::{self, Ended, Signalled, Why},
};
use serde_json::json;
use switchboard_tests::probe::Process;
use uuid::Uuid;

use super::{Site, declaring, say};

/// A wait for a signal, then a step for each way in which it can end.
pub(super) fn asking(flow: &mut Flow) {
    flow.step("ask", &say("ask"));
    flow.wait_for("answer", "answered", Some(Duration::from_hours(24)));
    flow.step("thank", &say("thank")).only_if("answer", Ended::Signalled);
    flow.step("remind", &say("remind")).after(["answer"]).only_if("answer", Ended::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_wait_and_so_does_its_deadline() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let (answered, silent) = (site.start().await, site.start().await);
    site.step_becomes(answered, "answer", "sleeping").await;
    site.step_becomes(silent, "answer", "sleeping").await;
    let steps = site.steps(answered).await;
    let until = steps[1].wake_at;
    assert!(until.is_some());
    assert_eq!(workflows::why(&steps[1], &steps), Some(Why::Signal { signal: "answered".into(), until }));
    assert_eq!(workflows::why(&steps[2], &steps), Some(Why::Steps { steps: vec!["answer".into()] }));

    assert_eq!(site.signal(answered, "answered").await, Signalled::Taken);
    assert_eq!(site.signal(silent, "sung").await, Signalled::Unknown);
    site.becomes(answered, "completed").await;
    assert_eq!(
        site.standing(answered).await,
        ["ask completed", "answer signalled", "thank completed", "remind skipped"]
    );
    assert_eq!(site.steps(answered).await[1].output, Some(json!({"from": "test"})));

    site.database.advance(24.0 * 3600.0 - 60.0).await;
    assert_eq!(site.engine.tick().await.expect("ticked"), 0, "not yet");
    site.database.advance(60.0).await;
    site.becomes(silent, "completed").await;
    assert_eq!(
        site.standing(silent).await,
        ["ask completed", "answer timed_out", "thank skipped", "remind completed"]
    );
    assert_eq!(site.signal(silent, "answered").await, Signalled::NotRunning("completed".into()));
    assert_eq!(site.signal(Uuid::now_v7(), "answered").await, Signalled::NoSuchRun);
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_comes_early_is_kept_and_one_that_comes_late_is_refused() {
    let site = Site::create().await;
    let run = site.start().await;
    assert_eq!(site.signal(run, "answered").await, Signalled::Kept, "before its first job has run");
    assert_eq!(site.signal(run, "answered").await, Signalled::GivenBefore);
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    site.becomes(run, "completed").await;
    assert_eq!(site.standing(run).await[1], "answer signalled");

    let seen = declaring(|flow| {
        flow.wait_for("bell", "bell", Some(Duration::from_hours(1)));
        flow.sleep("rest", Duration::from_hours(1));
    });
    process.drain().await;
    let process = Process::start(&site.engine, 4, seen).await;
    let run = site.start().await;
    site.step_becomes(run, "bell", "sleeping").await;
    site.database.advance(3601.0).await;
    site.step_becomes(run, "rest", "sleeping").await;
    assert_eq!(site.signal(run, "bell").await, Signalled::TooLate);
    process.drain().await;
}
