//! Whose rights have changed of late, as this process has read: whoever is not among them may do what their token says.
//!
//! A token says from which transaction on a change may be missing in it (`signed`), and here is the last transaction
//! that changed each tenant, user and session. Both are numbers that Postgres gives out: no clock decides who comes in.
//! Read are the changes of every transaction that was not over at the reading before, so that none is missed which
//! commits late. What was read is believed for [half a second](super::known); while nobody asks nothing is read, and
//! whoever comes then is looked up.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use engine::Engine;
use sqlx::PgConnection;
use tokio::{
    sync::{Mutex, Notify},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    known::{Asked, Login},
    store::{self, News},
};
use crate::error::Result;

/// How often changes are read while users ask for something.
const EVERY: Duration = Duration::from_millis(200);
/// At least so long between two readings.
const SPACING: Duration = Duration::from_millis(5);
/// So many readings that nobody wanted, and none follows until somebody asks.
const REST_AFTER: u32 = 10;
/// How long changes are remembered, longer than a token is good for, and how exactly.
const REMEMBERED: Duration = Duration::from_mins(12);
const MARK_EVERY: Duration = Duration::from_mins(1);
/// Changes that are read at a time, and remembered.
const MOST: i64 = 100_000;

/// The changes that a process knows of.
#[derive(Default)]
pub struct Changes {
    seen: RwLock<Seen>,
    /// One reads at a time.
    reading: Mutex<()>,
    /// Somebody has come since the last reading.
    wanted: AtomicBool,
    /// Told if somebody has come and what was read was too old for them.
    look: Notify,
}

/// What was read. Transactions are told by their numbers.
#[derive(Default)]
struct Seen {
    /// The last reading.
    asked: Option<Asked>,
    /// All changes of this transaction and of later ones are known, up to the last reading.
    floor: i64,
    /// The first transaction that was not over then.
    next: i64,
    /// The last change of each tenant, user and session.
    last: HashMap<Uuid, i64>,
    /// `next` as it was at times, the oldest in front.
    marks: VecDeque<(Instant, i64)>,
}

impl Changes {
    /// Whether it is known that nothing has changed for a bearer since a transaction. `told` counts of how many changes
    /// this process has heard.
    pub(super) fn have_none_of(&self, told: &AtomicU64, login: Login, since: i64) -> bool {
        self.wanted.store(true, Ordering::Relaxed);
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if seen.asked.is_some_and(|asked| asked.holds(told)) {
            return seen.have_none_of(login, since);
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
                let read = self.read(engine, told).await;
                if let Err(error) = &read {
                    tracing::debug!(%error, "changes of rights could not be read; users are looked up");
                }
                sleep(if read.is_ok() { SPACING } else { EVERY }).await;
                // Somebody asks for it, or it is time.
                let _ = timeout(EVERY, self.look.notified()).await;
                unwanted = if self.wanted.swap(false, Ordering::Relaxed) { 0 } else { unwanted + 1 };
            }
        }
    }

    async fn read(&self, engine: &Engine, told: &AtomicU64) -> Result<()> {
        let _one_at_a_time = self.reading.lock().await;
        let asked = Asked::now(told);
        let from = self.seen.read().unwrap_or_else(PoisonError::into_inner).next;
        let read = async |conn: &mut PgConnection| store::changes(conn, from, MOST).await;
        let news = engine.read_system(read).await?;
        self.seen.write().unwrap_or_else(PoisonError::into_inner).learn(asked, news);
        Ok(())
    }
}

impl Seen {
    fn have_none_of(&self, (tenant, user, session): Login, since: i64) -> bool {
        // What was signed after the last reading is known from the next one on.
        (self.floor..=self.next).contains(&since)
            && [tenant.0, user.0, session.0].iter().all(|id| self.last.get(id).is_none_or(|by| *by < since))
    }

    fn learn(&mut self, asked: Asked, news: News) {
        if news.next < self.next {
            // Another database answers, one that knows less: what the one before said does not count there.
            *self = Self::default();
            return;
        }
        let mut floor = self.floor.max(news.oldest.map_or(news.next, |oldest| oldest + 1));
        if let Some((_, lowest)) = news.changed.last().filter(|_| is_full(news.changed.len())) {
            floor = floor.max(lowest + 1);
        }
        for (id, by) in news.changed {
            let last = self.last.entry(id).or_insert(by);
            *last = by.max(*last);
        }
        if is_full(self.last.len()) {
            floor = floor.max(news.next);
        }
        (self.asked, self.next) = (Some(asked), news.next);
        self.mark(asked.at);
        let is_old = |mark: &(Instant, i64)| asked.at.saturating_duration_since(mark.0) > REMEMBERED;
        while let Some((_, next)) = self.marks.front().copied().filter(is_old) {
            floor = floor.max(next);
            self.marks.pop_front();
        }
        if floor > self.floor {
            self.floor = floor;
            self.last.retain(|_, by| *by >= floor);
        }
    }

    fn mark(&mut self, now: Instant) {
        if self.marks.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= MARK_EVERY) {
            self.marks.push_back((now, self.next));
        }
    }
}

fn is_full(count: usize) -> bool {
    i64::try_from(count).is_ok_and(|count| count >= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SessionId, TenantId, UserId};

    fn login() -> Login {
        let id = Uuid::from_u128;
        (TenantId(id(1)), UserId(id(2)), SessionId(id(3)))
    }

    fn asked(at: Instant) -> Asked {
        let mut asked = Asked::now(&AtomicU64::default());
        asked.at = at;
        asked
    }

    fn news(next: i64, oldest: i64, changed: &[(u128, i64)]) -> News {
        let changed = changed.iter().map(|(id, by)| (Uuid::from_u128(*id), *by)).collect();
        News { next, oldest: Some(oldest), changed }
    }

    #[test]
    fn whoever_has_changed_since_is_looked_up_and_nobody_else() {
        for changed in [1, 2, 3] {
            let mut seen = Seen::default();
            seen.learn(asked(Instant::now()), news(20, 1, &[(changed, 9), (4, 15), (changed, 7)]));
            for (since, spared) in [(6, false), (9, false), (10, true), (20, true)] {
                assert_eq!(seen.have_none_of(login(), since), spared, "{changed} {since}");
            }
        }
    }

    #[test]
    fn nothing_is_known_before_the_oldest_row_nor_after_the_last_reading() {
        let mut seen = Seen::default();
        seen.learn(asked(Instant::now()), news(20, 5, &[]));
        for (since, known) in [(4, false), (5, false), (6, true), (20, true), (21, false)] {
            assert_eq!(seen.have_none_of(login(), since), known, "{since}");
        }
        seen.learn(asked(Instant::now()), news(30, 12, &[]));
        for (since, known) in [(12, false), (13, true), (30, true)] {
            assert_eq!(seen.have_none_of(login(), since), known, "{since}: others were deleted meanwhile");
        }
    }

    #[test]
    fn what_is_older_than_a_token_can_be_is_forgotten() {
        let (mut seen, began) = (Seen::default(), Instant::now());
        for minute in 0..=20 {
            let by = 100 + i64::from(minute);
            let at = began + Duration::from_mins(1) * minute;
            seen.learn(asked(at), news(by + 1, 1, &[(1_000 + u128::from(minute), by)]));
        }
        assert!(seen.marks.len() <= 14, "{:?}", seen.marks);
        assert!(seen.last.len() <= 14, "{:?}", seen.last);
        assert!(!seen.have_none_of(login(), 105), "a change of so long ago may have been forgotten");
        assert!(seen.have_none_of(login(), 111), "a token of ten minutes ago");
    }

    #[test]
    fn more_than_is_remembered_leaves_only_the_newest_known() {
        let mut seen = Seen::default();
        let many: Vec<_> = (0..MOST).rev().map(|n| (Uuid::from_u128(1_000), 100 + n)).collect();
        seen.learn(asked(Instant::now()), News { next: 100 + MOST, oldest: Some(1), changed: many });
        assert!(!seen.have_none_of(login(), 100), "there may be more of it");
        assert!(seen.have_none_of(login(), 101));
        let mut seen = Seen::default();
        for part in 0..2 {
            let some =
                (0..MOST / 2).map(|n| (Uuid::from_u64_pair(9, (part * MOST + n).unsigned_abs()), 100 + part));
            let changed = some.collect();
            seen.learn(asked(Instant::now()), News { next: 101 + part, oldest: Some(1), changed });
        }
        assert!(seen.last.is_empty(), "{}", seen.last.len());
        assert!(!seen.have_none_of(login(), 101));
        assert!(seen.have_none_of(login(), 102));
    }

    #[test]
    fn nothing_holds_that_another_database_said() {
        let mut seen = Seen::default();
        seen.learn(asked(Instant::now()), news(20, 1, &[]));
        seen.learn(asked(Instant::now()), news(10, 1, &[]));
        assert!(seen.asked.is_none() && !seen.have_none_of(login(), 5));
        seen.learn(asked(Instant::now()), news(11, 1, &[(2, 8)]));
        assert!(seen.have_none_of(login(), 9) && !seen.have_none_of(login(), 8));
    }

    #[test]
    fn what_nobody_has_read_or_was_read_before_a_change_was_told_is_not_believed() {
        let (changes, told) = (Changes::default(), AtomicU64::default());
        assert!(!changes.have_none_of(&told, login(), 5));
        changes.seen.write().expect("no panic inside").learn(Asked::now(&told), news(20, 1, &[]));
        assert!(changes.have_none_of(&told, login(), 5));
        told.fetch_add(1, Ordering::Release);
        assert!(!changes.have_none_of(&told, login(), 5));
        let long_ago =
            Instant::now().checked_sub(Duration::from_secs(1)).expect("the machine runs for longer");
        let mut late = Asked::now(&told);
        late.at = long_ago;
        changes.seen.write().expect("no panic inside").learn(late, news(20, 1, &[]));
        assert!(!changes.have_none_of(&told, login(), 5), "half a second is over");
    }
}
