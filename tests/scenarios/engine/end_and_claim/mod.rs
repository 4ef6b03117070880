//! Where a process waits for the slots that its own jobs give back, it ends and claims in one statement.

mod processes;

use engine::{
    Engine,
    operate::{Action, Bounds},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{
    Database,
    played::Played,
    probe::{enqueue, look, probe},
};
use uuid::Uuid;

const NOBODY: [Uuid; 0] = [];

async fn limit(engine: &Engine, tenant: Uuid, most: i32) {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let bounds = Bounds { max_running: Some(most), ..Bounds::default() };
    tx.limit("probes", None, bounds).await.expect("limited");
    tx.commit().await.expect("committed");
}

async fn put(engine: &Engine, tenant: Uuid, count: usize) -> Vec<Uuid> {
    let jobs: Vec<_> = (0..count).map(|n| probe(tenant, &n.to_string())).collect();
    enqueue(engine, tenant, &jobs).await.iter().map(|put| put.id).collect()
}

async fn number(system: &mut PgConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(system).await.expect("a number")
}

/// Slots that are taken, as the books say.
async fn taken(system: &mut PgConnection) -> i64 {
    let query = "select (select sum(running) from engine.limits)
                      - coalesce((select sum(slots) from engine.limit_returns), 0)";
    number(system, query).await
}

async fn state(engine: &Engine, tenant: Uuid, id: Uuid) -> String {
    look(engine, tenant, id).await.expect("kept").state
}

#[tokio::test]
async fn a_slot_that_comes_back_is_taken_again_in_the_same_statement() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 1).await;
    let ids = put(&engine, tenant, 2).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (claimed, fence) = node.claim().await.expect("claimed");
    assert_eq!(claimed, ids[..1]);

    let turn = node.complete_and_claim(tenant, ids[0], fence).await.expect("ended and claimed");
    assert_eq!(turn.claimed, ids[1..]);
    assert_eq!(turn.ended["finished"]["lost"], Value::Null);
    assert_eq!(turn.ended["finished"]["returned"], Value::Null, "nobody else need look for it");
    assert_eq!(turn.head["xid"], Value::Null, "its moment moves no position");
    assert!(turn.head["t"].is_i64() && turn.head["xmin"].is_i64());
    assert_eq!(taken(node.system).await, 1);
    assert_eq!(state(&engine, tenant, ids[0]).await, "completed");

    let fence = turn.head["fence"].as_i64().expect("a fence");
    let turn = node.complete_and_claim(tenant, ids[1], fence).await.expect("ended");
    assert_eq!(turn.claimed, NOBODY);
    assert_eq!(turn.ended["finished"]["returned"].as_array().map(Vec::len), Some(1), "the slot is free");
    assert_eq!(taken(node.system).await, 0);
}

/// The limit is full all the same, because it was lowered.
#[tokio::test]
async fn an_ending_counts_and_reaches_the_disk_also_if_nothing_can_be_claimed() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 2).await;
    let ids = put(&engine, tenant, 3).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (claimed, fence) = node.claim().await.expect("claimed");
    assert_eq!(claimed, ids[..2]);
    limit(&engine, tenant, 1).await;
    sqlx::raw_sql("begin; set local synchronous_commit = on")
        .execute(&mut *node.system)
        .await
        .expect("begun");
    let turn = node.complete_and_claim(tenant, ids[0], fence).await.expect("ended");
    assert_eq!(turn.claimed, NOBODY);
    assert_eq!(turn.ended["finished"]["returned"], Value::Null);
    let commit: String =
        sqlx::query_scalar("show synchronous_commit").fetch_one(&mut *node.system).await.expect("a setting");
    assert_eq!(commit, "on");
    sqlx::raw_sql("commit").execute(&mut *node.system).await.expect("committed");
    assert_eq!(state(&engine, tenant, ids[0]).await, "completed");
    assert_eq!(taken(node.system).await, 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_ending_written_and_the_claim_handed_back() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 2).await;
    let ids = put(&engine, tenant, 3).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (_, fence) = node.claim().await.expect("claimed");
    let turn = node.complete_and_claim(tenant, ids[0], fence).await.expect("done, and the answer lost");
    assert_eq!(turn.claimed, ids[2..]);

    assert_eq!(
        node.complete(tenant, ids[0], fence).await,
        [ids[0]],
        "written again, it is not ours any more"
    );
    let disowned: i64 = sqlx::query_scalar(
        "select engine.disown((select id from engine.queues), $1, 2, $2, array(select id from engine.lanes))",
    )
    .bind(node.id)
    .bind(fence)
    .fetch_one(&mut *node.system)
    .await
    .expect("handed back");
    assert_eq!(disowned, 1);
    assert_eq!(state(&engine, tenant, ids[2]).await, "available");
    assert_eq!(taken(node.system).await, 1);

    assert!(node.complete_and_claim(tenant, ids[1], fence).await.is_err(), "its connection is void");
    assert_eq!(state(&engine, tenant, ids[1]).await, "running", "so nothing was done");
    assert_eq!(node.complete(tenant, ids[1], fence).await, NOBODY);
    assert_eq!(taken(node.system).await, 0);
}

/// Whoever sets a limit holds the line of claims and then wants the jobs that run.
#[tokio::test]
async fn who_ends_and_claims_gives_way_to_whoever_holds_the_line_and_wants_its_jobs() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 1).await;
    let ids = put(&engine, tenant, 2).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (_, fence) = node.claim().await.expect("claimed");
    let (id, job) = (node.id, ids[0]);
    let mut other = database.connect_as("switchboard_system").await;
    let lock = "begin; select pg_advisory_xact_lock(1001, (select id from engine.queues))";
    sqlx::raw_sql(lock).execute(&mut other).await.expect("locked");
    let turning = tokio::spawn(async move {
        Played { system: &mut system, id }.complete_and_claim(tenant, job, fence).await.expect("ended")
    });
    let tries = "select exists (select from pg_stat_activity
                   where wait_event = 'PgSleep' and datname = current_database())";
    while !turning.is_finished()
        && !sqlx::query_scalar::<_, bool>(tries).fetch_one(&mut other).await.expect("an answer")
    {}
    sqlx::raw_sql("select from engine.jobs where node is not null for update")
        .execute(&mut other)
        .await
        .expect("no deadlock");
    let turn = turning.await.expect("no panic");
    assert_eq!((turn.claimed, &turn.ended["stood_back"]), (Vec::new(), &json!(true)));
    assert_eq!(turn.ended["finished"]["returned"].as_array().map(Vec::len), Some(1), "all are told");
    sqlx::raw_sql("commit").execute(&mut other).await.expect("committed");
    assert_eq!(state(&engine, tenant, job).await, "completed");
    assert_eq!(taken(&mut other).await, 0);
}

#[tokio::test]
async fn a_job_in_somebodys_hands_does_not_hold_up_the_claims_of_its_process() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 1).await;
    let ids = put(&engine, tenant, 2).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (_, fence) = node.claim().await.expect("claimed");
    let mut operator = engine.begin_tenant(tenant).await.expect("a transaction");
    operator.act(Action::Cancel, &ids[..1]).await.expect("asked, and not committed yet");
    assert!(node.complete_and_claim(tenant, ids[0], fence).await.is_err(), "it does not wait for long");
    operator.rollback().await.expect("let go");
    let turn = node.complete_and_claim(tenant, ids[0], fence).await.expect("ended and claimed");
    assert_eq!(turn.claimed, ids[1..]);
}

/// Of two queues under one limit, the one that is never without work would leave nothing to the other.
#[tokio::test]
async fn a_limit_that_other_queues_share_is_left_to_all() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut system = database.connect_as("switchboard_system").await;
    sqlx::query("select engine.set_limit(null, $1, 'account', 1, null, null, null)")
        .bind(tenant)
        .execute(&mut system)
        .await
        .expect("limited");
    let jobs = [probe(tenant, "one").limited_by("account"), probe(tenant, "two").limited_by("account")];
    let ids: Vec<Uuid> = enqueue(&engine, tenant, &jobs).await.iter().map(|put| put.id).collect();
    let mut node = Played::join(&mut system).await;
    let (claimed, fence) = node.claim().await.expect("claimed");
    assert_eq!(claimed, ids[..1]);
    let turn = node.complete_and_claim(tenant, ids[0], fence).await.expect("ended");
    assert_eq!(turn.claimed, NOBODY);
    assert_eq!(turn.ended["stood_back"], json!(true));
    assert_eq!(turn.ended["finished"]["returned"].as_array().map(Vec::len), Some(1), "all are told");
    assert_eq!(node.claim().await.expect("claimed").0, ids[1..]);
}
