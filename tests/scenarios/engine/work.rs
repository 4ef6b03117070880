//! Jobs from enqueue to history, through apalis workers on a real Postgres.

use std::time::Duration;

use serde_json::json;
use switchboard_tests::{
    Database,
    probe::{Process, Seen, enqueue, look, nobody, probe, reaches},
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_and_moves_to_history() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    let put = enqueue(&engine, tenant, &[probe(tenant, "hello")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(1).await;
    process.drain().await;
    assert_eq!(seen.list(), ["hello"]);
    let job = look(&engine, tenant, put[0].id).await.expect("the job is kept");
    assert_eq!((job.state.as_str(), job.attempt), ("completed", 1));
    assert_eq!(job.output, Some(json!({"said": "hello"})));
    assert!(look(&engine, other, put[0].id).await.is_none(), "another tenant sees nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_enqueue_never_was() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let put = tx.enqueue(&[probe(tenant, "ghost")], &nobody()).await.expect("enqueued");
    tx.rollback().await.expect("rolled back");
    assert!(look(&engine, tenant, put[0].id).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_retried_then_kept_as_dead_letters() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let asked = [probe(tenant, "fail"), probe(tenant, "discard"), probe(tenant, "panic")];
    let put = enqueue(&engine, tenant, &asked).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(4).await;
    // A panic may take longer than the grace of the drain.
    reaches(&engine, tenant, put[2].id, "retrying").await;
    process.drain().await;
    let failed = look(&engine, tenant, put[0].id).await.expect("kept");
    assert_eq!((failed.state.as_str(), failed.attempt), ("discarded", 2));
    assert_eq!(failed.attempts.as_array().map(Vec::len), Some(2), "{}", failed.attempts);
    assert_eq!(look(&engine, tenant, put[1].id).await.expect("kept").state, "discarded");
    let panicked = look(&engine, tenant, put[2].id).await.expect("kept");
    assert_eq!(panicked.attempts[0]["code"], "handler_panicked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_later_waits_for_the_database_clock() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let later = probe(tenant, "later").delay(Duration::from_hours(1));
    let put = enqueue(&engine, tenant, &[later, probe(tenant, "now")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(1).await;
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "scheduled");
    database.advance(3601.0).await;
    seen.wait_for(2).await;
    process.drain().await;
    assert_eq!(seen.list(), ["now", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_held_per_tenant_until_the_job_has_ended() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    let unique = |tenant| probe(tenant, "one").unique("k");
    let first = enqueue(&engine, tenant, &[unique(tenant), unique(tenant)]).await;
    assert!(first[0].fresh && !first[1].fresh && first[0].id == first[1].id, "{first:?}");
    let again = enqueue(&engine, tenant, &[unique(tenant)]).await;
    assert_eq!((again[0].fresh, again[0].id), (false, first[0].id));
    assert!(enqueue(&engine, other, &[unique(other)]).await[0].fresh, "keys are per tenant");
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(2).await;
    process.drain().await;
    assert!(enqueue(&engine, tenant, &[unique(tenant)]).await[0].fresh, "free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_hands_back_what_did_not_end() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "hang"), probe(tenant, "waits")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 1, seen.clone()).await;
    seen.wait_for(1).await;
    process.drain().await;
    for job in put {
        let job = look(&engine, tenant, job.id).await.expect("still there");
        assert_eq!((job.state.as_str(), job.attempt), ("available", 0), "{}", job.kind);
    }
}

#[tokio::test]
async fn a_lane_that_another_process_makes_at_the_same_moment_is_found() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut other = database.connect_as("switchboard_system").await;
    for statement in [
        "begin".to_owned(),
        "insert into engine.queues (name) values ('probes')".to_owned(),
        format!(
            "insert into engine.lanes (queue_id, tenant_id, priority, kind, version)
             select id, '{tenant}', priority, 'probe', 1 from engine.queues, generate_series(0, 3) priority where name = 'probes'"
        ),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut other).await.expect("it runs");
    }
    let (ours, job) = (engine.clone(), probe(tenant, "hello"));
    let waiting = tokio::spawn(async move { enqueue(&ours, tenant, &[job]).await });
    database.blocks(&waiting).await;
    sqlx::raw_sql("commit").execute(&mut other).await.expect("it commits");
    assert_eq!(waiting.await.expect("no panic").len(), 1);
}

/// A dispatcher reads lanes up to the newest number, so an older number must not come to light later.
#[tokio::test]
async fn lanes_come_to_light_in_the_order_of_their_numbers() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let maker = Uuid::now_v7();
    enqueue(&engine, maker, &[probe(maker, "makes the queue")]).await;
    let make =
        "select engine.make_lane((select id from engine.queues), $1, 1::smallint, 'probe', 1::smallint, '')";
    let (mut first, mut second) =
        (database.connect_as("switchboard_system").await, database.connect_as("switchboard_system").await);
    sqlx::query("begin").execute(&mut first).await.expect("begun");
    let earlier: i64 = sqlx::query_scalar(make).bind(one).fetch_one(&mut first).await.expect("a lane");
    let waiting = tokio::spawn(async move {
        let later: i64 = sqlx::query_scalar(make).bind(two).fetch_one(&mut second).await.expect("a lane");
        later
    });
    let mut looker = database.connect_as("switchboard_system").await;
    loop {
        let waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                       and database = (select oid from pg_database where datname = current_database()))";
        if sqlx::query_scalar(waits).fetch_one(&mut looker).await.expect("an answer") {
            break;
        }
    }
    sqlx::query("commit").execute(&mut first).await.expect("committed");
    assert!(waiting.await.expect("no panic") > earlier);
}

/// Whoever asks for a job that is there already must not hold up its ending.
#[tokio::test(flavor = "multi_thread")]
async fn an_ending_does_not_wait_for_those_who_asked_for_the_same_job() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let first = enqueue(&engine, tenant, &[probe(tenant, "once").unique("k")]).await;
    let mut open = engine.begin_tenant(tenant).await.expect("a transaction");
    let many = [probe(tenant, "again").unique("k"), probe(tenant, "other").unique("l")];
    assert_eq!(open.enqueue(&many[..1], &nobody()).await.expect("enqueued")[0].id, first[0].id);
    let both = open.enqueue(&many, &nobody()).await.expect("enqueued");
    assert_eq!((both[0].id, both[0].fresh, both[1].fresh), (first[0].id, false, true));
    let process = Process::start(&engine, 4, Seen::default()).await;
    reaches(&engine, tenant, first[0].id, "completed").await;
    open.commit().await.expect("committed");
    reaches(&engine, tenant, both[1].id, "completed").await;
    process.drain().await;
    assert!(enqueue(&engine, tenant, &many[..1]).await[0].fresh, "the key was let go");
}
