//! A process with one queue of no-op jobs, as the product runs them: apalis workers on our backend.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use apalis::prelude::{Data, WorkerBuilder};
use engine::{
    Engine, JobKind, NewJob, Outcome as Ending,
    enqueue::Provenance,
    node::{Card, Node},
    upkeep,
    worker::{self, Envelope, QueueSettings},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Outcome,
    database::{Database, run},
};

pub const QUEUE: &str = "bench";

/// A job that does nothing, with a payload of about a hundred bytes.
#[derive(Serialize, Deserialize)]
pub struct Noop(pub serde_json::Value);

impl JobKind for Noop {
    const KIND: &'static str = "noop";
    const QUEUE: &'static str = QUEUE;
}

pub fn job(tenant: Uuid) -> Outcome<NewJob> {
    Ok(NewJob::of(tenant, Uuid::now_v7(), &Noop(super::payload()))?.about("lead:0192e4a0"))
}

pub fn nobody() -> Provenance {
    Provenance { actor: json!({"kind": "system"}), trace: None }
}

/// Puts jobs in, many in a transaction.
pub async fn fill(
    engine: &Engine,
    tenant: Uuid,
    jobs: usize,
    edit: impl Fn(NewJob) -> NewJob,
) -> Outcome<()> {
    let mut left = jobs;
    while left > 0 {
        let count = left.min(5_000);
        left -= count;
        let batch = (0..count).map(|_| Ok(edit(job(tenant)?))).collect::<Outcome<Vec<_>>>()?;
        let mut tx = engine.begin_tenant(tenant).await?;
        tx.enqueue(&batch, &nobody()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Told of a job.
type Note = Arc<dyn Fn(&Envelope) + Send + Sync>;
/// What is answered to jobs that are not no-ops.
type Answer = Arc<dyn Fn(&Envelope) -> Option<BoxFuture<'static, Ending>> + Send + Sync>;

/// What handlers do and how they are counted.
#[derive(Clone)]
pub struct Work {
    pub done: Arc<AtomicUsize>,
    /// Told at every multiple of this.
    pub step: usize,
    pub stepped: Arc<Notify>,
    pub takes: Duration,
    pub began: Option<Note>,
    pub ended: Option<Note>,
    pub answer: Option<Answer>,
}

impl Work {
    pub fn new(step: usize) -> Self {
        Self {
            done: Arc::default(),
            step,
            stepped: Arc::default(),
            takes: Duration::ZERO,
            began: None,
            ended: None,
            answer: None,
        }
    }

    pub async fn wait_for(&self, count: usize) {
        loop {
            let stepped = self.stepped.notified();
            if self.done.load(Ordering::Acquire) >= count {
                return;
            }
            stepped.await;
        }
    }
}

async fn handle(envelope: Envelope, work: Data<Work>) -> Result<Ending, std::io::Error> {
    if let Some(began) = &work.began {
        began(&envelope);
    }
    if !work.takes.is_zero() {
        tokio::time::sleep(work.takes).await;
    }
    let answer = work.answer.as_ref().and_then(|answer| answer(&envelope));
    let ending = match answer {
        Some(answer) => answer.await,
        None => Ending::Done(serde_json::Value::Null),
    };
    if let Some(ended) = &work.ended {
        ended(&envelope);
    }
    if (work.done.fetch_add(1, Ordering::AcqRel) + 1).is_multiple_of(work.step) {
        work.stepped.notify_waiters();
    }
    Ok(ending)
}

pub struct Process {
    node: Node,
    stop: CancellationToken,
    running: JoinHandle<Result<(), String>>,
    upkeep: JoinHandle<()>,
}

impl Process {
    /// A node whose heart beats and whose upkeep runs; its workers begin with [`Ready::work`].
    pub async fn join(engine: &Engine) -> Outcome<Ready> {
        let stop = CancellationToken::new();
        let card = Card {
            name: "bench",
            roles: &["worker"],
            build: "bench",
            kinds: &[("noop", 1), ("procedure", 1)],
        };
        let node = Node::join(engine, card)?;
        node.registered().await;
        let upkeep = tokio::spawn(upkeep::run(engine.clone(), node.id, stop.clone()));
        Ok(Ready { engine: engine.clone(), node, stop, upkeep })
    }

    /// Stops claiming, writes the last results and leaves. Answers when the last result was written.
    pub async fn drain(self) -> Outcome<Instant> {
        self.stop.cancel();
        self.running.await??;
        let written = Instant::now();
        self.upkeep.await?;
        self.node.leave().await;
        Ok(written)
    }
}

pub struct Ready {
    engine: Engine,
    node: Node,
    stop: CancellationToken,
    upkeep: JoinHandle<()>,
}

impl Ready {
    pub async fn work(self, concurrency: usize, work: Work) -> Outcome<Process> {
        let settings = QueueSettings { name: QUEUE, concurrency, grace: Duration::from_secs(10) };
        let backend = worker::open(&self.engine, &self.node, settings, self.stop.clone()).await?;
        let worker = WorkerBuilder::new("bench").backend(backend).data(work).build(handle);
        let running = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
        Ok(Process { node: self.node, stop: self.stop, running, upkeep: self.upkeep })
    }
}

const WARM_UP: usize = 4_000;

/// A worker that is up and waits, its queue paused for a tenant until [`Waiting::run`].
pub struct Waiting<'a> {
    database: &'a Database,
    process: Process,
    pub work: Work,
}

impl<'a> Waiting<'a> {
    pub async fn start(
        database: &'a Database,
        engine: &Engine,
        tenants: &[Uuid],
        concurrency: usize,
        work: Work,
    ) -> Outcome<Self> {
        let process = Process::join(engine).await?.work(concurrency, work.clone()).await?;
        // Connections are made and statements planned once in a process's life, not in each measurement.
        for tenant in tenants {
            fill(engine, *tenant, WARM_UP / tenants.len(), |job| job).await?;
        }
        let warm_up = WARM_UP / tenants.len() * tenants.len();
        while work.done.load(Ordering::Acquire) < warm_up {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        work.done.store(0, Ordering::Release);
        for tenant in tenants {
            let mut tx = engine.begin_tenant(*tenant).await?;
            tx.pause(QUEUE, None, "a benchmark fills it").await?;
            tx.commit().await?;
        }
        Ok(Self { database, process, work })
    }

    /// Lets go and runs `jobs` to their end; answers how long it took, results written.
    pub async fn run(self, jobs: usize) -> Outcome<Duration> {
        let (owner, work) = (self.database.conn().await?, self.work.clone());
        let began = Instant::now();
        let process = self.release(owner).await?;
        work.wait_for(jobs).await;
        Ok(process.drain().await? - began)
    }

    /// Lets all tenants go at one instant.
    pub async fn release(self, mut owner: PgConnection) -> Outcome<Process> {
        // The tenants' own pauses, one statement for all: a thousand resumes would take their time.
        run(
            &mut owner,
            "begin; delete from engine.pauses; select engine.apply_rules(null, null);
             select pg_notify('switchboard', 'bench q ' || id || ' ') from engine.queues; commit",
        )
        .await?;
        Ok(self.process)
    }
}
