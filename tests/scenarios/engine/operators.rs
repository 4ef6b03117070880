//! What operators do with jobs and queues, and what it does to running work.

use std::time::Duration;

use engine::operate::{Action, Bounds};
use sqlx::PgConnection;
use switchboard_tests::{
    Database,
    played::Played,
    probe::{Process, Seen, act, enqueue, look, probe, reaches},
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_cancelled_at_once_and_comes_back_when_retried() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    let put = enqueue(&engine, tenant, &[probe(tenant, "hello").unique("k"), probe(tenant, "later")]).await;
    let ids = [put[0].id, put[1].id, Uuid::now_v7()];
    assert_eq!(act(&engine, other, Action::Cancel, &ids).await, ["", "", ""], "not another tenant's");
    assert_eq!(act(&engine, tenant, Action::Cancel, &ids).await, ["cancelled", "cancelled", ""]);
    assert_eq!(look(&engine, tenant, ids[0]).await.expect("kept").state, "cancelled");
    let holder = enqueue(&engine, tenant, &[probe(tenant, "hello").unique("k")]).await;
    assert!(holder[0].fresh, "a cancelled job lets its key go");
    assert_eq!(act(&engine, tenant, Action::Retry, &ids).await, ["key_held", "available", ""]);
    assert_eq!(act(&engine, tenant, Action::Discard, &ids[1..2]).await, ["discarded"]);
    assert_eq!(act(&engine, tenant, Action::Cancel, &[holder[0].id]).await, ["cancelled"]);
    assert_eq!(act(&engine, tenant, Action::Retry, &ids).await, ["available", "available", ""]);
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    for id in &ids[..2] {
        reaches(&engine, tenant, *id, "completed").await;
    }
    process.drain().await;
    assert_eq!(act(&engine, tenant, Action::Retry, &ids[..1]).await, ["completed"], "what is done is done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_told_and_cut_off_if_it_does_not_heed() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "heed"), probe(tenant, "hang")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(2).await;
    let ids = [put[0].id, put[1].id];
    assert_eq!(act(&engine, tenant, Action::Discard, &ids).await, ["running", "running"]);
    assert_eq!(act(&engine, tenant, Action::Cancel, &ids).await, ["cancelling", "cancelling"]);
    reaches(&engine, tenant, ids[0], "cancelled").await;
    reaches(&engine, tenant, ids[1], "cancelled").await;
    process.drain().await;
    assert_eq!(seen.list().len(), 2, "what asked to be tried again was cancelled instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_tenant_waits_and_others_go_on() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    let pause = |kind: Option<&'static str>| {
        let engine = engine.clone();
        async move {
            let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
            tx.pause("probes", kind, "as asked").await.expect("paused");
            tx.commit().await.expect("committed");
        }
    };
    pause(None).await;
    pause(Some("probe")).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    let held = enqueue(&engine, tenant, &[probe(tenant, "held")]).await;
    let free = enqueue(&engine, other, &[probe(other, "free")]).await;
    reaches(&engine, other, free[0].id, "completed").await;
    let waiting = look(&engine, tenant, held[0].id).await.expect("kept");
    assert_eq!(waiting.state, "available");
    assert!(waiting.paused_at.is_some());
    for (kind, held_still) in [(None, true), (Some("probe"), false)] {
        let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
        assert!(tx.resume("probes", kind).await.expect("resumed"));
        assert!(!tx.resume("probes", kind).await.expect("resumed"), "there is none any more");
        tx.commit().await.expect("committed");
        let more = enqueue(&engine, other, &[probe(other, "free")]).await;
        reaches(&engine, other, more[0].id, "completed").await;
        let paused = look(&engine, tenant, held[0].id).await.expect("kept").paused_at.is_some();
        assert_eq!(paused, held_still);
    }
    reaches(&engine, tenant, held[0].id, "completed").await;
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_badly_says_so_and_stops_nothing_else() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let past = chrono::DateTime::UNIX_EPOCH;
    let mut slow = probe(tenant, "hang").max_attempts(1);
    slow.timeout = Duration::from_millis(50);
    let mut undecodable = probe(tenant, "x").max_attempts(1);
    undecodable.args = serde_json::value::to_raw_value(&["not", "a", "probe"]).expect("json");
    let jobs = [
        slow,
        undecodable,
        probe(tenant, "late").deadline(past),
        probe(tenant, "huge"),
        probe(tenant, "nul"),
        probe(tenant, "fine"),
    ];
    let put = enqueue(&engine, tenant, &jobs).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    let ends = [
        ("discarded", Some("timeout")),
        ("discarded", Some("handler_panicked")),
        ("discarded", Some("too_late")),
        ("completed", Some("output_too_large")),
        ("completed", Some("output_unfit")),
        ("completed", None),
    ];
    for (job, (state, code)) in put.iter().zip(ends) {
        let ended = reaches(&engine, tenant, job.id, state).await;
        assert_eq!(ended.error_code.as_deref(), code);
    }
    process.drain().await;
    assert!(!seen.list().contains(&"late".to_owned()), "past its deadline it is not run");
}

#[tokio::test]
async fn a_payload_over_the_limit_and_a_limit_of_zero_are_refused() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let huge = switchboard_tests::probe::Probe { say: "x".repeat(300 << 10) };
    let refused = engine::NewJob::of(tenant, Uuid::now_v7(), &huge).expect_err("too large");
    assert!(refused.to_string().contains("store it and pass its id"), "{refused}");
    for bounds in [
        Bounds { max_running: Some(0), ..Bounds::default() },
        Bounds { rate_per_s: Some(0.0), burst: Some(1), ..Bounds::default() },
        Bounds { rate_per_s: Some(1.0), ..Bounds::default() },
    ] {
        let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
        tx.limit("probes", None, bounds).await.expect_err("not a bound");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_node_knows_waits_and_is_parked_after_an_hour() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut newer = probe(tenant, "from the future");
    newer.version = 2;
    let put = enqueue(&engine, tenant, &[newer, probe(tenant, "hello")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    reaches(&engine, tenant, put[1].id, "completed").await;
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "available");
    database.advance(3_700.0).await;
    let mut system = database.connect_as("switchboard_system").await;
    let parked: Vec<String> =
        sqlx::query_scalar("select kind from engine.park()").fetch_all(&mut system).await.expect("parked");
    assert_eq!(parked, ["probe"]);
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "parked");
    sqlx::query("update engine.nodes set versions = '{2}'").execute(&mut system).await.expect("a newer node");
    sqlx::query("select engine.park()").execute(&mut system).await.expect("looked again");
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "available");
    process.drain().await;
    assert_eq!(seen.list(), ["hello"]);
}

/// What is put back together, each round: by these verdicts.
const PUT_BACK: [&[&str]; 4] =
    [&["snoozed"], &["retrying"], &["released"], &["snoozed", "completed", "retrying"]];

/// A handler has ended, and somebody cancels its job before that is written: what would have been put back has ended,
/// whatever ends in the same statement.
#[tokio::test]
async fn what_is_cancelled_while_it_is_put_back_ends() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut system = database.connect_as("switchboard_system").await;
    let mut watcher = database.connect_as("switchboard_system").await;
    // A claim names its queue, which is made with its first job.
    let first = enqueue(&engine, tenant, &[probe(tenant, "first")]).await;
    assert_eq!(act(&engine, tenant, Action::Cancel, &[first[0].id]).await, ["cancelled"]);
    let id = Played::join(&mut system).await.id;
    for verdicts in PUT_BACK {
        let jobs: Vec<_> = verdicts.iter().map(|verdict| probe(tenant, verdict)).collect();
        let ids: Vec<Uuid> = enqueue(&engine, tenant, &jobs).await.iter().map(|put| put.id).collect();
        let (claimed, fence) = Played { system: &mut system, id }.claim().await.expect("claimed");
        assert_eq!(claimed.len(), ids.len());
        let mut operator = engine.begin_tenant(tenant).await.expect("a transaction");
        operator.act(Action::Cancel, &ids).await.expect("asked, and not committed yet");
        let endings: Vec<(Uuid, &str)> = ids.iter().copied().zip(verdicts.iter().copied()).collect();
        let ending = tokio::spawn(async move {
            let lost = Played { system: &mut system, id }.end(tenant, &endings, fence).await;
            (system, lost)
        });
        while !somebody_waits(&mut watcher).await {
            assert!(!ending.is_finished(), "it did not wait for who cancels");
        }
        operator.commit().await.expect("committed");
        let (free, lost) = ending.await.expect("no panic");
        system = free;
        assert_eq!(lost, Vec::<Uuid>::new(), "{verdicts:?}: nobody else has taken them");
        for (job, verdict) in ids.into_iter().zip(verdicts) {
            let ended = if *verdict == "completed" { "completed" } else { "cancelled" };
            assert_eq!(look(&engine, tenant, job).await.expect("kept").state, ended, "{verdicts:?}");
        }
    }
}

/// Whether somebody waits in this database for what another transaction holds.
async fn somebody_waits(watcher: &mut PgConnection) -> bool {
    let waits = "select exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                   where not l.granted and a.datname = current_database())";
    sqlx::query_scalar(waits).fetch_one(watcher).await.expect("an answer")
}
