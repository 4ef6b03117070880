//! How runs end: with a step that failed, by hand, and what becomes of them then.

use std::{sync::Arc, time::Duration};

use engine::{
    Outcome,
    operate::Action,
    workflows::{Ended, Restarted, Signalled},
};
use serde_json::Value;
use switchboard_tests::probe::{Process, Seen, act, probe, procedure, reaches};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Site, declaring, say, signals::asking};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_stops_its_run_until_it_is_taken_up_again() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("first", &say("first"));
        flow.step("breaks", &say("discard"));
        flow.step("after", &say("after"));
        flow.sleep("rest", Duration::from_hours(1)).after(["first"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.run(run).await.failed_step.as_deref(), Some("breaks"));
    let cut = ["first completed", "breaks failed", "after cancelled", "rest cancelled"];
    assert_eq!(site.standing(run).await, cut);
    let failed = site.steps(run).await[1].clone();
    assert_eq!(failed.error_code.as_deref(), Some("asked"));
    let job = failed.job_id.expect("a job");
    let alone = act(&site.engine, site.tenant, Action::Retry, &[job]).await;
    assert_eq!(alone, ["part_of_run"], "it goes with its run");

    process.drain().await;
    assert_eq!(site.restart(run, Some("nowhere")).await, Restarted::UnknownStep);
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    assert_eq!(site.restart(run, None).await, Restarted::NotOver("running".into()));
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.standing(run).await, cut);
    let said = seen.list();
    assert_eq!(said.iter().filter(|said| *said == "discard").count(), 2);
    assert_eq!(
        said.iter().filter(|said| *said == "first").count(),
        1,
        "what had completed does not run again"
    );
    process.drain().await;

    // Under a handler that does better.
    let better = Seen::default().answering(|_, said| {
        (said == "discard").then(|| Box::pin(std::future::ready(Outcome::Done(Value::Null))) as _)
    });
    let process = Process::start(&site.engine, 4, better.clone()).await;
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.step_becomes(run, "rest", "sleeping").await;
    site.database.advance(3600.0).await;
    site.becomes(run, "completed").await;
    assert_eq!(site.restart(run, None).await, Restarted::Nothing);
    assert_eq!(site.restart(run, Some("after")).await, Restarted::Running, "once more from a step");
    site.becomes(run, "completed").await;
    process.drain().await;
    assert_eq!(better.list(), ["discard", "after", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_holds_its_key_until_it_is_over() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.wait_for("answer", "answer", None);
    });
    let process = Process::start(&site.engine, 4, seen).await;
    let first = || procedure(site.tenant, "declare").unique("one at a time");
    let one = site.start_as(first()).await;
    site.step_becomes(one.id, "answer", "sleeping").await;
    let refused = site.start_as(first()).await;
    assert_eq!((refused.id, refused.fresh), (one.id, false), "its first job has ended, the run has not");
    assert_eq!(site.cancel(one.id).await.as_deref(), Some("cancelled"));

    let two = site.start_as(first()).await;
    assert!(two.fresh, "the key is free again");
    site.step_becomes(two.id, "answer", "sleeping").await;
    assert_eq!(site.restart(one.id, None).await, Restarted::KeyHeld);
    assert_eq!(site.run(one.id).await.state, "cancelled");
    assert_eq!(site.signal(two.id, "answer").await, Signalled::Taken);
    site.becomes(two.id, "completed").await;
    assert_eq!(site.restart(one.id, None).await, Restarted::Running);
    assert!(!site.start_as(first()).await.fresh, "taken up again, it holds the key again");
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_a_failed_step_that_says_so() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("breaks", &say("discard")).go_on();
        flow.step("mended", &say("mended")).only_if("breaks", Ended::Failed);
        flow.step("praised", &say("praised")).after(["breaks"]).only_if("breaks", Ended::Completed);
        flow.step("thanks", &say("thanks")).after(["praised", "mended"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    assert_eq!(
        site.standing(run).await,
        ["breaks failed", "mended completed", "praised skipped", "thanks completed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_begins_nothing_more() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("heeds", &say("heed"));
        flow.step("after", &say("after"));
        flow.wait_for("bell", "bell", None).after([]);
    });
    let early = site.start().await;
    assert_eq!(site.cancel(early).await.as_deref(), Some("stopping"));
    assert_eq!(site.run(early).await.state, "cancelled", "its first job had not begun");
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    seen.wait_for(2).await;
    assert_eq!(site.cancel(run).await.as_deref(), Some("stopping"));
    site.becomes(run, "cancelled").await;
    assert_eq!(site.standing(run).await, ["heeds cancelled", "after cancelled", "bell cancelled"]);
    assert_eq!(site.cancel(run).await.as_deref(), Some("cancelled"));
    assert_eq!(site.cancel(Uuid::now_v7()).await, None);
    process.drain().await;
    assert_eq!(seen.list(), ["declare", "heed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_step_was_discarded_by_hand_does_not_wait_for_ever() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("later", &say("later")).with(|job| job.delay(Duration::from_hours(1)));
        flow.step("now", &say("now")).after([]);
        flow.step("join", &say("join")).after(["later", "now"]);
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.step_becomes(run, "now", "completed").await;
    let later = site.steps(run).await[0].clone();
    assert_eq!(later.job_state.as_deref(), Some("scheduled"));
    let discarded = act(&site.engine, site.tenant, Action::Discard, &[later.job_id.expect("a job")]).await;
    assert_eq!(discarded, ["discarded"]);
    site.becomes(run, "failed").await;
    assert_eq!(site.standing(run).await, ["later failed", "now completed", "join cancelled"]);
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_workflow_fails_with_its_reason() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("a", &say("a")).after(["b"]);
        flow.step("b", &say("b"));
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen).await;
    site.becomes(run, "failed").await;
    assert_eq!(site.run(run).await.failed_step.as_deref(), Some(""));
    let job = reaches(&site.engine, site.tenant, run, "discarded").await;
    assert_eq!(job.error_code.as_deref(), Some("bad_workflow"));
    assert!(
        job.attempts[0]["error"].as_str().is_some_and(|why| why.contains("a, b go in a circle")),
        "{job:?}"
    );
    process.drain().await;

    // A job that nobody started as a workflow cannot become one.
    let begins = declaring(|flow| {
        flow.step("a", &say("a"));
    });
    let job = probe(site.tenant, "declare");
    let id = job.id;
    switchboard_tests::probe::enqueue(&site.engine, site.tenant, &[job]).await;
    let process = Process::start(&site.engine, 4, begins).await;
    let job = reaches(&site.engine, site.tenant, id, "discarded").await;
    assert_eq!(job.error_code.as_deref(), Some("ending_refused"));
    process.drain().await;

    // Taken up again under a build that declares it rightly.
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.step_becomes(run, "answer", "sleeping").await;
    process.drain().await;
}

/// What a job's handler asks for and what whoever looks after stopping runs asks of the job meet in the books.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_though_a_job_of_it_is_put_off_while_it_is_cancelled() {
    let site = Site::create().await;
    let declared = declaring(|flow| {
        flow.step("waits", &say("put off"));
    });
    let gate = Arc::new(Notify::new());
    let of_jobs = Arc::clone(&gate);
    let seen = Seen::default().answering(move |claim, said| {
        if said == "declare" {
            return declared.answer(claim, said);
        }
        let gate = Arc::clone(&of_jobs);
        Some(Box::pin(async move {
            gate.notified().await;
            Outcome::Snooze { after: Duration::from_hours(1) }
        }))
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    seen.wait_for(2).await;
    let job = site.steps(run).await[0].job_id.expect("a job");
    let mut tx = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
    assert_eq!(tx.cancel_run(run).await.expect("an answer").as_deref(), Some("stopping"));
    tx.commit().await.expect("committed");
    // Whoever winds the run down, halfway.
    let mut winding = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
    winding.act(Action::Cancel, &[job]).await.expect("asked, and not committed yet");
    gate.notify_one();
    let mut watcher = site.database.connect_as("none").await;
    let waits = "select exists (select from pg_stat_activity where datname = current_database()
                   and wait_event_type = 'Lock' and query like '%engine.finish(%')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watcher).await.expect("an answer") {}
    winding.commit().await.expect("committed");
    site.becomes(run, "cancelled").await;
    assert_eq!(reaches(&site.engine, site.tenant, job, "cancelled").await.attempt, 1);
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_forgotten_with_the_history() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let (over, open) = (site.start().await, site.start().await);
    site.step_becomes(open, "answer", "sleeping").await;
    assert!(matches!(site.signal(over, "answered").await, Signalled::Taken | Signalled::Kept));
    site.becomes(over, "completed").await;
    process.drain().await;
    site.database.advance(31.0 * 86_400.0).await;
    let mut system = site.database.connect_as("switchboard_system").await;
    let gone: i64 =
        sqlx::query_scalar("select engine.prune(30)").fetch_one(&mut system).await.expect("pruned");
    assert_eq!(gone, 1);
    let left: Vec<Uuid> = sqlx::query_scalar(
        "select run_id from (select run_id from engine.steps union select run_id from engine.signals
           union select id from engine.runs) r",
    )
    .fetch_all(&mut system)
    .await
    .expect("rows");
    assert_eq!(left, [open]);
}
