//! Nodes that die, seen from the database: what they held, who is to blame, what comes too late.

use sqlx::PgConnection;
use switchboard_tests::{
    Database,
    probe::{enqueue, look, probe, reaches},
};
use uuid::Uuid;

/// Moves the start of Postgres, as rescue sees it, to so long ago.
async fn awake_for(database: &Database, ago: &str) {
    let since = format!(
        "create or replace function engine.awake_since() returns timestamptz language sql stable as
         $$ select clock_timestamp() - interval '{ago}' $$"
    );
    let mut owner = database.connect_as("none").await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(since)).execute(&mut owner).await.expect("the owner may");
}

const NOBODY: [Uuid; 0] = [];

/// A node that is only played: it claims and finishes by hand and may die.
struct Played<'a> {
    system: &'a mut PgConnection,
    id: Uuid,
}

impl<'a> Played<'a> {
    async fn join(system: &'a mut PgConnection) -> Self {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into engine.nodes (id, name, roles, build, beats) values ($1, 'played', '{}', '', 5)",
        )
        .bind(id)
        .execute(&mut *system)
        .await
        .expect("a node");
        Self { system, id }
    }

    /// Claims what there is in all lanes; answers ids and the fence.
    async fn claim(&mut self) -> sqlx::Result<(Vec<Uuid>, i64)> {
        self.claim_as(false).await
    }

    /// The same, where nothing else runs on the node if `alone`.
    async fn claim_as(&mut self, alone: bool) -> sqlx::Result<(Vec<Uuid>, i64)> {
        let rows: Vec<(Option<Uuid>, Option<i64>)> = sqlx::query_as(
            "with l as (select id from engine.lanes order by id)
             select id, (head ->> 'fence')::bigint
               from engine.claim((select id from engine.queues), $1, 1, $2, array(select id from l), array(select 9 from l),
                 array(select 'epoch'::timestamptz from l), array(select '00000000-0000-0000-0000-000000000000'::uuid from l))",
        )
        .bind(self.id)
        .bind(alone)
        .fetch_all(&mut *self.system)
        .await?;
        let fence = rows.iter().find_map(|row| row.1).unwrap_or(0);
        Ok((rows.into_iter().filter_map(|row| row.0).collect(), fence))
    }

    /// Completes a job; answers what was lost.
    async fn complete(&mut self, tenant: Uuid, job: Uuid, fence: i64) -> Vec<Uuid> {
        let lost: Option<Vec<Uuid>> = sqlx::query_scalar(
            "select lost from engine.finish(array[$1], array[$2], array[$3::bigint], array['completed'],
               array[0::bigint], array[null::jsonb], array[null], array[null])",
        )
        .bind(job)
        .bind(tenant)
        .bind(fence)
        .fetch_one(&mut *self.system)
        .await
        .expect("an answer");
        lost.unwrap_or_default()
    }

    /// Falls silent and is found dead; answers the nodes struck off.
    async fn die(self) -> Vec<Uuid> {
        sqlx::query("update engine.nodes set beat_at = clock_timestamp() - interval '13 s' where id = $1")
            .bind(self.id)
            .execute(&mut *self.system)
            .await
            .expect("silence");
        let rescuer = Self::join(self.system).await;
        let dead = sqlx::query_scalar("select node from engine.rescue($1)")
            .bind(rescuer.id)
            .fetch_all(&mut *rescuer.system)
            .await;
        sqlx::query("delete from engine.nodes where id = $1")
            .bind(rescuer.id)
            .execute(rescuer.system)
            .await
            .expect("gone");
        dead.expect("an answer")
    }
}

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
               from engine.claim((select id from engine.queues), $1, 1, false, '{}', '{}', '{}', '{}') where head is not null",
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
