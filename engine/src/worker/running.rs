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

/// What runs, by job.
#[derive(Debug)]
pub(crate) struct Running {
    /// How long a handler may go on after its job was cancelled.
    grace: Duration,
    inner: Mutex<Inner>,
    /// There is an earlier deadline than all before.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: HashMap<Uuid, Job>,
    deadlines: BTreeSet<(Instant, Uuid)>,
    /// The newest claim of the queue, and the one up to which all were lost.
    newest: i64,
    lost_up_to: i64,
    /// How often everything was lost.
    lives: u64,
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
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, inner: Mutex::default(), changed: Notify::default() }
    }

    /// To be named with the next claim: see [`Self::claimed`].
    pub(super) fn life(&self) -> u64 {
        self.inner().lives
    }

    /// The dispatcher has claimed once more; `false` if everything was lost since it asked, so that it
    /// cannot know whether this is.
    pub(super) fn claimed(&self, fence: i64, life: u64) -> bool {
        let mut inner = self.inner();
        inner.newest = inner.newest.max(fence);
        inner.lives == life
    }

    /// Starts a handler, unless its claim is lost; it is known here before it can end.
    pub(super) fn begins(&self, claim: Claim, timeout: Duration, start: impl FnOnce() -> AbortHandle) {
        let deadline = Instant::now() + timeout;
        let mut inner = self.inner();
        if claim.fence <= inner.lost_up_to {
            return;
        }
        let first = inner.deadlines.first().is_none_or(|(at, _)| deadline < *at);
        let job = Job { claim, timeout, deadline, cancelled: None, abort: start(), due: Due::Timeout };
        if let Some(before) = inner.jobs.insert(claim.job, job) {
            // This node had lost the job and has claimed it again: the attempt before is nobody's.
            inner.deadlines.remove(&(before.deadline, claim.job));
            before.abort.abort();
        }
        inner.deadlines.insert((deadline, claim.job));
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
        job.deadline = was.min(Instant::now() + self.grace);
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
                    if let Some(cut) = self.cut_off(at, id) {
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

    fn cut_off(&self, at: Instant, id: Uuid) -> Option<CutOff> {
        let mut inner = self.inner();
        inner.deadlines.remove(&(at, id));
        inner.jobs.get(&id).filter(|job| job.deadline == at)?;
        let job = inner.jobs.remove(&id)?;
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

    /// Cuts off everything that was claimed so far, begun or not. Answers what had begun.
    pub(crate) fn cut_off_all(&self) -> Vec<Claim> {
        let mut inner = self.inner();
        inner.lost_up_to = inner.newest;
        inner.lives += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(fence: i64) -> Claim {
        Claim { job: Uuid::nil(), tenant: Uuid::nil(), lane: 1, fence, attempt: 1, max_attempts: 3 }
    }

    fn hang() -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_claimed_again_has_its_own_time_and_the_watchdog_rests() {
        let running = Running::new(Duration::from_secs(5));
        running.begins(claim(1), Duration::from_secs(10), hang);
        tokio::time::sleep(Duration::from_secs(9)).await;
        running.begins(claim(2), Duration::from_secs(30), hang);
        assert!(!running.ends(&claim(1)), "the attempt before has been spoken for");
        let began = Instant::now();
        let cut = running.next_cut_off().await;
        assert_eq!((cut.claim, began.elapsed().as_secs()), (claim(2), 30));
        let nothing = tokio::time::timeout(Duration::from_mins(1), running.next_cut_off()).await;
        assert!(nothing.is_err(), "nothing is left to be cut off");
    }

    #[tokio::test]
    async fn what_was_claimed_before_the_node_was_struck_off_does_not_begin() {
        let running = Running::new(Duration::from_secs(5));
        let life = running.life();
        assert!(running.claimed(5, life));
        assert_eq!(running.cut_off_all(), []);
        assert!(!running.claimed(7, life), "an answer from before");
        let running = Running::new(Duration::from_secs(5));
        running.claimed(5, 0);
        running.cut_off_all();
        running.begins(claim(5), Duration::from_secs(10), || unreachable!("its claim is lost"));
        running.begins(claim(6), Duration::from_secs(10), hang);
        assert!(running.ends(&claim(6)));
    }
}
