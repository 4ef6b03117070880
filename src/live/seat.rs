//! What the hub and the session of a socket share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc};

use super::{interest::Interest, told::Told};

/// Entries that wait in memory for one socket; they share their bytes with all others. One that falls further behind reads
/// from the log.
pub const QUEUE: usize = 512;

/// What the hub puts into the queue of a socket.
#[derive(Debug)]
pub enum Item {
    Event(Arc<Told>),
    /// Time to say how far it is, and to see whether its rights last.
    Look,
}

/// Where a socket stands.
#[derive(Debug)]
pub struct Shared {
    /// Entries were left out since this was set: the log has them. The hub puts nothing more into the queue until the session
    /// takes it back, so what is in there comes before what was left out.
    missed: AtomicBool,
    /// The last sequence that the peer knows of.
    told: AtomicI64,
    /// The last sequence that the peer says it has dealt with; -1 of one that never says it.
    acked: AtomicI64,
    /// The newest entry that changed what the peer may do.
    changed: AtomicI64,
    /// The newest entry when it was opened: what was said of the peer's rights before is known.
    opened_at: AtomicI64,
    /// When its rights end by themselves, in milliseconds since 1970.
    until: AtomicI64,
    has_changed: Notify,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            missed: AtomicBool::new(false),
            // Nothing is known of it until it says where it stands.
            told: AtomicI64::new(i64::MAX),
            acked: AtomicI64::new(-1),
            changed: AtomicI64::new(0),
            opened_at: AtomicI64::new(i64::MAX),
            until: AtomicI64::new(i64::MAX),
            has_changed: Notify::new(),
        }
    }
}

impl Shared {
    /// From now on the hub leaves entries out: the session reads them from the log.
    pub fn rest(&self) {
        self.missed.store(true, Ordering::Release);
    }

    /// Whether entries were left out.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.missed.load(Ordering::Acquire)
    }

    /// What comes from now on goes into the queue again; what was left out before has to be read from the log after this.
    pub fn go_on(&self) {
        self.missed.store(false, Ordering::Release);
    }

    /// The newest entry when it was opened.
    pub fn opened(&self, at: i64) {
        self.opened_at.store(at, Ordering::Release);
        self.has_changed.notify_one();
    }

    /// Whether an entry that is about the rights of this peer comes after its opening.
    #[must_use]
    pub fn is_after_opening(&self, seq: i64) -> bool {
        seq > self.opened_at.load(Ordering::Acquire)
    }

    /// Resolves when what the peer may do has changed since it was opened.
    pub async fn revoked(&self) {
        while !self.is_after_opening(self.changed.load(Ordering::Acquire)) {
            self.has_changed.notified().await;
        }
    }

    /// The peer knows of everything up to this sequence.
    pub fn told(&self, seq: i64) {
        self.told.store(seq, Ordering::Relaxed);
    }

    /// The peer says that it has dealt with everything up to this sequence; a lower one than before says nothing.
    pub fn acked(&self, seq: i64) {
        self.acked.fetch_max(seq, Ordering::Relaxed);
    }

    /// When the peer's rights end by themselves.
    pub fn ends(&self, until: Option<DateTime<Utc>>) {
        let until = until.map_or(i64::MAX, |end| end.timestamp_millis());
        self.until.store(until, Ordering::Relaxed);
    }
}

/// Where the hub puts a socket's entries.
#[derive(Debug)]
pub struct Seat {
    pub queue: mpsc::Sender<Item>,
    pub shared: Arc<Shared>,
    pub interest: Interest,
    /// Whose it is, as changes of rights name it.
    pub subject: String,
}

impl Seat {
    /// Whether an entry of this type and about this is for its queue. One that reads the log finds it there.
    #[must_use]
    pub fn takes(&self, kind: &str, subject: &str) -> bool {
        !self.shared.is_resting() && self.interest.wants(kind, subject)
    }

    /// Puts an entry into the queue; `false` if there was no room, so that the socket falls behind from here.
    #[must_use]
    pub fn offer(&self, told: &Arc<Told>) -> bool {
        let taken = self.queue.try_send(Item::Event(Arc::clone(told))).is_ok();
        if !taken {
            self.shared.rest();
        }
        taken
    }

    /// Has the session read from the log.
    pub fn misses(&self) {
        self.shared.rest();
        self.nudge();
    }

    /// The peer's rights have changed with this entry.
    pub fn revoke(&self, seq: i64) {
        self.shared.changed.fetch_max(seq, Ordering::AcqRel);
        self.shared.has_changed.notify_one();
    }

    /// Has the session look around, if there is something to be seen.
    pub fn look(&self, last: i64, now: DateTime<Utc>) {
        let ended = self.shared.until.load(Ordering::Relaxed) <= now.timestamp_millis();
        if ended || self.shared.told.load(Ordering::Relaxed) < last {
            self.nudge();
        }
    }

    /// Entries up to `last` that the peer has not dealt with, or does not know of if it never says what it has dealt with.
    #[must_use]
    pub fn lag(&self, last: i64) -> i64 {
        let (told, acked) =
            (self.shared.told.load(Ordering::Relaxed), self.shared.acked.load(Ordering::Relaxed));
        // The sequence may have been told before the hub has come to it.
        (last - if acked < 0 { told } else { acked }).max(0)
    }

    /// A queue that is full is looked through anyway.
    fn nudge(&self) {
        let _ = self.queue.try_send(Item::Look);
    }
}
