//! Nodes that die, seen from the database: what they held, who is to blame, what comes too late.

use engine::operate::Action;
use switchboard_tests::{
    Database,
    played::{Played, awake_for},
    probe::{act, enqueue, look, probe, reaches},
};
use uuid::Uuid;

const NOBODY: [Uuid; 0] = [];

#[tokio::test]
async fn a_silent_node_loses_its_jobs_and_its_late_result_is_refused() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "orphan")]).await;
    let (mut one, mut two) =
        (database.connect_as("switchboard_system").await, database.connect_as("switchboard_system").await);
    awake_for(&database, "1 h").await;
    let mut node = Played::join(&mut one).await;
    let id = node.id;
    let (claimed, first) = node.claim().await.expect("claimed");
    assert_eq!(claimed, [put[0].id]);
    assert_eq!(node.die().await, [id]);
    let mut heir = Played::join(&mut two).await;
    let (claimed, second) = heir.claim().await.expect("claimed");
    assert_eq!(claimed, [put[0].id]);
    assert!(second > first, "the fence only grows");
    let mut late = Played { system: &mut one, id };
    assert_eq!(late.complete(tenant, put[0].id, first).await, [put[0].id], "the late result is refused");
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "running");
    late.claim().await.expect_err("a node that was struck off cannot claim");
    assert_eq!(heir.complete(tenant, put[0].id, second).await, NOBODY);
}

/// A position may stand at a claim's moment once all older transactions have ended. That holds only if
/// the claim reads the clock before it gets its transaction id.
#[tokio::test]
async fn a_claim_reads_the_clock_before_it_gets_its_id() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    enqueue(&engine, tenant, &[probe(tenant, "first")]).await;
    let (mut gate, mut late, mut system) = (
        database.connect_as("switchboard_system").await,
        database.connect_as("switchboard_system").await,
        database.connect_as("switchboard_system").await,
    );
    let node = Played::join(&mut system).await.id;
    let lock = "begin; select pg_advisory_xact_lock(1001, (select id from engine.queues))";
    sqlx::raw_sql(lock).execute(&mut gate).await.expect("locked");
    let claiming = tokio::spawn(async move {
        let head: (i64, i64) = sqlx::query_as(
            "select (head ->> 't')::bigint, (head ->> 'xid')::bigint
               from engine.claim((select id from engine.queues), $1, 1, false, array(select id from engine.lanes), '{1}',
                      '{epoch}', '{00000000-0000-0000-0000-000000000000}') where head is not null",
        )
        .bind(node)
        .fetch_one(&mut system)
        .await
        .expect("a head");
        head
    });
    loop {
        let waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                       and database = (select oid from pg_database where datname = current_database()))";
        if sqlx::query_scalar(waits).fetch_one(&mut gate).await.expect("an answer") {
            break;
        }
    }
    // A job that is due now, by a transaction that is still open when the claim goes on.
    let young: (i64, i64) = sqlx::query_as(
        "select (extract(epoch from engine.ready_at()) * 1000000)::bigint, pg_current_xact_id()::text::bigint",
    )
    .fetch_one(&mut late)
    .await
    .expect("a moment");
    sqlx::raw_sql("commit").execute(&mut gate).await.expect("let go");
    let (t, xid) = claiming.await.expect("no panic");
    assert!(
        young.0 > t || young.1 < xid,
        "due at {} by {}, behind a claim at {t} by {xid}",
        young.0,
        young.1
    );
}

#[tokio::test]
async fn silence_from_before_postgres_started_does_not_count() {
    let database = Database::create().await;
    let mut system = database.connect_as("switchboard_system").await;
    awake_for(&database, "1 s").await;
    assert_eq!(Played::join(&mut system).await.die().await, NOBODY);
}

#[tokio::test]
async fn a_job_that_brings_its_process_down_is_quarantined_and_the_innocent_are_not() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "killer"), probe(tenant, "innocent")]).await;
    let (killer, innocent) = (put[0].id, put[1].id);
    let mut system = database.connect_as("switchboard_system").await;
    awake_for(&database, "1 h").await;

    let mut node = Played::join(&mut system).await;
    assert_eq!(node.claim().await.expect("claimed").0.len(), 2);
    node.die().await;
    for id in [killer, innocent] {
        assert!(look(&engine, tenant, id).await.expect("kept").suspect, "both were there");
    }

    let mut node = Played::join(&mut system).await;
    assert_eq!(node.claim().await.expect("claimed").0, [killer, innocent], "suspects run beside others");
    node.die().await;

    let mut node = Played::join(&mut system).await;
    assert_eq!(node.claim().await.expect("claimed").0, [killer], "who was blamed runs by itself");
    assert_eq!(node.claim().await.expect("claimed").0, NOBODY);
    node.die().await;

    let mut node = Played::join(&mut system).await;
    let (claimed, fence) = node.claim().await.expect("claimed");
    assert_eq!(claimed, [innocent], "who was blamed twice waits until nothing else runs");
    assert_eq!(node.complete(tenant, innocent, fence).await, NOBODY);
    assert_eq!(node.claim().await.expect("claimed").0, NOBODY);
    assert_eq!(node.claim_as(true).await.expect("claimed").0, [killer]);
    node.die().await;
    let ended = reaches(&engine, tenant, killer, "quarantined").await;
    assert_eq!(ended.error_code.as_deref(), Some("crashes_its_process"));
    assert_eq!(ended.attempts.as_array().map(Vec::len), Some(4));
    assert_eq!(look(&engine, tenant, innocent).await.expect("kept").state, "completed");
    let told: i64 = sqlx::query_scalar("select count(*) from engine.log where type = 'job.quarantined'")
        .fetch_one(&mut system)
        .await
        .expect("a count");
    assert_eq!(told, 1);
}

/// A killer that came in later must not hide behind a suspect that was there before.
#[tokio::test]
async fn a_suspect_does_not_pay_for_the_killer_beside_it() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let innocent = enqueue(&engine, tenant, &[probe(tenant, "innocent")]).await[0].id;
    let mut system = database.connect_as("switchboard_system").await;
    awake_for(&database, "1 h").await;
    let mut node = Played::join(&mut system).await;
    node.claim().await.expect("claimed");
    node.die().await;
    for _ in 0..5 {
        let killer = enqueue(&engine, tenant, &[probe(tenant, "killer")]).await[0].id;
        let mut node = Played::join(&mut system).await;
        let (claimed, _) = node.claim().await.expect("claimed");
        assert!(claimed.contains(&killer), "what is new runs beside suspects");
        node.die().await;
        let killer = look(&engine, tenant, killer).await.expect("kept");
        assert!(killer.suspect, "it was there when the process died");
    }
    let innocent = look(&engine, tenant, innocent).await.expect("kept");
    assert_eq!(innocent.state, "available", "it never ran alone, so it is not quarantined");
}

#[tokio::test]
async fn what_was_cancelled_while_its_node_died_does_not_run_again() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let id = enqueue(&engine, tenant, &[probe(tenant, "unwanted")]).await[0].id;
    let mut system = database.connect_as("switchboard_system").await;
    awake_for(&database, "1 h").await;
    let mut node = Played::join(&mut system).await;
    node.claim().await.expect("claimed");
    assert_eq!(act(&engine, tenant, Action::Cancel, &[id]).await, ["cancelling"]);
    node.die().await;
    assert_eq!(look(&engine, tenant, id).await.expect("kept").state, "cancelled");
}

/// The commit of a beat may stall for all nodes at once.
#[tokio::test]
async fn who_was_silent_too_holds_nobodys_silence_against_them() {
    let database = Database::create().await;
    awake_for(&database, "1 h").await;
    let (mut one, mut two) =
        (database.connect_as("switchboard_system").await, database.connect_as("switchboard_system").await);
    let (mut victim, mut rescuer) = (Played::join(&mut one).await, Played::join(&mut two).await);
    victim.falls_silent(20.0).await;
    rescuer.falls_silent(20.0).await;
    sqlx::query(
        "update engine.nodes set beat_at = clock_timestamp(), beats = beats + 1, steady_since = clock_timestamp()
          where id = $1",
    )
    .bind(rescuer.id)
    .execute(&mut *rescuer.system)
    .await
    .expect("a beat after the gap");
    assert_eq!(rescuer.rescue().await, NOBODY);
    sqlx::query("update engine.nodes set steady_since = clock_timestamp() - interval '13 s' where id = $1")
        .bind(rescuer.id)
        .execute(&mut *rescuer.system)
        .await
        .expect("time goes by");
    assert_eq!(rescuer.rescue().await, [victim.id]);
}

/// A claim may commit and its answer be lost with the connection.
#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_handed_back_and_older_connections_are_void() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let ids: Vec<Uuid> =
        enqueue(&engine, tenant, &[probe(tenant, "heard of"), probe(tenant, "never heard of")])
            .await
            .iter()
            .map(|put| put.id)
            .collect();
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (_, fence) = node.claim_some(1).await.expect("claimed");
    node.claim_some(1).await.expect("claimed, and the answer lost");
    let disowned: i64 = sqlx::query_scalar(
        "select engine.disown((select id from engine.queues), $1, 2, $2, array(select id from engine.lanes))",
    )
    .bind(node.id)
    .bind(fence)
    .fetch_one(&mut *node.system)
    .await
    .expect("handed back");
    assert_eq!(disowned, 1);
    let states = [look(&engine, tenant, ids[0]).await, look(&engine, tenant, ids[1]).await];
    let states = states.map(|job| job.map(|job| (job.state, job.attempt)));
    assert_eq!(states, [Some(("running".into(), 1)), Some(("available".into(), 0))]);
    node.claim().await.expect_err("a claim on the connection before comes too late");
}

/// What others hold for a moment is neither waited for nor passed by.
#[tokio::test]
async fn a_claim_waits_for_nobody_who_holds_a_job() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "held"), probe(tenant, "free")]).await;
    let mut operator = engine.begin_tenant(tenant).await.expect("a transaction");
    operator.act(Action::Retry, &[put[0].id]).await.expect("acted");
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    assert_eq!(node.claim().await.expect("claimed").0, [put[1].id]);
    let skipped: Option<Vec<i64>> = node.skipped().await;
    assert_eq!(skipped.map(|lanes| lanes.len()), Some(1), "so that no position passes it");
    operator.rollback().await.expect("let go");
    assert_eq!(node.claim().await.expect("claimed").0, [put[0].id]);
}

/// A row that is changed by somebody else at the moment of its ending lies elsewhere afterwards.
#[tokio::test]
async fn what_is_changed_while_it_ends_ends_all_the_same() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let job = enqueue(&engine, tenant, &[probe(tenant, "busy")]).await[0].id;
    let mut system = database.connect_as("switchboard_system").await;
    let mut node = Played::join(&mut system).await;
    let (_, fence) = node.claim().await.expect("claimed");
    let id = node.id;
    let mut operator = engine.begin_tenant(tenant).await.expect("a transaction");
    operator.act(Action::Cancel, &[job]).await.expect("asked, and not committed yet");
    let ending =
        tokio::spawn(async move { Played { system: &mut system, id }.complete(tenant, job, fence).await });
    let mut watcher = database.connect_as("switchboard_system").await;
    let waits = "select exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                   where not l.granted and a.datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watcher).await.expect("an answer") {}
    operator.commit().await.expect("committed");
    assert_eq!(ending.await.expect("no panic"), NOBODY, "the result counts");
    assert_eq!(look(&engine, tenant, job).await.expect("kept").state, "completed");
}

/// Two tenants' jobs on nodes that die at once: each is buried as its own tenant's.
#[tokio::test]
async fn what_a_rescue_buries_is_the_right_tenants() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let ids = [
        enqueue(&engine, one, &[probe(one, "bystander")]).await[0].id,
        enqueue(&engine, two, &[probe(two, "unwanted")]).await[0].id,
        enqueue(&engine, two, &[probe(two, "bystander")]).await[0].id,
    ];
    let mut system = database.connect_as("switchboard_system").await;
    awake_for(&database, "1 h").await;
    let mut node = Played::join(&mut system).await;
    node.claim().await.expect("claimed");
    assert_eq!(act(&engine, two, Action::Cancel, &[ids[1]]).await, ["cancelling"]);
    node.die().await;
    let states = [(one, ids[0], "available"), (two, ids[1], "cancelled"), (two, ids[2], "available")];
    for (tenant, id, state) in states {
        assert_eq!(look(&engine, tenant, id).await.expect("kept").state, state);
    }
}
