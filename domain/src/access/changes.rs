//! Whose rights have changed of late, as this process has read: whoever is not among them may do what their token says.
//!
//! A token says from which transaction on a change may be missing in it (`signed`), and `seen` is the last transaction
//! that changed each tenant, user, session and role. Both are numbers that Postgres gives out: no clock decides who comes
//! in. Read are the changes of every transaction that was not over at the reading before, so that none is missed which
//! commits late. What was read is believed for [half a second](super::known); while nobody asks nothing is read, and
//! whoever comes then is looked up.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use engine::Engine;
use sqlx::PgConnection;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{
    known::{Asked, Login},
    seen::{MOST, Seen},
    store::{self, Grants},
};
use crate::error::Result;

/// How often changes are read while users ask for something.
const EVERY: Duration = Duration::from_millis(200);
/// At least so long between two readings, and so many times what the last one took: many rows are read again and again
/// while a transaction holds the numbers back.
const SPACING: Duration = Duration::from_millis(5);
const SPACING_BY_COST: u32 = 4;
/// So many readings that nobody wanted, and none follows until somebody asks.
const REST_AFTER: u32 = 10;

/// The changes that a process knows of.
#[derive(Default)]
pub struct Changes {
    seen: RwLock<Seen>,
    /// Somebody has come since the last reading.
    wanted: AtomicBool,
    /// Told if somebody has come and what was read was too old for them.
    look: Notify,
}

impl Changes {
    /// Whether it is known that nothing has changed for a bearer since their rights were read. `told` counts of how many
    /// changes this process has heard.
    pub(super) fn have_none_of(&self, told: &AtomicU64, login: Login, held: &Grants) -> bool {
        self.wanted.store(true, Ordering::Relaxed);
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if seen.holds(told) {
            return seen.have_none_of(login, held);
        }
        drop(seen);
        self.look.notify_one();
        false
    }

    /// Reads what changes while users ask for something, for ever.
    pub(super) async fn follow(&self, engine: &Engine, told: &AtomicU64) {
        loop {
            self.look.notified().await;
            let mut unwanted = 0;
            while unwanted < REST_AFTER {
                let began = Instant::now();
                let read = self.read(engine, told).await;
                if let Err(error) = &read {
                    tracing::debug!(%error, "changes of rights could not be read; users are looked up");
                }
                let pause = if read.is_ok() { began.elapsed() * SPACING_BY_COST } else { EVERY };
                sleep(pause.max(SPACING)).await;
                // Somebody asks for it, or it is time.
                let _ = timeout(EVERY, self.look.notified()).await;
                unwanted = if self.wanted.swap(false, Ordering::Relaxed) { 0 } else { unwanted + 1 };
            }
        }
    }

    async fn read(&self, engine: &Engine, told: &AtomicU64) -> Result<()> {
        loop {
            let asked = Asked::now(told);
            let from = self.seen.read().unwrap_or_else(PoisonError::into_inner).next();
            let read = async |conn: &mut PgConnection| store::changes(conn, from, MOST).await;
            let news = engine.read_system(read).await?;
            // Where it began means nothing in another history, which is read from the beginning then.
            if self.seen.write().unwrap_or_else(PoisonError::into_inner).learn(asked, news) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        access::{rights::Rights, rows::Rows, store::News},
        types::{RoleId, SessionId, TenantId, UserId},
    };

    #[test]
    fn what_nobody_has_read_or_was_read_before_a_change_was_told_is_not_believed() {
        let id = Uuid::from_u128;
        let login = (TenantId(id(1)), UserId(id(2)), SessionId(id(3)));
        let (rights, role) = (Rights::default(), RoleId(id(4)));
        let held =
            Grants { version: 1, rights, rows: Rows::All, pace: None, role, enrols: false, since: 5, era: 7 };
        let (changes, told) = (Changes::default(), AtomicU64::default());
        let learn = |asked: Asked| {
            let news = News { era: 7, next: 20, oldest: Some(1), changed: Vec::new() };
            assert!(changes.seen.write().expect("no panic inside").learn(asked, news));
        };
        assert!(!changes.have_none_of(&told, login, &held));
        learn(Asked::now(&told));
        assert!(changes.have_none_of(&told, login, &held));
        told.fetch_add(1, Ordering::Release);
        assert!(!changes.have_none_of(&told, login, &held));
        learn(Asked::now(&told));
        assert!(changes.have_none_of(&told, login, &held));
        let mut late = Asked::now(&told);
        late.at = late.at.checked_sub(Duration::from_secs(1)).expect("the machine runs for longer");
        learn(late);
        assert!(!changes.have_none_of(&told, login, &held), "half a second is over");
    }
}
