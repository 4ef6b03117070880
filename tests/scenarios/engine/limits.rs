//! Limits that hold across nodes, to the job.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use engine::{Engine, Outcome, finish::Claim, operate::Bounds};
use switchboard_tests::{
    Database,
    played::Played,
    probe::{Process, Seen, enqueue, nobody, probe, reaches},
};
use uuid::Uuid;

async fn limit(engine: &Engine, tenant: Uuid, key: Option<&str>, bounds: Bounds) {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    tx.limit("probes", key, bounds).await.expect("limited");
    tx.commit().await.expect("committed");
}

/// Runs jobs on three nodes and answers the most that ran at a time.
async fn most_at_a_time(database: &Database, tenant: Uuid, key: &str, bounds: (Option<&str>, Bounds)) -> i64 {
    let engine = database.engine().await;
    limit(&engine, tenant, bounds.0, bounds.1).await;
    let jobs: Vec<_> = (0..60).map(|_| probe(tenant, "work").limited_by(key)).collect();
    enqueue(&engine, tenant, &jobs).await;
    let (now, most) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let seen = Seen::default().doing({
        let most = Arc::clone(&most);
        move || {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            Box::pin(async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, Ordering::SeqCst);
            })
        }
    });
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Process::start(&database.engine().await, 20, seen.clone()).await);
    }
    seen.wait_for(60).await;
    for node in nodes {
        node.drain().await;
    }
    most.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_concurrency_is_never_exceeded_and_used_up() {
    let database = Database::create().await;
    let bounds = Bounds { max_running: Some(4), ..Bounds::default() };
    assert_eq!(most_at_a_time(&database, Uuid::now_v7(), "", (None, bounds)).await, 4);
    let mut system = database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar(
        "select (select running from engine.limits) - coalesce((select sum(slots) from engine.limit_returns), 0)",
    )
    .fetch_one(&mut system)
    .await
    .expect("a count");
    assert_eq!(left, 0, "every slot has come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_key_bounds_its_own_jobs_only() {
    let database = Database::create().await;
    let tenant = Uuid::now_v7();
    let bounds = Bounds { max_running: Some(2), ..Bounds::default() };
    assert_eq!(most_at_a_time(&database, tenant, "account", (Some("account"), bounds)).await, 2);
    assert!(most_at_a_time(&database, tenant, "another", (Some("account"), bounds)).await > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_lets_its_burst_through_and_then_its_rate() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let bounds = Bounds { rate_per_s: Some(0.001), burst: Some(5), ..Bounds::default() };
    limit(&engine, tenant, None, bounds).await;
    let jobs: Vec<_> = (0..8).map(|n| probe(tenant, &n.to_string())).collect();
    enqueue(&engine, tenant, &jobs).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 20, seen.clone()).await;
    seen.wait_for(5).await;
    database.advance(1_001.0).await;
    seen.wait_for(6).await;
    limit(&engine, tenant, None, Bounds::default()).await;
    seen.wait_for(8).await;
    process.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_already_counts_against_a_new_limit() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    enqueue(&engine, tenant, &[probe(tenant, "hang"), probe(tenant, "hang")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 20, seen.clone()).await;
    seen.wait_for(2).await;
    limit(&engine, tenant, None, Bounds { max_running: Some(2), ..Bounds::default() }).await;
    let mut system = database.connect_as("switchboard_system").await;
    let running: i32 = sqlx::query_scalar("select running from engine.limits")
        .fetch_one(&mut system)
        .await
        .expect("a limit");
    assert_eq!(running, 2);
    process.drain().await;
}

/// A bucket that fills once a day must not stop those who are claimed with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_very_slow_rate_stops_nobody_else() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (slow, other) = (Uuid::now_v7(), Uuid::now_v7());
    let daily = Bounds { rate_per_s: Some(1.0 / 86_400.0), burst: Some(1), ..Bounds::default() };
    limit(&engine, slow, None, daily).await;
    enqueue(&engine, slow, &[probe(slow, "first"), probe(slow, "tomorrow")]).await;
    let seen = Seen::default();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(1).await;
    for _ in 0..3 {
        let put = enqueue(&engine, other, &[probe(other, "free")]).await;
        reaches(&engine, other, put[0].id, "completed").await;
        database.advance(60.0).await;
    }
    process.drain().await;
    assert!(!seen.list().contains(&"tomorrow".to_owned()));
    let mut tx = engine.begin_tenant(slow).await.expect("a transaction");
    let never = Bounds { rate_per_s: Some(1e-9), burst: Some(1), ..Bounds::default() };
    tx.limit("probes", None, never).await.expect_err("less than once a day is a pause");
}

/// Two tenants under a limit of the whole queue take turns, whoever's jobs end.
#[tokio::test(flavor = "multi_thread")]
async fn under_a_limit_of_the_queue_no_tenant_starves() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (many, one) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = engine.begin_system().await.expect("a transaction");
    tx.limit_all("probes", None, Bounds { max_running: Some(1), ..Bounds::default() })
        .await
        .expect("limited");
    tx.commit().await.expect("committed");
    let jobs: Vec<_> = (0..400).map(|_| probe(many, "work")).collect();
    enqueue(&engine, many, &jobs).await;
    let seen =
        Seen::default().doing(|| Box::pin(async { tokio::time::sleep(Duration::from_millis(10)).await }));
    let process = Process::start(&engine, 8, seen.clone()).await;
    seen.wait_for(20).await;
    let put = enqueue(&engine, one, &[probe(one, "late"), probe(one, "late")]).await;
    reaches(&engine, one, put[1].id, "completed").await;
    assert!(seen.list().len() < 300, "it had its turns, not what was left: {}", seen.list().len());
    process.drain().await;
}

#[tokio::test]
async fn a_limit_is_committed_before_jobs_are_put_in_beside_it() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    tx.limit("probes", None, Bounds { max_running: Some(1), ..Bounds::default() }).await.expect("limited");
    let refused =
        tx.enqueue(&[probe(tenant, "too early")], &nobody()).await.expect_err("it would wait for itself");
    assert!(refused.to_string().contains("commit"), "{refused}");
}

/// A handler's own transaction runs as the application, which sees little of the limits.
#[tokio::test]
async fn a_job_that_ends_in_its_handlers_transaction_gives_its_slot_back() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, None, Bounds { max_running: Some(1), ..Bounds::default() }).await;
    let id = enqueue(&engine, tenant, &[probe(tenant, "settles")]).await[0].id;
    let mut system = database.connect_as("switchboard_system").await;
    let (claimed, fence) = Played::join(&mut system).await.claim().await.expect("claimed");
    assert_eq!(claimed, [id]);
    let claim = Claim { job: id, tenant, lane: 0, fence, attempt: 1, max_attempts: 2 };
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let ending = claim.ending(Outcome::Done(serde_json::Value::Null), || 0.5).expect("an ending");
    assert_eq!(tx.finish(&[ending]).await.expect("finished"), [id]);
    tx.commit().await.expect("committed");
    let left: i64 = sqlx::query_scalar(
        "select (select running from engine.limits) - (select sum(slots) from engine.limit_returns)",
    )
    .fetch_one(&mut system)
    .await
    .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_claim_under_a_full_limit_does_not_queue_up_with_those_that_get_something() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, None, Bounds { max_running: Some(1), ..Bounds::default() }).await;
    enqueue(&engine, tenant, &[probe(tenant, "runs"), probe(tenant, "waits")]).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (running, fence) = node.claim().await.expect("claimed");
    assert_eq!(running.len(), 1);

    let mut claiming = database.connect_as("switchboard_system").await;
    let lock = "begin; select pg_advisory_xact_lock(1001, (select id from engine.queues))";
    sqlx::raw_sql(lock).execute(&mut claiming).await.expect("locked");
    assert!(node.claim().await.expect("at once").0.is_empty());
    sqlx::raw_sql("commit").execute(&mut claiming).await.expect("let go");

    assert!(node.complete(tenant, running[0], fence).await.is_empty());
    assert_eq!(node.claim().await.expect("claimed").0.len(), 1, "the slot that came back is counted");
}
