//! Steps in their order, within their tenant, begun by hand or by a schedule.

use engine::{
    schedules::{Overlap, Spec, When},
    workflows::{Restarted, Signalled},
};
use serde_json::json;
use switchboard_tests::{
    Database,
    probe::{Process, nobody, procedure},
};
use uuid::Uuid;

use super::{Site, declaring, say, signals::asking};

#[tokio::test(flavor = "multi_thread")]
async fn steps_run_in_their_order_and_a_join_waits_for_all() {
    let site = Site::create().await;
    let seen = declaring(|flow| {
        flow.step("first", &say("first"));
        flow.step("left", &say("left"));
        flow.step("right", &say("right")).after(["first"]);
        flow.step("last", &say("last")).after(["left", "right"]);
    });
    let run = site.start().await;
    assert_eq!(site.run(run).await.state, "running", "it is there at once");
    let process = Process::start(&site.engine, 4, seen.clone()).await;
    site.becomes(run, "completed").await;
    process.drain().await;
    let said = seen.list();
    assert_eq!(said.len(), 5, "{said:?}");
    assert_eq!((said[0].as_str(), said[1].as_str(), said[4].as_str()), ("declare", "first", "last"));
    assert_eq!(
        site.standing(run).await,
        ["first completed", "left completed", "right completed", "last completed"]
    );
    let last = &site.steps(run).await[3];
    assert_eq!(
        (last.output.clone(), last.needs.clone()),
        (Some(json!({"said": "last"})), vec!["left".into(), "right".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_has_no_part_in_a_run() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let run = site.start().await;
    site.step_becomes(run, "answer", "sleeping").await;
    let other =
        Site { engine: site.engine.clone(), database: Database::create().await, tenant: Uuid::now_v7() };
    assert_eq!(other.signal(run, "answered").await, Signalled::NoSuchRun);
    assert_eq!(other.cancel(run).await, None);
    assert_eq!(other.restart(run, Some("ask")).await, Restarted::NoSuchRun);
    assert!(other.steps(run).await.is_empty());
    assert_eq!(site.standing(run).await[1], "answer sleeping");
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_begins_a_run_and_waits_for_its_end() {
    let site = Site::create().await;
    let process = Process::start(&site.engine, 4, declaring(asking)).await;
    let mut tx = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
    let job = procedure(site.tenant, "declare");
    let spec = Spec::of("asked each minute", job, When::Crontab("* * * * *".into()));
    let spec = Spec { workflow: true, overlap: Overlap::Skip, ..spec };
    let schedule = Uuid::now_v7();
    tx.put_schedule(schedule, &spec, &nobody()).await.expect("made");
    tx.commit().await.expect("committed");
    site.database.advance(60.0).await;
    site.engine.tick().await.expect("ticked");
    let ticks = async || {
        let mut tx = site.engine.begin_tenant(site.tenant).await.expect("a transaction");
        engine::schedules::ticks(tx.conn(), site.tenant, schedule, None, 10).await.expect("ticks")
    };
    let run = ticks().await[0].job_id.expect("a run");
    site.step_becomes(run, "answer", "sleeping").await;
    site.database.advance(60.0).await;
    site.engine.tick().await.expect("ticked");
    let record = ticks().await;
    assert_eq!(record[0].outcome, "skipped", "the run before goes on: {record:?}");
    assert_eq!(record.last().map(|tick| tick.outcome.as_str()), Some("started"));
    site.database.advance(25.0 * 3600.0).await;
    site.becomes(run, "completed").await;
    process.drain().await;
}
