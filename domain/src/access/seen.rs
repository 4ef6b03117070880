//! What was read of whose rights have changed. Changes are told by the numbers of transactions, which Postgres gives out
//! in one order within a history; in another the same numbers are of other transactions.

use std::{
    collections::{HashMap, VecDeque},
    sync::atomic::AtomicU64,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    known::{Asked, Login},
    store::{Grants, News},
};

/// How long changes are remembered, longer than a token is good for, and how exactly.
const REMEMBERED: Duration = Duration::from_mins(12);
const MARK_EVERY: Duration = Duration::from_mins(1);
/// Changes that are read at a time, and remembered. Of more the newest are known, so whoever holds a token from before
/// them is looked up.
pub(super) const MOST: i64 = 5_000;

/// The changes that were read.
#[derive(Default)]
pub(super) struct Seen {
    /// The last reading.
    asked: Option<Asked>,
    /// The history that the numbers are of.
    era: Option<i64>,
    /// All changes of this transaction and of later ones are known, up to the last reading.
    floor: i64,
    /// The first transaction that was not over then.
    next: i64,
    /// The last change of each tenant, user, session and role.
    last: HashMap<Uuid, i64>,
    /// `next` as it was at times, the oldest in front.
    marks: VecDeque<(Instant, i64)>,
}

impl Seen {
    /// Whether what was read is believed still. `told` counts of how many changes this process has heard.
    pub fn holds(&self, told: &AtomicU64) -> bool {
        self.asked.is_some_and(|asked| asked.holds(told))
    }

    /// From which transaction on the next reading begins; 0 before the first one.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Whether nothing has changed for a bearer since their rights were read.
    pub fn have_none_of(&self, (tenant, user, session): Login, held: &Grants) -> bool {
        let ids = [tenant.0, user.0, session.0, held.role.0];
        self.era == Some(held.era)
            // What was signed after the last reading is known from the next one on.
            && (self.floor..=self.next).contains(&held.since)
            && ids.iter().all(|id| self.last.get(id).is_none_or(|by| *by < held.since))
    }

    /// Adds what was read from [`Self::next`] on. `false` if it is of another history, in which that number means
    /// nothing: all is forgotten then, and it has to be read again, from the beginning.
    pub fn learn(&mut self, asked: Asked, news: News) -> bool {
        if self.era != Some(news.era) || news.next < self.next {
            let is_whole = self.next == 0;
            *self = Self { era: Some(news.era), ..Self::default() };
            if !is_whole {
                return false;
            }
        }
        // A table without a row does not say since when.
        let mut floor = self.floor.max(news.oldest.unwrap_or(news.next) + 1);
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
        true
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
    use crate::{
        access::{rights::Rights, rows::Rows},
        types::{RoleId, SessionId, TenantId, UserId},
    };

    const ERA: i64 = 7;

    fn login() -> Login {
        let id = Uuid::from_u128;
        (TenantId(id(1)), UserId(id(2)), SessionId(id(3)))
    }

    /// What a token says by role 4.
    fn held(era: i64, since: i64) -> Grants {
        let (rights, role) = (Rights::default(), RoleId(Uuid::from_u128(4)));
        Grants { version: 1, rights, rows: Rows::All, pace: None, role, enrols: false, since, era }
    }

    fn spares(seen: &Seen, since: i64) -> bool {
        seen.have_none_of(login(), &held(ERA, since))
    }

    fn asked(at: Instant) -> Asked {
        let mut asked = Asked::now(&AtomicU64::default());
        asked.at = at;
        asked
    }

    fn news(next: i64, oldest: i64, changed: &[(u128, i64)]) -> News {
        let changed = changed.iter().map(|(id, by)| (Uuid::from_u128(*id), *by)).collect();
        News { era: ERA, next, oldest: Some(oldest), changed }
    }

    #[test]
    fn whoever_has_changed_since_is_looked_up_and_nobody_else() {
        for changed in [1, 2, 3, 4] {
            let mut seen = Seen::default();
            assert!(seen.learn(asked(Instant::now()), news(20, 1, &[(changed, 9), (5, 15), (changed, 7)])));
            for (since, spared) in [(6, false), (9, false), (10, true), (20, true)] {
                assert_eq!(spares(&seen, since), spared, "{changed} {since}");
            }
        }
    }

    #[test]
    fn nothing_is_known_before_the_oldest_row_nor_after_the_last_reading() {
        let mut seen = Seen::default();
        seen.learn(asked(Instant::now()), news(20, 5, &[]));
        for (since, known) in [(4, false), (5, false), (6, true), (20, true), (21, false)] {
            assert_eq!(spares(&seen, since), known, "{since}");
        }
        seen.learn(asked(Instant::now()), news(30, 12, &[]));
        for (since, known) in [(12, false), (13, true), (30, true)] {
            assert_eq!(spares(&seen, since), known, "{since}: others were deleted meanwhile");
        }
        seen.learn(asked(Instant::now()), News { oldest: None, ..news(30, 0, &[]) });
        assert!(!spares(&seen, 30), "the table was emptied");
        seen.learn(asked(Instant::now()), news(40, 35, &[]));
        assert!(spares(&seen, 36) && !spares(&seen, 35));
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
        assert!(!spares(&seen, 105), "a change of so long ago may have been forgotten");
        assert!(spares(&seen, 111), "a token of ten minutes ago");
    }

    #[test]
    fn more_than_is_remembered_leaves_only_the_newest_known() {
        let mut seen = Seen::default();
        let changed: Vec<_> = (0..MOST).rev().map(|n| (Uuid::from_u128(1_000), 100 + n)).collect();
        seen.learn(asked(Instant::now()), News { changed, ..news(100 + MOST, 1, &[]) });
        assert!(!spares(&seen, 100), "there may be more of it");
        assert!(spares(&seen, 101));
        let mut seen = Seen::default();
        for part in 0..2 {
            let some =
                (0..MOST / 2).map(|n| (Uuid::from_u64_pair(9, (part * MOST + n).unsigned_abs()), 100 + part));
            let changed = some.collect();
            seen.learn(asked(Instant::now()), News { changed, ..news(101 + part, 1, &[]) });
        }
        assert!(seen.last.is_empty(), "{}", seen.last.len());
        assert!(!spares(&seen, 101));
        assert!(spares(&seen, 102));
    }

    #[test]
    fn while_a_transaction_holds_the_numbers_back_no_more_is_remembered_than_is_read() {
        let mut seen = Seen::default();
        for reading in 1..=3 {
            // All of these are read again, as 10 is open still; the newest come first.
            let newest = 1_000 + reading * MOST;
            let changed: Vec<_> = (0..MOST)
                .map(|n| newest - n)
                .map(|by| (Uuid::from_u64_pair(9, by.unsigned_abs()), by))
                .collect();
            assert!(seen.learn(asked(Instant::now()), News { changed, ..news(10, 1, &[]) }));
            assert!(!is_full(seen.last.len()), "{}", seen.last.len());
            assert!(!spares(&seen, 10), "there were more of them");
        }
        seen.learn(asked(Instant::now()), news(1_001 + 3 * MOST, 1, &[]));
        assert!(spares(&seen, 1_001 + 3 * MOST), "it is over");
    }

    #[test]
    fn numbers_of_another_history_tell_nothing() {
        let other = ERA + 1;
        for next in [30, 20, 10] {
            let mut seen = Seen::default();
            seen.learn(asked(Instant::now()), news(20, 1, &[]));
            assert!(spares(&seen, 9));
            assert!(!seen.have_none_of(login(), &held(other, 9)), "a token of a history that was not read");
            assert!(!seen.learn(asked(Instant::now()), News { era: other, ..news(next, 1, &[]) }));
            assert!(seen.asked.is_none() && seen.next() == 0, "it is read anew from the beginning");
            for era in [ERA, other] {
                assert!(!seen.have_none_of(login(), &held(era, 9)), "{next} {era}: nothing is known");
            }
            assert!(seen.learn(asked(Instant::now()), News { era: other, ..news(next, 1, &[(2, 8)]) }));
            for (era, since, known) in [(other, 9, true), (other, 8, false), (ERA, 9, false)] {
                assert_eq!(seen.have_none_of(login(), &held(era, since)), known, "{next} {era} {since}");
            }
        }
        let mut seen = Seen::default();
        seen.learn(asked(Instant::now()), news(20, 1, &[]));
        assert!(!seen.learn(asked(Instant::now()), news(10, 1, &[])), "a history never goes back");
        assert!(seen.asked.is_none() && !spares(&seen, 5));
    }
}
