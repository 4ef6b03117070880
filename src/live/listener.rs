//! A session's end of its place in the hub.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    hub::Hub,
    interest::Interest,
    room::{Audience, Counts},
    seat::{Item, Shared},
};

/// A socket's entries from now on; its place goes with it.
pub struct Listener {
    pub(super) hub: Hub,
    pub(super) tenant: Uuid,
    pub(super) audience: Audience,
    pub(super) number: u64,
    pub(super) queue: mpsc::Receiver<Item>,
    pub(super) last: Arc<AtomicI64>,
    pub shared: Arc<Shared>,
    pub counts: Arc<Counts>,
}

impl Listener {
    /// Waits for entries and takes up to `most`; `false` if the hub is gone.
    pub async fn recv(&mut self, batch: &mut Vec<Item>, most: usize) -> bool {
        self.queue.recv_many(batch, most).await > 0
    }

    /// What is in the queue at this moment.
    pub fn try_recv(&mut self) -> Option<Item> {
        self.queue.try_recv().ok()
    }

    /// Everything up to this entry that is wanted is in the queue, or was left out of it by now.
    #[must_use]
    pub fn passed(&self) -> i64 {
        self.last.load(Ordering::Acquire)
    }

    /// Wants something else from the next entry on; answers the last one that was offered by what was wanted before.
    #[must_use]
    pub fn narrow(&self, interest: Interest) -> i64 {
        self.hub.narrow(self.tenant, self.audience, self.number, interest);
        self.passed()
    }

    /// Counts events that were told.
    pub fn sent(&self, events: i64) {
        self.counts.sent.fetch_add(events, Ordering::Relaxed);
    }

    /// Counts a peer that took nothing.
    pub fn was_slow(&self) {
        self.counts.slow.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("switchboard_sockets_slow_total").increment(1);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.hub.leave(self.tenant, self.audience, self.number);
    }
}
