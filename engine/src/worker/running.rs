//! What runs on a queue of this node, and the watchdog that ends what does not end by itself: at its
//! timeout, after its cancellation, or when the node's grace is over. Whoever takes a job out of here
//! says how it ended; a handler that was cut off finds that it has been spoken for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, task::AbortHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Outcome, finish::Claim};

/// How long a handler may go on after its job was cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// What runs, by job.
#[derive(Debug, Default)]
pub(crate) struct Running {
    inner: Mutex<Inner>,
    /// There is an earlier deadline than all before.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: HashMap<Uuid, Job>,
    deadlines: BTreeSet<(Instant, Uuid)>,
}

#[derive(Debug)]
struct Job {
    claim: Claim,
    timeout: Duration,
    deadline: Instant,
    cancelled: Option<CancellationToken>,
    abort: AbortHandle,
    /// Why the deadline is there.
    due: Due,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Timeout,
    Cancellation,
}

/// A job that was cut off, and what is to be said of it.
pub(super) struct CutOff {
    pub claim: Claim,
    pub outcome: Outcome,
}

impl Running {
    /// Starts a handler; it is known here before it can end.
    pub(super) fn begins(&self, claim: Claim, timeout: Duration, start: impl FnOnce() -> AbortHandle) {
        let deadline = Instant::now() + timeout;
        let mut inner = self.inner();
        let first = inner.deadlines.first().is_none_or(|(at, _)| deadline < *at);
        inner.deadlines.insert((deadline, claim.job));
        let job = Job { claim, timeout, deadline, cancelled: None, abort: start(), due: Due::Timeout };
        inner.jobs.insert(claim.job, job);
        drop(inner);
        if first {
            self.changed.notify_one();
        }
    }

    /// The token that is cancelled when an operator cancels the job.
    pub(super) fn cancellation(&self, claim: &Claim) -> CancellationToken {
        match self.inner().jobs.get_mut(&claim.job).filter(|job| job.claim == *claim) {
            Some(job) => job.cancelled.get_or_insert_default().clone(),
            None => CancellationToken::new(),
        }
    }

    /// A handler has ended; `false` if it was cut off before and spoken for.
    pub(super) fn ends(&self, claim: &Claim) -> bool {
        let mut inner = self.inner();
        if inner.jobs.get(&claim.job).is_none_or(|job| job.claim != *claim) {
            return false;
        }
        if let Some(job) = inner.jobs.remove(&claim.job) {
            inner.deadlines.remove(&(job.deadline, claim.job));
        }
        true
    }

    /// An operator has cancelled a job: its handler is told, and cut off if it does not heed.
    pub(crate) fn cancel(&self, id: Uuid) {
        let mut inner = self.inner();
        let Some(job) = inner.jobs.get_mut(&id).filter(|job| job.due != Due::Cancellation) else { return };
        job.cancelled.get_or_insert_default().cancel();
        job.due = Due::Cancellation;
        let was = job.deadline;
        job.deadline = was.min(Instant::now() + CANCEL_GRACE);
        let deadline = job.deadline;
        inner.deadlines.remove(&(was, id));
        inner.deadlines.insert((deadline, id));
        drop(inner);
        self.changed.notify_one();
    }

    /// Waits until a deadline has passed and cuts off what it was for.
    pub(super) async fn next_cut_off(&self) -> CutOff {
        loop {
            let changed = self.changed.notified();
            let first = self.inner().deadlines.first().copied();
            match first {
                Some((at, id)) if at <= Instant::now() => {
                    if let Some(cut) = self.cut_off(id) {
                        return cut;
                    }
                }
                Some((at, _)) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }

    fn cut_off(&self, id: Uuid) -> Option<CutOff> {
        let mut inner = self.inner();
        let job = inner.jobs.remove(&id)?;
        inner.deadlines.remove(&(job.deadline, id));
        drop(inner);
        job.abort.abort();
        let outcome = match job.due {
            Due::Timeout => {
                let why = format!("it took longer than {} ms", job.timeout.as_millis());
                Outcome::Retry { after: None, code: "timeout", why }
            }
            Due::Cancellation => Outcome::Cancel,
        };
        Some(CutOff { claim: job.claim, outcome })
    }

    /// Cuts off everything, for a node whose grace is over.
    pub(super) fn cut_off_all(&self) -> Vec<Claim> {
        let mut inner = self.inner();
        inner.deadlines.clear();
        let jobs: Vec<Job> = inner.jobs.drain().map(|(_, job)| job).collect();
        drop(inner);
        for job in &jobs {
            job.abort.abort();
        }
        jobs.into_iter().map(|job| job.claim).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a handler can be told while it runs.
#[derive(Debug, Clone)]
pub struct Signals {
    shared: Arc<Shared>,
    claim: Claim,
}

#[derive(Debug)]
struct Shared {
    running: Arc<Running>,
    stop: CancellationToken,
}

impl Signals {
    /// For the jobs of one queue.
    pub(super) fn of_queue(running: Arc<Running>, stop: CancellationToken) -> impl Fn(Claim) -> Self {
        let shared = Arc::new(Shared { running, stop });
        move |claim| Self { shared: Arc::clone(&shared), claim }
    }

    /// Cancelled when the node drains: a long handler checkpoints and snoozes.
    #[must_use]
    pub fn draining(&self) -> &CancellationToken {
        &self.shared.stop
    }

    /// Cancelled when an operator cancels the job; a handler that does not heed it is cut off shortly
    /// after.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.shared.running.cancellation(&self.claim)
    }
}
