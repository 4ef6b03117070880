//! What was found out about bearers, kept for a moment, so that most requests ask no database who is asking.
//!
//! What somebody may do is believed for [`BELIEVED`] at most, and no longer once a process has told that rights have
//! changed: a right that was withdrawn is refused within a second everywhere, also where the hint is lost. What is known
//! of [changes](super::changes) is believed as long.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;
use tokio_util::sync::CancellationToken;

use super::{gate::Gate, store, token::Claims};
use crate::{
    tenancy::Topic,
    types::{ApiKeyId, SessionId, TenantId, UserId},
    vault::cipher::sha256,
};

/// How long what somebody may do is believed, from before it was read.
const BELIEVED: Duration = Duration::from_millis(500);
/// Bearers of each kind that are remembered; the ones used least make room.
const REMEMBERED: usize = 20_000;

/// A user by a session.
pub(super) type Login = (TenantId, UserId, SessionId);

/// The memory of one process.
pub(super) struct Known {
    /// With the key that signed each.
    tokens: Cache<[u8; 32], (String, Claims)>,
    pub logins: Recent<Login, store::Grants>,
    /// None of those that are revoked, or whose maker may not come in.
    pub keys: Recent<ApiKeyId, Option<store::KeyRow>>,
}

/// Values that are believed for a moment.
pub(super) struct Recent<K, V> {
    values: Cache<K, (V, Asked)>,
    changes: Arc<AtomicU64>,
}

/// When something was asked for, and how often rights had changed by then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub at: Instant,
    changes: u64,
}

impl Asked {
    /// To be called before asking, so that an answer which is older than a change is known for that.
    pub fn now(changes: &AtomicU64) -> Self {
        Self { at: Instant::now(), changes: changes.load(Ordering::Acquire) }
    }

    /// Whether what was answered is believed still.
    pub fn holds(self, changes: &AtomicU64) -> bool {
        self.changes == changes.load(Ordering::Acquire) && self.at.elapsed() < BELIEVED
    }
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    fn new(changes: &Arc<AtomicU64>) -> Self {
        Self { values: Cache::new(REMEMBERED), changes: Arc::clone(changes) }
    }

    /// What was found out a moment ago.
    pub fn get(&self, key: &K) -> Option<V> {
        let (value, asked) = self.values.get(key)?;
        asked.holds(&self.changes).then_some(value)
    }

    /// To be called before asking.
    pub fn ask(&self) -> Asked {
        Asked::now(&self.changes)
    }

    /// Keeps what was answered; `asked` is of [before](Self::ask) the question.
    pub fn put(&self, key: K, value: V, asked: Asked) {
        self.values.insert(key, (value, asked));
    }
}

impl Known {
    /// `changes` counts how often rights have changed: with each, nothing is believed any more.
    pub fn new(changes: &Arc<AtomicU64>) -> Self {
        Self { tokens: Cache::new(REMEMBERED), logins: Recent::new(changes), keys: Recent::new(changes) }
    }

    /// What a token says whose signature was checked before, and the key that it was checked by.
    pub fn claims(&self, token: &str) -> Option<(String, Claims)> {
        self.tokens.get(&sha256(token.as_bytes()))
    }

    /// Keeps what a token says whose signature the key `kid` has proven; of the token itself only a hash.
    pub fn put_claims(&self, token: &str, kid: String, claims: Claims) {
        self.tokens.insert(sha256(token.as_bytes()), (kid, claims));
    }
}

impl Gate {
    /// Keeps up with changes of rights until `stop`: what was found out of rights is not believed any more whenever a
    /// process tells that some have changed, and whose they are is read as long as users ask for something.
    pub async fn heed_changes(self, stop: CancellationToken) {
        let platform = &self.platform;
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.hear_of_changes() => {}
            () = platform.changes.follow(&platform.engine, &platform.rights_changed) => {}
        }
    }

    async fn hear_of_changes(&self) {
        let mut changed = self.platform.engine.topic(Topic::Access as u8);
        loop {
            changed.told().await;
            self.platform.rights_changed.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_long_ago_is_not_believed() {
        let recent = Recent::<u8, u8>::new(&Arc::default());
        recent.put(1, 10, recent.ask());
        assert_eq!(recent.get(&1), Some(10));
        let long_ago = recent.ask().at.checked_sub(BELIEVED).expect("the machine runs for longer");
        recent.put(1, 11, Asked { at: long_ago, ..recent.ask() });
        assert_eq!(recent.get(&1), None);
    }

    #[test]
    fn what_was_asked_before_a_change_is_not_believed_after_it() {
        let changes = Arc::default();
        let recent = Recent::<u8, u8>::new(&changes);
        let asked = recent.ask();
        changes.fetch_add(1, Ordering::Release);
        recent.put(1, 10, asked);
        assert_eq!(recent.get(&1), None, "the answer may be older than the change");
        recent.put(1, 11, recent.ask());
        assert_eq!(recent.get(&1), Some(11));
    }
}
