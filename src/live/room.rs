//! The sockets of one tenant. Whether an event is heard is asked once for all that have the same rights.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use domain::{
    access::{permission::PermissionSet, rows::Rows},
    events::{EventType, Hearers, sockets::Counted},
    types::TenantId,
};
use engine::log::Entry;

use super::{seat::Seat, told::Told};

/// Those who may see the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Audience {
    pub grants: PermissionSet,
    pub rows: Rows,
}

/// What is counted of a tenant's sockets since the process started.
#[derive(Debug, Default)]
pub struct Counts {
    pub sent: AtomicI64,
    pub dropped: AtomicI64,
    pub slow: AtomicI64,
}

/// A tenant's sockets by whoever sees the same, and by their numbers.
#[derive(Debug, Default)]
pub struct Room {
    /// The last entry that all sockets were offered.
    pub last: Arc<AtomicI64>,
    pub counts: Arc<Counts>,
    pub audiences: HashMap<Audience, HashMap<u64, Seat>>,
}

impl Room {
    /// Offers an entry to everybody who may hear it and wants to.
    pub fn tell(&self, entry: &Entry) {
        let before = self.last.load(Ordering::Relaxed);
        if entry.seq <= before {
            return;
        }
        if before != 0 && entry.seq != before + 1 {
            // The log was dropped before it was read here: each finds that out for itself.
            self.seats().for_each(Seat::misses);
        }
        let (hearers, mut told) = (Hearers::of(&entry.kind, &entry.body), None);
        for (audience, seats) in &self.audiences {
            if !hearers.include(audience.grants, audience.rows) {
                continue;
            }
            for seat in seats.values().filter(|seat| seat.takes(&entry.kind, &entry.subject)) {
                if !seat.offer(told.get_or_insert_with(|| Arc::new(Told::of(entry)))) {
                    self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        if let Some(concerns) = changes_rights(entry) {
            self.seats().filter(|seat| concerns(&seat.subject)).for_each(|seat| seat.revoke(entry.seq));
        }
        // After the offers: who reads this has them all in the queue.
        self.last.store(entry.seq, Ordering::Release);
    }

    /// Has those look around who have something to see.
    pub fn look(&self, now: DateTime<Utc>) {
        let last = self.last.load(Ordering::Relaxed);
        self.seats().for_each(|seat| seat.look(last, now));
    }

    /// How things stand.
    #[must_use]
    pub fn counted(&self, tenant: TenantId) -> Counted {
        let last = self.last.load(Ordering::Relaxed);
        let of = |count: &AtomicI64| count.load(Ordering::Relaxed);
        Counted {
            tenant,
            sockets: i32::try_from(self.len()).unwrap_or(i32::MAX),
            sent: of(&self.counts.sent),
            dropped: of(&self.counts.dropped),
            slow: of(&self.counts.slow),
            lag: self.seats().map(|seat| seat.lag(last)).max().unwrap_or(0),
        }
    }

    /// The tenant's sockets at this process.
    #[must_use]
    pub fn len(&self) -> usize {
        self.audiences.values().map(HashMap::len).sum()
    }

    /// Whether no socket of the tenant is at this process.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.audiences.is_empty()
    }

    fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.audiences.values().flat_map(HashMap::values)
    }
}

/// Whose rights an entry says have changed, by the subject of who acts: one's, or those of the whole tenant. None if it is
/// about something else.
pub(super) fn changes_rights(entry: &Entry) -> Option<impl Fn(&str) -> bool> {
    let whole =
        (entry.kind == EventType::AccessChanged.as_str()).then(|| format!("tenant:{}", entry.tenant))?;
    Some(move |subject: &str| entry.subject == subject || entry.subject == whole)
}
