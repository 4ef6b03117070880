//! A step that spreads into many jobs, and the one that waits for all of them.

use std::{sync::Arc, time::Duration};

use engine::{Engine, NewJob, Outcome, workflows::Restarted};
use serde_json::Value;
use switchboard_tests::probe::{Process, Seen, nobody, probe};
use uuid::Uuid;

use super::{Site, declaring, say};

/// Spreads into so many jobs, a thousand at a time; dies once in the middle.
fn spreading(
    engine: &Engine,
    many: usize,
    child: impl Fn(Uuid, usize) -> NewJob + Copy + Send + Sync + 'static,
) -> Seen {
    let engine = engine.clone();
    let declare = declaring(|flow| {
        flow.step("spread", &say("spread"));
        flow.step("join", &say("join"));
    });
    let declared = declare.clone();
    Seen::default().answering(move |claim, said| match said {
        "declare" => declared.answer(claim, said),
        "spread" => {
            let engine = engine.clone();
            Some(Box::pin(async move {
                loop {
                    let mut tx = engine.begin_tenant(claim.tenant).await.expect("a transaction");
                    let step = tx.step_of(&claim).await.expect("an answer").expect("a step");
                    let done: usize =
                        step.cursor.as_deref().map_or(0, |done| done.parse().expect("a number"));
                    if done == many {
                        return Outcome::Done(Value::Null);
                    }
                    if done > 0 && claim.attempt == 1 {
                        let why = "it died halfway".into();
                        return Outcome::Retry { after: Some(Duration::ZERO), code: "died", why };
                    }
                    let slice =
                        (done..many.min(done + 1000)).map(|number| child(claim.tenant, number)).collect();
                    let next = many.min(done + 1000).to_string();
                    let from = step.cursor.as_deref();
                    assert!(tx.spread(&claim, slice, &nobody(), from, Some(&next)).await.expect("spread"));
                    tx.commit().await.expect("committed");
                }
            }))
        }
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_spreads_into_many_jobs_and_the_next_waits_for_all() {
    let site = Site::create().await;
    let seen = spreading(&site.engine, 2_500, |tenant, _| probe(tenant, "child"));
    let run = site.start().await;
    let process = Process::start(&site.engine, 64, seen.clone()).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    let said = seen.list();
    assert_eq!(
        said.iter().filter(|said| *said == "child").count(),
        2_500,
        "each once, though it was cut off"
    );
    assert_eq!(said.last().map(String::as_str), Some("join"));
    let step = site.steps(run).await[0].clone();
    assert_eq!((step.jobs, step.left_jobs, step.failed), (2_501, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_step_that_spread_only_what_failed_runs_again() {
    let site = Site::create().await;
    let first = Arc::new(std::sync::atomic::AtomicBool::new(true));
    // Only the first is due before it fails.
    let spread = spreading(&site.engine, 50, |tenant, number| {
        let child = probe(tenant, "child");
        if number == 0 { child } else { child.delay(Duration::from_hours(1)) }
    });
    let seen = Seen::default().answering({
        let first = Arc::clone(&first);
        move |claim, said| {
            if said == "child" && first.swap(false, std::sync::atomic::Ordering::SeqCst) {
                let outcome = Outcome::Discard { code: "asked", why: "the first of them".into() };
                return Some(Box::pin(std::future::ready(outcome)));
            }
            spread.answer(claim, said)
        }
    });
    let run = site.start().await;
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "failed").await;
    let step = site.steps(run).await[0].clone();
    assert_eq!((step.state.as_str(), step.failed, step.left_jobs), ("failed", 1, 0));
    assert_eq!(step.cancelled, 49, "what had not begun is not begun any more");
    let done = seen.list().iter().filter(|said| *said == "child").count();
    assert_eq!(site.restart(run, None).await, Restarted::Running);
    site.becomes(run, "completed").await;
    process.drain().await;
    let again = seen.list().iter().filter(|said| *said == "child").count() - done;
    assert_eq!(again, usize::try_from(step.failed + step.cancelled).expect("few"));
    assert_eq!(site.standing(run).await, ["spread completed", "join completed"]);
}
