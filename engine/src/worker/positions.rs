//! How far each lane has been emptied, so that a claim need not walk what it took before. Dead index
//! entries stay as long as any snapshot may still see them, and a long report holds millions of them.
//!
//! A position may stand at the last job taken, or at the moment of a claim that found the lane dry, but
//! never past the *safe* moment: up to it no transaction can still make a job appear. Each claim reads
//! the clock as `t` and then gets its transaction id `xid`; whatever makes a job due gets its id before
//! it reads the clock. So a job due up to `t` belongs to a transaction older than `xid`, and is visible
//! once a claim finds `xmin`, the oldest transaction still open, at or after `xid`.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A place in a lane: the due time and the id of a job.
pub(super) type Mark = (DateTime<Utc>, Uuid);

/// Before every job.
pub(super) const START: Mark = (DateTime::UNIX_EPOCH, Uuid::nil());
/// Claims that are remembered while an old transaction stays open.
const REMEMBERED: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Positions {
    lanes: HashMap<i64, Mark>,
    /// Claims whose moment is not yet known to be safe, the oldest first.
    unsafe_yet: VecDeque<(DateTime<Utc>, i64)>,
    safe: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl Positions {
    /// Where to go on in a lane.
    pub(super) fn of(&self, lane: i64) -> Mark {
        self.lanes.get(&lane).copied().unwrap_or(START)
    }

    /// Something stood behind: the lane is walked from its start again.
    pub(super) fn forget(&mut self, lane: i64) {
        self.lanes.remove(&lane);
    }

    /// What a claim saw: its moment, its transaction and the oldest one open.
    pub(super) fn saw(&mut self, t: DateTime<Utc>, xid: i64, xmin: i64) {
        if t < self.latest {
            // The database's clock was set back: what is due from now on lies behind what was reached.
            *self = Self::default();
        }
        self.latest = t;
        self.unsafe_yet.push_back((t, xid));
        while let Some((t, _)) = self.unsafe_yet.pop_front_if(|(_, xid)| *xid <= xmin) {
            self.safe = self.safe.max(t);
        }
        if self.unsafe_yet.len() > REMEMBERED {
            // Any of them may be forgotten: a later one says more, an earlier one is safe sooner.
            self.unsafe_yet.remove(REMEMBERED / 2);
        }
    }

    /// Jobs up to `last` were taken; a lane that ran dry had nothing more at `dry`.
    pub(super) fn emptied(&mut self, lane: i64, last: Option<Mark>, dry: Option<DateTime<Utc>>) {
        let reached = match dry {
            Some(t) => (t, Uuid::max()),
            None => match last {
                Some(mark) => mark,
                None => return,
            },
        };
        let position = reached.min((self.safe, Uuid::max()));
        let known = self.lanes.entry(lane).or_insert(START);
        *known = position.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    #[test]
    fn a_position_waits_for_transactions_that_may_still_commit() {
        let mut positions = Positions::default();
        // Transaction 5 is open: a job of it may be due before the claim's moment.
        positions.saw(at(10), 7, 5);
        positions.emptied(1, None, Some(at(10)));
        assert_eq!(positions.of(1).0, START.0);
        // It is still open at the next claim, and gone at the one after.
        positions.saw(at(11), 8, 5);
        positions.emptied(1, Some((at(9), Uuid::nil())), None);
        assert_eq!(positions.of(1).0, START.0);
        positions.saw(at(12), 9, 9);
        positions.emptied(1, Some((at(9), Uuid::nil())), None);
        assert_eq!(positions.of(1), (at(9), Uuid::nil()));
    }

    #[test]
    fn a_dry_lane_stands_at_the_safe_moment_and_never_goes_back() {
        let mut positions = Positions::default();
        positions.saw(at(10), 7, 7);
        positions.emptied(1, None, Some(at(10)));
        assert_eq!(positions.of(1), (at(10), Uuid::max()));
        positions.saw(at(20), 9, 8);
        positions.emptied(1, None, Some(at(20)));
        assert_eq!(positions.of(1), (at(10), Uuid::max()), "only claim 7 is safe");
        positions.emptied(1, Some((at(5), Uuid::nil())), None);
        assert_eq!(positions.of(1), (at(10), Uuid::max()));
        assert_eq!(positions.of(2), START);
    }

    #[test]
    fn a_clock_set_back_begins_anew() {
        let mut positions = Positions::default();
        positions.saw(at(100), 7, 7);
        positions.emptied(1, None, Some(at(100)));
        positions.saw(at(40), 9, 9);
        assert_eq!(positions.of(1), START);
        positions.emptied(1, None, Some(at(40)));
        assert_eq!(positions.of(1), (at(40), Uuid::max()));
    }

    #[test]
    fn memory_stays_flat_under_a_transaction_that_never_ends() {
        let mut positions = Positions::default();
        for n in 0..20_000 {
            positions.saw(at(n), n + 10, 5);
        }
        assert!(positions.unsafe_yet.len() <= REMEMBERED);
        positions.saw(at(20_000), 30_000, 30_000);
        assert_eq!(positions.safe, at(20_000));
    }
}
