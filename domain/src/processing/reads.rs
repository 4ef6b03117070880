//! Whose data was opened for whom: what the breach query counts by.
//!
//! Every value about a person is sealed under a key of theirs, so whoever is shown something of them has it opened. That
//! is noted where keys are opened ([`Vault::subjects`](crate::vault::Vault::subjects)), by the person's id, for requests
//! and exports and not for work that shows nobody anything. It is written down once a second, off the path of the
//! request; a process that is killed loses what it noted since.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
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
/// People that are noted and not written down yet; of more it is only counted how many there were.
const NOTED: usize = 500_000;
/// People of one row.
const ROW: usize = 10_000;

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
    /// Held while it is written down, so that whoever waits for that has waited for all of it.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Noted {
    of: HashMap<(TenantId, &'static str, Option<Uuid>, bool), Read>,
    held: usize,
}

/// What somebody was shown since a moment.
pub(super) struct Read {
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub subjects: HashSet<Uuid>,
    pub missed: i64,
}

impl Reads {
    /// Notes whose data was opened. What work opens, and the product itself, is not noted.
    pub(crate) fn note(
        &self,
        (tenant, actor, opens): Who,
        at: DateTime<Utc>,
        subjects: impl Iterator<Item = SubjectId>,
    ) {
        if opens == Opens::ForWork || actor == Actor::System {
            return;
        }
        // Nobody is affected by seeing what is their own.
        let mut subjects = subjects.filter(|subject| actor.id() != Some(subject.0)).peekable();
        if subjects.peek().is_none() {
            return;
        }
        let mut noted = self.noted();
        let Noted { of, held } = &mut *noted;
        let who = (tenant, actor.kind(), actor.id(), opens == Opens::ToExport);
        let read = of.entry(who).or_insert_with(|| Read {
            first_at: at,
            last_at: at,
            subjects: HashSet::new(),
            missed: 0,
        });
        read.last_at = read.last_at.max(at);
        for subject in subjects {
            if *held >= NOTED && !read.subjects.contains(&subject.0) {
                read.missed += 1;
            } else if read.subjects.insert(subject.0) {
                *held += 1;
            }
        }
    }

    /// Writes down once a second what was noted, until `stop`. What is left then is for [`write`](Self::write), once
    /// nobody is served any more.
    pub async fn sweep(&self, platform: &Platform, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            self.write(platform).await;
        }
    }

    /// Writes down what was noted. What cannot be written is noted again.
    pub async fn write(&self, platform: &Platform) {
        let _alone = self.writing.lock().await;
        let taken = std::mem::take(&mut *self.noted());
        for ((tenant, kind, id, exported), read) in taken.of {
            if let Err(error) = written(platform, (tenant, kind, id, exported), &read).await {
                tracing::warn!(%error, tenant.id = %tenant, "whose data was read could not be written down yet");
                self.put_back((tenant, kind, id, exported), read);
            }
        }
    }

    fn put_back(&self, who: (TenantId, &'static str, Option<Uuid>, bool), read: Read) {
        let mut noted = self.noted();
        let Noted { of, held } = &mut *noted;
        match of.entry(who) {
            std::collections::hash_map::Entry::Vacant(place) => {
                *held += read.subjects.len();
                place.insert(read);
            }
            std::collections::hash_map::Entry::Occupied(mut there) => {
                let there = there.get_mut();
                there.first_at = there.first_at.min(read.first_at);
                there.missed += read.missed;
                for subject in read.subjects {
                    *held += usize::from(there.subjects.insert(subject));
                }
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All of one in one transaction, so that none of it is there twice.
async fn written(
    platform: &Platform,
    (tenant, kind, id, exported): (TenantId, &'static str, Option<Uuid>, bool),
    read: &Read,
) -> Result<()> {
    let subjects: Vec<Uuid> = read.subjects.iter().copied().collect();
    let mut tx = platform.engine.begin_tenant(tenant.0).await?;
    for (at, some) in subjects.chunks(ROW).enumerate() {
        let missed = if at == 0 { read.missed } else { 0 };
        let row =
            store::Row { id: platform.chance.id(), actor: (kind, id), exported, subjects: some, missed };
        store::put(tx.conn(), tenant, (read.first_at, read.last_at), &row).await?;
    }
    Ok(tx.commit().await?)
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
    fn what_is_too_much_is_counted_and_what_could_not_be_written_is_there_again() {
        let (reads, at) = (Reads::default(), DateTime::UNIX_EPOCH);
        let who = (TenantId(Uuid::from_u128(1)), Actor::User(UserId(Uuid::nil())), Opens::ToShow);
        let most = u128::try_from(NOTED).expect("a number");
        reads.note(who, at, subjects(0..most + 7));
        reads.note(who, at, subjects(0..3));
        let taken = std::mem::take(&mut *reads.noted());
        let (key, read) = taken.of.into_iter().next().expect("one");
        assert_eq!((read.subjects.len(), read.missed), (NOTED, 7));
        reads.note(who, at, subjects(most..most + 1));
        reads.put_back(key, read);
        let noted = reads.noted();
        let read = noted.of.values().next().expect("one");
        assert_eq!((noted.held, read.subjects.len(), read.missed), (NOTED + 1, NOTED + 1, 7));
    }
}
