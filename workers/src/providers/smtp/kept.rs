//! Which connections wait, by account, and until when. What is not needed any more is closed by being dropped.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use domain::types::ProviderId;
use tokio::time::{Instant, sleep};

/// Servers close idle connections after a minute or more; we are gone before.
const IDLE: Duration = Duration::from_secs(20);
/// How often it is looked for those that have waited so long.
const SWEEP: Duration = Duration::from_secs(5);
/// Connections of one account, and of all accounts.
const PER_ACCOUNT: usize = 64;
const OF_ALL: usize = 512;

/// Connections that wait for the next message of their accounts.
pub(super) struct Kept<C>(Arc<Mutex<Shelf<C>>>);

struct Shelf<C> {
    /// None has nothing that waits.
    accounts: HashMap<ProviderId, Waiting<C>>,
    /// Somebody is at it to close what waits too long.
    swept: bool,
}

struct Waiting<C> {
    /// Of the account's row: connections of older credentials are dropped.
    version: i64,
    /// The oldest first.
    idle: Vec<(Instant, C)>,
}

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Shelf { accounts: HashMap::new(), swept: false })))
    }
}

impl<C: Send + 'static> Kept<C> {
    /// One that waits for the account in this version, if there is one that the server has not closed by now.
    pub fn take(&self, account: ProviderId, version: i64) -> Option<C> {
        let mut inner = lock(&self.0);
        inner.drop_old(Instant::now());
        let waiting = inner.accounts.get_mut(&account).filter(|waiting| waiting.version == version)?;
        // The newest first, so that those that are not needed grow old.
        let (_, connection) = waiting.idle.pop()?;
        if waiting.idle.is_empty() {
            inner.accounts.remove(&account);
        }
        Some(connection)
    }

    /// Has one wait for the account's next message. Where too many wait already the oldest of all goes.
    pub fn keep(&self, account: ProviderId, version: i64, connection: C) {
        let mut inner = lock(&self.0);
        let now = Instant::now();
        inner.drop_old(now);
        if inner.accounts.get(&account).is_some_and(|waiting| waiting.version < version) {
            inner.accounts.remove(&account);
        }
        let there = inner.accounts.get(&account);
        if there.is_some_and(|there| there.version > version || there.idle.len() >= PER_ACCOUNT) {
            return;
        }
        if inner.count() >= OF_ALL {
            inner.drop_oldest();
        }
        let waiting = inner.accounts.entry(account);
        let waiting = waiting.or_insert_with(|| Waiting { version, idle: Vec::new() });
        waiting.idle.push((now, connection));
        if !inner.swept {
            inner.swept = true;
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
    }
}

/// Closes what waits too long, though nobody asks for it, until nothing waits or there is nobody left to keep it.
async fn sweep<C>(inner: Weak<Mutex<Shelf<C>>>) {
    loop {
        sleep(SWEEP).await;
        let Some(inner) = inner.upgrade() else { return };
        let mut inner = lock(&inner);
        inner.drop_old(Instant::now());
        if inner.accounts.is_empty() {
            inner.swept = false;
            return;
        }
    }
}

impl<C> Shelf<C> {
    fn count(&self) -> usize {
        self.accounts.values().map(|waiting| waiting.idle.len()).sum()
    }

    fn drop_old(&mut self, now: Instant) {
        self.accounts.retain(|_, waiting| {
            waiting.idle.retain(|(since, _)| now.duration_since(*since) < IDLE);
            !waiting.idle.is_empty()
        });
    }

    fn drop_oldest(&mut self) {
        let since = |waiting: &Waiting<C>| waiting.idle.first().map(|(since, _)| *since);
        let oldest = self.accounts.iter().min_by_key(|(_, waiting)| since(waiting)).map(|(id, _)| *id);
        let Some(account) = oldest else { return };
        if let Some(waiting) = self.accounts.get_mut(&account) {
            waiting.idle.remove(0);
            if waiting.idle.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }
}

fn lock<C>(inner: &Mutex<Shelf<C>>) -> MutexGuard<'_, Shelf<C>> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(n: usize) -> ProviderId {
        ProviderId(Uuid::from_u128(n as u128))
    }

    fn count<C>(kept: &Kept<C>) -> usize {
        lock(&kept.0).count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_too_long_is_closed_though_nobody_asks_for_it() {
        let (kept, open) = (Kept::default(), Arc::new(()));
        kept.keep(id(1), 1, Arc::clone(&open));
        kept.keep(id(2), 1, Arc::clone(&open));
        sleep(IDLE.saturating_sub(SECOND)).await;
        assert_eq!(Arc::strong_count(&open), 3, "they may wait so long");
        sleep(SWEEP + 2 * SECOND).await;
        assert_eq!(Arc::strong_count(&open), 1, "the other ends were dropped");
        // Whoever was at it has ended and begins anew with the next.
        kept.keep(id(1), 1, Arc::clone(&open));
        sleep(IDLE + SWEEP + SECOND).await;
        assert_eq!(Arc::strong_count(&open), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_is_taken_and_none_that_is_old() {
        let kept = Kept::default();
        kept.keep(id(1), 1, "old");
        tokio::time::advance(IDLE / 2).await;
        kept.keep(id(1), 1, "new");
        assert_eq!(kept.take(id(2), 1), None);
        assert_eq!(kept.take(id(1), 1), Some("new"));
        tokio::time::advance(IDLE / 2).await;
        assert_eq!(kept.take(id(1), 1), None);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_older_credentials_are_not_used() {
        let kept = Kept::default();
        kept.keep(id(1), 1, "one");
        assert_eq!(kept.take(id(1), 2), None);
        kept.keep(id(1), 2, "two");
        kept.keep(id(1), 1, "late");
        assert_eq!((count(&kept), kept.take(id(1), 2)), (1, Some("two")));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_wait_than_may_of_one_account_or_of_all() {
        let kept = Kept::default();
        for n in 0..2 * PER_ACCOUNT {
            kept.keep(id(0), 1, n);
        }
        assert_eq!(count(&kept), PER_ACCOUNT);
        tokio::time::advance(SECOND).await;
        for n in 1..=OF_ALL {
            kept.keep(id(n), 1, n);
        }
        assert_eq!(count(&kept), OF_ALL);
        assert_eq!(kept.take(id(0), 1), None, "the oldest made room");
        assert_eq!(kept.take(id(OF_ALL), 1), Some(OF_ALL));
    }
}
