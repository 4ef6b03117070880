//! One tail of the log for the whole process, fanned out to the sockets' bounded queues.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{Engine, bus::Hint, log::Entry};
use tokio::sync::{
    broadcast::error::RecvError,
    mpsc::{self, error::TrySendError},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// Entries that wait in memory for one socket. One that falls further behind reads from the log.
pub const QUEUE: usize = 1024;
/// How soon the log is looked at where a hint was lost.
const POLL: Duration = Duration::from_secs(2);
const AT_A_TIME: i64 = 1_000;

/// Where the hub puts a socket's entries.
struct Slot {
    queue: mpsc::Sender<Arc<Entry>>,
    missed: Arc<AtomicBool>,
}

/// A socket's entries from now on.
pub struct Listener {
    queue: mpsc::Receiver<Arc<Entry>>,
    missed: Arc<AtomicBool>,
}

impl Listener {
    /// Waits for entries and takes up to `most`; `false` if the hub is gone.
    pub async fn recv(&mut self, batch: &mut Vec<Arc<Entry>>, most: usize) -> bool {
        self.queue.recv_many(batch, most).await > 0
    }

    /// Whether entries were left out since the last time because the queue was full; the log has them.
    #[must_use]
    pub fn take_missed(&self) -> bool {
        self.missed.swap(false, Ordering::AcqRel)
    }
}

/// Where sockets sign up. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    sockets: Arc<Mutex<HashMap<Uuid, Vec<Slot>>>>,
    /// This process among the others.
    pub node: Uuid,
    /// Cancelled when the process stops: sockets say goodbye.
    pub stop: CancellationToken,
    /// The sessions that are open.
    pub sessions: TaskTracker,
}

impl Hub {
    #[must_use]
    pub fn new(node: Uuid, stop: CancellationToken) -> Self {
        Self { sockets: Arc::default(), node, stop, sessions: TaskTracker::new() }
    }

    /// The entries of a tenant from now on.
    #[must_use]
    pub fn register(&self, tenant: Uuid) -> Listener {
        let (sender, queue) = mpsc::channel(QUEUE);
        let missed = Arc::new(AtomicBool::new(false));
        let mut sockets = self.lock();
        let listeners = sockets.entry(tenant).or_default();
        // A quiet tenant's sockets that are gone are noticed here, not only at its next entry.
        listeners.retain(|slot| !slot.queue.is_closed());
        listeners.push(Slot { queue: sender, missed: Arc::clone(&missed) });
        drop(sockets);
        Listener { queue, missed }
    }

    /// Tails the log until `stop`.
    pub async fn run(self, engine: Engine) {
        let mut hints = engine.bus().subscribe();
        while !self.stop.is_cancelled() {
            if let Err(error) = self.tail(&engine, &mut hints).await {
                tracing::warn!(%error, "the log could not be read; it goes on shortly");
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
            // What was missed while the tail was broken is replayed by each session: it sees the gap.
        }
    }

    async fn tail(
        &self,
        engine: &Engine,
        hints: &mut tokio::sync::broadcast::Receiver<Hint>,
    ) -> sqlx::Result<()> {
        let mut place = (engine.log_end().await?, Uuid::max(), i64::MAX);
        loop {
            let entries = engine.log_tail(place, AT_A_TIME).await?;
            if let Some(last) = entries.last() {
                place = (last.batch, last.tenant, last.seq);
                self.tell(entries);
                continue;
            }
            let poll = tokio::time::sleep(POLL);
            tokio::pin!(poll);
            loop {
                tokio::select! {
                    () = self.stop.cancelled() => return Ok(()),
                    () = &mut poll => break,
                    hint = hints.recv() => match hint {
                        Ok(Hint::Numbered { .. } | Hint::Missed) | Err(RecvError::Lagged(_)) => break,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return Ok(()),
                    }
                }
            }
        }
    }

    fn tell(&self, entries: Vec<Entry>) {
        let mut sockets = self.lock();
        for entry in entries {
            let tenant = entry.tenant;
            let Some(listeners) = sockets.get_mut(&tenant) else { continue };
            let entry = Arc::new(entry);
            listeners.retain(|slot| match slot.queue.try_send(Arc::clone(&entry)) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    slot.missed.store(true, Ordering::Release);
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            });
            if listeners.is_empty() {
                sockets.remove(&tenant);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Vec<Slot>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
