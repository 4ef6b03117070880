//! A steady stream of jobs of two tenants, and the memory of what was accepted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::{Engine, JobKind, NewJob, enqueue::Provenance, operate::Bounds};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    ledger::uptime,
    worker::{Does, Task},
};
use crate::Outcome;

/// How often a transaction with jobs commits.
const EVERY: Duration = Duration::from_millis(25);

/// Jobs of one of the tenants that run at a time: more than there are, but while a backlog is worked off.
const LIMIT: i32 = 20;

/// The kind of stream.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Jobs in one transaction, each 25 ms.
    pub jobs: usize,
    /// Handlers take from 0 to so many milliseconds.
    pub takes_ms: u64,
    /// Jobs are due so long after their commit.
    pub delay: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { jobs: 8, takes_ms: 60, delay: Duration::ZERO }
    }
}

/// A job whose commit was answered.
#[derive(Clone, Copy)]
pub struct Accepted {
    pub does: Does,
    /// When its commit was answered, and the first moment at which it may begin; seconds of uptime.
    pub committed: f64,
    pub due: f64,
}

/// What the stream has put in so far.
#[derive(Default)]
pub struct Memory {
    pub accepted: HashMap<Uuid, Accepted>,
    /// Jobs whose commit was not answered: they may be there or not.
    pub unsure: Vec<(Uuid, Does)>,
}

pub struct Load {
    memory: Arc<Mutex<Memory>>,
    stop: CancellationToken,
    task: JoinHandle<Outcome<()>>,
}

impl Load {
    /// Begins to put jobs in. An error of the database makes those of one transaction unsure, no more.
    pub fn start(engine: &Engine, pace: Pace, seed: u64) -> Self {
        let (memory, stop) = (Arc::<Mutex<Memory>>::default(), CancellationToken::new());
        let stream =
            stream(engine.clone(), pace, fastrand::Rng::with_seed(seed), Arc::clone(&memory), stop.clone());
        Self { memory, stop, task: tokio::spawn(stream) }
    }

    /// Ends the stream; answers what it has put in.
    pub async fn end(self) -> Outcome<Memory> {
        self.stop.cancel();
        self.task.await??;
        Ok(std::mem::take(&mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

async fn stream(
    engine: Engine,
    pace: Pace,
    mut dice: fastrand::Rng,
    memory: Arc<Mutex<Memory>>,
    stop: CancellationToken,
) -> Outcome<()> {
    let tenants = [Uuid::now_v7(), Uuid::now_v7()];
    // Slots of the one come back before the disk has an ending, so a crash may undo it.
    let mut tx = engine.begin_tenant(tenants[0]).await?;
    tx.limit(Task::QUEUE, None, Bounds { max_running: Some(LIMIT), ..Bounds::default() }).await?;
    tx.commit().await?;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        tick.tick().await;
        let tenant = tenants[dice.usize(..2)];
        let mut jobs = Vec::with_capacity(pace.jobs);
        for _ in 0..pace.jobs {
            let does = if dice.bool() { Does::Effect } else { Does::Note };
            jobs.push((
                does,
                new(tenant, &Task { does, takes_ms: dice.u64(0..=pace.takes_ms) })?.delay(pace.delay),
            ));
        }
        let asked = uptime()?;
        let put = put(&engine, tenant, &jobs.iter().map(|(_, job)| job.clone()).collect::<Vec<_>>()).await;
        let committed = uptime()?;
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        for (does, job) in jobs {
            if put.is_ok() {
                let accepted = Accepted { does, committed, due: asked + pace.delay.as_secs_f64() };
                memory.accepted.insert(job.id, accepted);
            } else {
                memory.unsure.push((job.id, does));
            }
        }
    }
    Ok(())
}

pub fn new(tenant: Uuid, task: &Task) -> Outcome<NewJob> {
    Ok(NewJob::of(tenant, Uuid::now_v7(), task)?)
}

/// Puts jobs in, in one transaction.
pub async fn put(engine: &Engine, tenant: Uuid, jobs: &[NewJob]) -> Outcome<()> {
    let by = Provenance { actor: json!({"kind": "system"}), trace: None };
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.enqueue(jobs, &by).await?;
    Ok(tx.commit().await?)
}
