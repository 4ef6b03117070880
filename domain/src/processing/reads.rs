//! Whose data was opened for whom: what the breach query counts by.
//!
//! Every value about a person is sealed under a key of theirs, so whoever is shown something of them has it opened. That
//! is noted where keys are opened ([`Vault::subjects`](crate::vault::Vault::subjects)), by the person's id, for requests
//! and exports and not for work that shows nobody anything. It is written down once a second, off the path of the
//! request; a process that is killed loses what it noted since.
//!
//! Memory is bounded: long before it is full it is written at once, and of what is beyond, while the database takes
//! nothing, the number is kept and written down like the rest, so that the breach query tells that there was more.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::store::reads as store;
use crate::{
    ctx::{Actor, Platform},
    error::Result,
    types::{SubjectId, TenantId},
};

/// How often it is written down.
const SWEEP: Duration = Duration::from_secs(1);
/// People that are noted and not written down yet, those that are being written included: some 30 MB. Of more it is only
/// counted how many there were.
const NOTED: usize = 500_000;
/// With so many it is written down at once.
const MANY: usize = NOTED / 8;
/// People that are written in one transaction.
const PIECE: usize = 5_000;
/// How often it may fail before the rest waits for the next time: while the database is away each takes long.
const TRIES: u32 = 3;

/// Why people's data is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Opens {
    /// To be worked with; nobody is shown it.
    #[default]
    ForWork,
    /// For whoever sent the request.
    ToShow,
    /// For whoever takes it out as a file.
    ToExport,
}

/// Who, and why.
type Who = (TenantId, Actor, Opens);

/// What was opened and is not written down.
#[derive(Default)]
pub struct Reads {
    noted: Mutex<Noted>,
    /// There are [`MANY`].
    many: Notify,
    /// Held while it is written down, so that whoever waits for that has waited for all of it.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Noted {
    of: HashMap<Key, Read>,
    /// People of all, those that are being written included.
    held: usize,
}

/// Who was shown what, and in which hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    kind: &'static str,
    id: Uuid,
    exported: bool,
    /// Since the epoch.
    hour: i64,
}

/// What somebody was shown since a moment.
struct Read {
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    subjects: HashSet<Uuid>,
    missed: i64,
}

impl Reads {
    /// Notes whose data was opened. What work opens, and the product itself, is not noted.
    pub(crate) fn note(
        &self,
        (tenant, actor, opens): Who,
        at: DateTime<Utc>,
        subjects: impl Iterator<Item = SubjectId>,
    ) {
        let (Some(id), Opens::ToShow | Opens::ToExport) = (actor.id(), opens) else { return };
        // Nobody is affected by seeing what is their own.
        let mut subjects = subjects.filter(|subject| id != subject.0).peekable();
        if subjects.peek().is_none() {
            return;
        }
        let hour = at.timestamp().div_euclid(3600);
        let key = Key { tenant, kind: actor.kind(), id, exported: opens == Opens::ToExport, hour };
        let mut noted = self.noted();
        let Noted { of, held } = &mut *noted;
        let before = *held;
        let read = of.entry(key).or_insert_with(|| Read {
            first_at: at,
            last_at: at,
            subjects: HashSet::new(),
            missed: 0,
        });
        read.first_at = read.first_at.min(at);
        read.last_at = read.last_at.max(at);
        for subject in subjects {
            if *held >= NOTED && !read.subjects.contains(&subject.0) {
                read.missed += 1;
            } else if read.subjects.insert(subject.0) {
                *held += 1;
            }
        }
        // Once, so that a database that takes nothing is not asked again at once.
        if before < MANY && *held >= MANY {
            self.many.notify_one();
        }
    }

    /// Writes down once a second, or sooner if it is much, what was noted, until `stop`. What is left then is for
    /// [`write`](Self::write), once nobody is served any more.
    pub async fn sweep(&self, platform: &Platform, stop: CancellationToken) {
        let due = || tokio::time::timeout(SWEEP, self.many.notified());
        while stop.run_until_cancelled(due()).await.is_some() {
            self.write(platform).await;
        }
    }

    /// Writes down what was noted. What cannot be written is noted again.
    pub async fn write(&self, platform: &Platform) {
        let _alone = self.writing.lock().await;
        let taken = std::mem::take(&mut self.noted().of);
        let mut failed = 0;
        for (key, mut read) in taken {
            if failed == TRIES {
                self.put_back(key, read);
                continue;
            }
            let before = read.subjects.len();
            let done = written(platform, key, &mut read).await;
            self.noted().held -= before - read.subjects.len();
            if let Err(error) = done {
                tracing::warn!(%error, tenant.id = %key.tenant, "whose data was read could not be written down yet");
                self.put_back(key, read);
                failed += 1;
            }
        }
    }

    fn put_back(&self, key: Key, read: Read) {
        let mut noted = self.noted();
        let Noted { of, held } = &mut *noted;
        match of.entry(key) {
            Entry::Vacant(place) => {
                place.insert(read);
            }
            Entry::Occupied(mut there) => {
                let there = there.get_mut();
                there.first_at = there.first_at.min(read.first_at);
                there.last_at = there.last_at.max(read.last_at);
                there.missed += read.missed;
                for subject in read.subjects {
                    *held -= usize::from(!there.subjects.insert(subject));
                }
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Piece by piece; what is not written yet stays in `read`.
async fn written(platform: &Platform, key: Key, read: &mut Read) -> Result<()> {
    let Read { first_at, last_at, .. } = *read;
    let start = DateTime::UNIX_EPOCH + TimeDelta::hours(key.hour);
    let bit = 1 << start.hour();
    let (seen, exported) = if key.exported { (0, bit) } else { (bit, 0) };
    let of = store::Shown {
        actor: (key.kind, key.id),
        day: start.date_naive(),
        seen,
        exported,
        first_at,
        last_at,
    };
    if read.missed > 0 {
        let mut tx = platform.engine.begin_tenant(key.tenant.0).await?;
        store::miss(tx.conn(), key.tenant, &of, read.missed).await?;
        tx.commit().await?;
        let missed = std::mem::take(&mut read.missed);
        tracing::error!(tenant.id = %key.tenant, missed, "there was no room to note whose data was read");
    }
    // In one order, so that two processes do not wait for each other.
    let mut left: Vec<Uuid> = read.subjects.iter().copied().collect();
    left.sort_unstable();
    while !left.is_empty() {
        let piece = left.split_off(left.len().saturating_sub(PIECE));
        let mut tx = platform.engine.begin_tenant(key.tenant.0).await?;
        store::put(tx.conn(), key.tenant, &of, &piece).await?;
        tx.commit().await?;
        for subject in &piece {
            read.subjects.remove(subject);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UserId;

    fn subjects(of: std::ops::Range<u128>) -> impl Iterator<Item = SubjectId> {
        of.map(|number| SubjectId(Uuid::from_u128(number)))
    }

    #[test]
    fn people_are_noted_once_for_each_who_was_shown_them_and_work_is_not() {
        let (reads, at) = (Reads::default(), DateTime::UNIX_EPOCH);
        let tenant = TenantId(Uuid::from_u128(1));
        let user = Actor::User(UserId(Uuid::from_u128(700)));
        for (who, of) in [
            ((tenant, user, Opens::ToShow), 0..10),
            ((tenant, user, Opens::ToShow), 5..15),
            ((tenant, user, Opens::ToExport), 0..3),
            ((tenant, user, Opens::ToExport), 700..701),
            ((tenant, user, Opens::ForWork), 0..99),
            ((tenant, Actor::System, Opens::ToShow), 0..99),
            ((TenantId(Uuid::from_u128(2)), user, Opens::ToShow), 0..1),
            ((TenantId(Uuid::from_u128(3)), user, Opens::ToShow), 0..0),
        ] {
            reads.note(who, at, subjects(of));
        }
        let mut counts: Vec<usize> = reads.noted().of.values().map(|read| read.subjects.len()).collect();
        counts.sort_unstable();
        assert_eq!((counts, reads.noted().held), (vec![1, 3, 15], 19));
    }

    #[test]
    fn what_is_read_in_two_hours_is_noted_for_each() {
        let reads = Reads::default();
        let who = (TenantId(Uuid::from_u128(1)), Actor::User(UserId(Uuid::nil())), Opens::ToShow);
        for minute in [59, 60, 61] {
            reads.note(who, DateTime::UNIX_EPOCH + TimeDelta::minutes(minute), subjects(1..3));
        }
        let noted = reads.noted();
        let mut hours: Vec<i64> = noted.of.keys().map(|key| key.hour).collect();
        hours.sort_unstable();
        assert_eq!((hours, noted.held), (vec![0, 1], 4));
    }

    #[test]
    fn what_is_too_much_is_counted_and_what_could_not_be_written_is_there_again() {
        let (reads, at) = (Reads::default(), DateTime::UNIX_EPOCH);
        let who =
            (TenantId(Uuid::from_u128(1)), Actor::User(UserId(Uuid::from_u128(1 << 90))), Opens::ToShow);
        let most = u128::try_from(NOTED).expect("a number");
        reads.note(who, at, subjects(0..most - 1));
        // However often it cannot be written, no more is held.
        for times in 1..4 {
            let taken = std::mem::take(&mut reads.noted().of);
            let (key, read) = taken.into_iter().next().expect("one");
            reads.note(who, at, subjects(most..most + 3));
            reads.put_back(key, read);
            let noted = reads.noted();
            let read = noted.of.values().next().expect("one");
            // The first of the three is noted the first time; while it is put aside it is not known again.
            assert_eq!((noted.held, read.subjects.len()), (NOTED, NOTED));
            assert_eq!(read.missed, 2 + 3 * (times - 1));
        }
    }
}
