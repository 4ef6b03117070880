//! Jobs from enqueue to history, through apalis workers on a real Postgres.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use apalis::prelude::{Data, WorkerBuilder};
use engine::{
    Engine, JobKind, NewJob, Outcome,
    enqueue::Provenance,
    jobs::{self, JobView},
    node::{Card, Node},
    worker::{self, Envelope, QueueSettings},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use switchboard_tests::Database;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Probe {
    say: String,
}

impl JobKind for Probe {
    const KIND: &'static str = "probe";
    const QUEUE: &'static str = "probes";
    const MAX_ATTEMPTS: i16 = 2;
    const WATCHED: bool = true;
}

fn probe(tenant: Uuid, say: &str) -> NewJob {
    NewJob::of(tenant, Uuid::now_v7(), &Probe { say: say.into() }).expect("a payload")
}

fn nobody() -> Provenance {
    Provenance { actor: json!({"kind": "system"}), trace: None }
}

async fn enqueue(engine: &Engine, tenant: Uuid, new: &[NewJob]) -> Vec<engine::Enqueued> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let put = tx.enqueue(new, &nobody()).await.expect("enqueued");
    tx.commit().await.expect("committed");
    put
}

async fn look(engine: &Engine, tenant: Uuid, id: Uuid) -> Option<JobView> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    jobs::get(tx.conn(), tenant, id).await.expect("an answer")
}

/// What the handlers saw, in order.
#[derive(Clone, Default)]
struct Seen {
    said: Arc<Mutex<Vec<String>>>,
    more: Arc<Notify>,
}

impl Seen {
    fn list(&self) -> Vec<String> {
        self.said.lock().expect("no panic inside").clone()
    }

    async fn wait_for(&self, count: usize) {
        let enough = async {
            loop {
                let more = self.more.notified();
                if self.list().len() >= count {
                    return;
                }
                more.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), enough)
            .await
            .unwrap_or_else(|_| panic!("saw only {:?}", self.list()));
    }
}

async fn handle(envelope: Envelope, seen: Data<Seen>) -> Result<Outcome, std::io::Error> {
    let said = Probe::decode(envelope.version, &envelope.args).expect("a payload").say;
    seen.said.lock().expect("no panic inside").push(said.clone());
    seen.more.notify_waiters();
    match said.as_str() {
        "panic" => panic!("as asked"),
        "fail" => Ok(Outcome::Retry { after: Some(Duration::ZERO), code: "asked", why: "as asked".into() }),
        "discard" => Ok(Outcome::Discard { code: "asked", why: "as asked".into() }),
        "hang" => std::future::pending().await,
        _ => Ok(Outcome::Done(json!({"said": said}))),
    }
}

/// A process: a node with one queue under an apalis worker.
struct Process {
    node: Node,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Process {
    async fn start(engine: &Engine, concurrency: usize, seen: Seen) -> Self {
        let stop = CancellationToken::new();
        let node = Node::join(
            engine,
            Card { name: "test", roles: &["worker"], build: "test", kinds: &[("probe", 1)] },
        )
        .expect("a node");
        let grace = Duration::from_millis(200);
        let settings = QueueSettings { name: "probes", concurrency, grace };
        let backend = worker::open(engine, &node, settings, stop.clone()).await.expect("a backend");
        let worker = WorkerBuilder::new("probes").backend(backend).data(seen).build(handle);
        let running = tokio::spawn(async move { worker.run().await.expect("the worker ends well") });
        Self { node, stop, running }
    }

    async fn drain(self) {
        self.stop.cancel();
        self.running.await.expect("drained");
        self.node.leave().await;
    }
}

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
    process.drain().await;
    let failed = look(&engine, tenant, put[0].id).await.expect("kept");
    assert_eq!((failed.state.as_str(), failed.attempt), ("discarded", 2));
    assert_eq!(failed.attempts.as_array().map(Vec::len), Some(2), "{}", failed.attempts);
    assert_eq!(look(&engine, tenant, put[1].id).await.expect("kept").state, "discarded");
    let panicked = look(&engine, tenant, put[2].id).await.expect("kept");
    assert_eq!(panicked.state, "retrying");
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

/// Moves the start of Postgres, as rescue sees it, to so long ago.
async fn awake_for(database: &Database, ago: &str) {
    let since = format!(
        "create or replace function engine.awake_since() returns timestamptz language sql stable as
         $$ select clock_timestamp() - interval '{ago}' $$"
    );
    let mut owner = database.connect_as("none").await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(since)).execute(&mut owner).await.expect("the owner may");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_loses_its_jobs_and_its_late_result_is_refused() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let put = enqueue(&engine, tenant, &[probe(tenant, "orphan")]).await;
    let mut system = database.connect_as("switchboard_system").await;
    let (dead, rescuer) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("insert into engine.nodes (id, name, roles, build, beats) values ($1, 'dead', '{}', '', 5), ($2, 'alive', '{}', '', 5)")
        .bind(dead)
        .bind(rescuer)
        .execute(&mut system)
        .await
        .expect("two nodes");
    let claim = "select (head ->> 'fence')::bigint from engine.claim((select id from engine.queues), $1, array(select id from engine.lanes),
      array_fill(9, array[(select count(*)::int from engine.lanes)]), array_fill('epoch'::timestamptz, array[(select count(*)::int from engine.lanes)]),
      array(select '00000000-0000-0000-0000-000000000000'::uuid from engine.lanes)) where head is not null";
    let fence: i64 = sqlx::query_scalar(claim).bind(dead).fetch_one(&mut system).await.expect("claimed");
    sqlx::query("update engine.nodes set beat_at = clock_timestamp() - interval '13 s' where id = $1")
        .bind(dead)
        .execute(&mut system)
        .await
        .expect("silence");
    let rescue = "select node from engine.rescue($1)";
    awake_for(&database, "1 s").await;
    let none: Vec<Uuid> =
        sqlx::query_scalar(rescue).bind(rescuer).fetch_all(&mut system).await.expect("an answer");
    assert!(none.is_empty(), "silence from before Postgres started does not count");
    awake_for(&database, "1 h").await;
    let struck_off: Vec<Uuid> =
        sqlx::query_scalar(rescue).bind(rescuer).fetch_all(&mut system).await.expect("an answer");
    assert_eq!(struck_off, [dead]);
    let second: i64 = sqlx::query_scalar(claim).bind(rescuer).fetch_one(&mut system).await.expect("again");
    assert!(second > fence, "the fence only grows");
    let lost: Vec<Uuid> = sqlx::query_scalar(
        "select lost from engine.finish(array[$1], array[$2], array[$3::bigint], array['completed'], array[0::bigint], array[null::jsonb], array[null], array[null])",
    )
    .bind(put[0].id)
    .bind(tenant)
    .bind(fence)
    .fetch_one(&mut system)
    .await
    .expect("an answer");
    assert_eq!(lost, [put[0].id], "the late result is refused");
    assert_eq!(look(&engine, tenant, put[0].id).await.expect("kept").state, "running");
    let unknown = sqlx::query_scalar::<_, i64>(claim).bind(dead).fetch_all(&mut system).await;
    assert!(unknown.is_err(), "a node that was struck off cannot claim");
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
    let mut watch = database.connect_as("none").await;
    loop {
        let blocked: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&mut watch)
        .await
        .expect("an answer");
        if blocked {
            break;
        }
        assert!(!waiting.is_finished(), "it did not wait for the other process");
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("commit").execute(&mut other).await.expect("it commits");
    assert_eq!(waiting.await.expect("no panic").len(), 1);
}
