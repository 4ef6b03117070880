//! A process that runs probe jobs: what the engine's own tests put in and look at.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "fixtures: they panic where what they stand on does not hold"
)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use apalis::prelude::{Data, WorkerBuilder};
use engine::{
    Engine, JobKind, NewJob, Outcome,
    enqueue::Provenance,
    finish::Claim,
    jobs::{self, JobView},
    node::{Card, Node},
    operate::Action,
    worker::{self, Envelope, QueueSettings},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
pub struct Probe {
    pub say: String,
}

impl JobKind for Probe {
    const KIND: &'static str = "probe";
    const QUEUE: &'static str = "probes";
    const MAX_ATTEMPTS: i16 = 2;
    const WATCHED: bool = true;
}

pub fn probe(tenant: Uuid, say: &str) -> NewJob {
    NewJob::of(tenant, Uuid::now_v7(), &Probe { say: say.into() }).expect("a payload")
}

/// The first job of a run; what it says names the declaration to the handler.
#[derive(Serialize, Deserialize)]
pub struct Procedure {
    pub say: String,
}

impl JobKind for Procedure {
    const KIND: &'static str = "procedure";
    const QUEUE: &'static str = "probes";
    const MAX_ATTEMPTS: i16 = 2;
}

pub fn procedure(tenant: Uuid, say: &str) -> NewJob {
    NewJob::of(tenant, Uuid::now_v7(), &Procedure { say: say.into() }).expect("a payload")
}

pub fn nobody() -> Provenance {
    Provenance { actor: json!({"kind": "system"}), trace: None }
}

pub async fn enqueue(engine: &Engine, tenant: Uuid, new: &[NewJob]) -> Vec<engine::Enqueued> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let put = tx.enqueue(new, &nobody()).await.expect("enqueued");
    tx.commit().await.expect("committed");
    put
}

pub async fn look(engine: &Engine, tenant: Uuid, id: Uuid) -> Option<JobView> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    jobs::get(tx.conn(), tenant, id).await.expect("an answer")
}

/// Waits until a job is in a state, looking again and again.
pub async fn reaches(engine: &Engine, tenant: Uuid, id: Uuid, state: &str) -> JobView {
    let mut last = String::new();
    let reached = async {
        loop {
            let job = look(engine, tenant, id).await.expect("the job is kept");
            if job.state == state {
                return job;
            }
            last = job.state;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
    reached.unwrap_or_else(|_| panic!("it stays {last}, not {state}"))
}

/// Acts on jobs by hand; answers what became of them.
pub async fn act(engine: &Engine, tenant: Uuid, action: Action, ids: &[Uuid]) -> Vec<String> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let acted = tx.act(action, ids).await.expect("acted");
    tx.commit().await.expect("committed");
    acted.into_iter().map(|acted| acted.result.unwrap_or_default()).collect()
}

/// What the handlers saw, in order.
#[derive(Clone, Default)]
pub struct Seen {
    said: Arc<Mutex<Vec<String>>>,
    more: Arc<Notify>,
    work: Option<Work>,
    answer: Option<Answer>,
}

/// What "work" does.
type Work = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What is answered to some probes and procedures, by what they say.
type Answer = Arc<dyn Fn(Claim, &str) -> Option<BoxFuture<'static, Outcome>> + Send + Sync>;

impl Seen {
    /// Says what the probe "work" does.
    #[must_use]
    pub fn doing(mut self, work: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        self.work = Some(Arc::new(work));
        self
    }

    /// Answers some of them otherwise than is usual.
    #[must_use]
    pub fn answering(
        mut self,
        answer: impl Fn(Claim, &str) -> Option<BoxFuture<'static, Outcome>> + Send + Sync + 'static,
    ) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    /// What would be answered, if it is not the usual.
    pub fn answer(&self, claim: Claim, said: &str) -> Option<BoxFuture<'static, Outcome>> {
        self.answer.as_ref().and_then(|answer| answer(claim, said))
    }

    pub fn list(&self) -> Vec<String> {
        self.said.lock().expect("no panic inside").clone()
    }

    pub async fn wait_for(&self, count: usize) {
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
    if let Some(work) = seen.work.as_ref().filter(|_| said == "work") {
        work().await;
    }
    seen.said.lock().expect("no panic inside").push(said.clone());
    seen.more.notify_waiters();
    if let Some(answer) = seen.answer(envelope.claim, &said) {
        return Ok(answer.await);
    }
    match said.as_str() {
        "panic" => panic!("as asked"),
        "fail" => Ok(Outcome::Retry { after: Some(Duration::ZERO), code: "asked", why: "as asked".into() }),
        "discard" => Ok(Outcome::Discard { code: "asked", why: "as asked".into() }),
        "hang" => std::future::pending().await,
        "heed" => {
            envelope.signals.cancelled().cancelled().await;
            Ok(Outcome::Snooze { after: Duration::ZERO })
        }
        "nul" => Ok(Outcome::Done(json!("\0"))),
        "huge" => Ok(Outcome::Done(json!("x".repeat(100 << 20)))),
        _ => Ok(Outcome::Done(json!({"said": said}))),
    }
}

/// A process: a node with one queue under an apalis worker.
pub struct Process {
    pub node: Node,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Process {
    pub async fn start(engine: &Engine, concurrency: usize, seen: Seen) -> Self {
        let stop = CancellationToken::new();
        let node = Node::join(
            engine,
            Card {
                name: "test",
                roles: &["worker"],
                build: "test",
                kinds: &[("probe", 1), ("procedure", 1)],
            },
        )
        .expect("a node");
        let grace = Duration::from_millis(200);
        let settings = QueueSettings { name: "probes", concurrency, grace };
        let backend = worker::open(engine, &node, settings, stop.clone()).await.expect("a backend");
        let worker = WorkerBuilder::new("probes").backend(backend).data(seen).build(handle);
        let running = tokio::spawn(async move { worker.run().await.expect("the worker ends well") });
        Self { node, stop, running }
    }

    pub async fn drain(self) {
        self.stop.cancel();
        self.running.await.expect("drained");
        self.node.leave().await;
    }
}
