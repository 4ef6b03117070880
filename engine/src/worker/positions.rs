//! How far each lane has been emptied, so that a claim need not walk what it took before. Dead index
//! entries stay as long as any snapshot may still see them, and a long report holds millions of them.
//!
//! A position may stand at the last job taken, or at the moment of a claim that found the lane dry, but
//! never past the *safe* moment: up to it no transaction can still make a job appear. Each claim reads
//! the clock as `t` and then gets its transaction id `xid`; whatever makes a job due gets its id before
//! it reads the clock. So a job due up to `t` belongs to a transaction older than `xid`, and is visible
//! once a claim finds `xmin`, the oldest transaction still open, at or after `xid`.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::Instant;
use uuid::Uuid;

/// A place in a lane: the due time and the id of a job.
pub(super) type Mark = (DateTime<Utc>, Uuid);

/// Before every job.
pub(super) const START: Mark = (DateTime::UNIX_EPOCH, Uuid::nil());
/// Claims that are remembered while an old transaction stays open.
const REMEMBERED: usize = 4_096;
/// Positions that have had no new moment for so long want one.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Positions {
    lanes: HashMap<i64, Mark>,
    /// Claims whose moment is not yet known to be safe, the oldest first.
    unsafe_yet: VecDeque<(DateTime<Utc>, i64)>,
    safe: DateTime<Utc>,
    latest: DateTime<Utc>,
    /// When there was last a moment that can become safe.
    renewed: Option<Instant>,
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

    /// What a claim saw: its moment, its transaction and the oldest one open. The moment of a claim that got its id
    /// before it read the clock is never known to be safe, but it tells that moments before it are.
    pub(super) fn saw(&mut self, t: DateTime<Utc>, xid: Option<i64>, xmin: i64) {
        if t < self.latest {
            // The database's clock was set back: what is due from now on lies behind what was reached.
            *self = Self::default();
        }
        self.latest = t;
        if let Some(xid) = xid {
            self.unsafe_yet.push_back((t, xid));
            self.renewed = Some(Instant::now());
        }
        while let Some((t, _)) = self.unsafe_yet.pop_front_if(|(_, xid)| *xid <= xmin) {
            self.safe = self.safe.max(t);
        }
        if self.unsafe_yet.len() > REMEMBERED {
            // Any of them may be forgotten: a later one says more, an earlier one is safe sooner.
            self.unsafe_yet.remove(REMEMBERED / 2);
        }
    }

    /// Whether they can go on for a while without a moment that can become safe. Without any, claims would walk ever more
    /// of what they took before.
    pub(super) fn are_fresh(&self) -> bool {
        self.renewed.is_some_and(|at| at.elapsed() < FRESH)
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
        positions.saw(at(10), Some(7), 5);
        positions.emptied(1, None, Some(at(10)));
        assert_eq!(positions.of(1).0, START.0);
        // It is still open at the next claim, and gone at the one after.
        positions.saw(at(11), Some(8), 5);
        positions.emptied(1, Some((at(9), Uuid::nil())), None);
        assert_eq!(positions.of(1).0, START.0);
        positions.saw(at(12), Some(9), 9);
        positions.emptied(1, Some((at(9), Uuid::nil())), None);
        assert_eq!(positions.of(1), (at(9), Uuid::nil()));
    }

    #[test]
    fn a_dry_lane_stands_at_the_safe_moment_and_never_goes_back() {
        let mut positions = Positions::default();
        positions.saw(at(10), Some(7), 7);
        positions.emptied(1, None, Some(at(10)));
        assert_eq!(positions.of(1), (at(10), Uuid::max()));
        positions.saw(at(20), Some(9), 8);
        positions.emptied(1, None, Some(at(20)));
        assert_eq!(positions.of(1), (at(10), Uuid::max()), "only claim 7 is safe");
        positions.emptied(1, Some((at(5), Uuid::nil())), None);
        assert_eq!(positions.of(1), (at(10), Uuid::max()));
        assert_eq!(positions.of(2), START);
    }

    /// It has its id from before its moment: a transaction between the two may still make a job due before that.
    #[test]
    fn a_claim_behind_endings_moves_no_position_to_its_own_moment() {
        let mut positions = Positions::default();
        positions.saw(at(10), Some(7), 5);
        positions.saw(at(20), None, 9);
        positions.emptied(1, None, Some(at(20)));
        assert_eq!(positions.of(1), (at(10), Uuid::max()), "what was open at the claim before has ended");
        positions.saw(at(30), None, 99);
        positions.emptied(1, Some((at(15), Uuid::nil())), None);
        assert_eq!(positions.of(1), (at(10), Uuid::max()));
    }

    #[tokio::test(start_paused = true)]
    async fn once_in_a_while_positions_want_a_moment_of_their_own() {
        let mut positions = Positions::default();
        assert!(!positions.are_fresh());
        positions.saw(at(10), Some(7), 5);
        tokio::time::advance(FRESH / 2).await;
        positions.saw(at(11), None, 5);
        assert!(positions.are_fresh());
        tokio::time::advance(FRESH / 2).await;
        assert!(!positions.are_fresh(), "claims behind endings do not count");
    }

    #[test]
    fn a_clock_set_back_begins_anew() {
        let mut positions = Positions::default();
        positions.saw(at(100), Some(7), 7);
        positions.emptied(1, None, Some(at(100)));
        positions.saw(at(40), Some(9), 9);
        assert_eq!(positions.of(1), START);
        positions.emptied(1, None, Some(at(40)));
        assert_eq!(positions.of(1), (at(40), Uuid::max()));
    }

    #[test]
    fn memory_stays_flat_under_a_transaction_that_never_ends() {
        let mut positions = Positions::default();
        for n in 0..20_000 {
            positions.saw(at(n), Some(n + 10), 5);
        }
        assert!(positions.unsafe_yet.len() <= REMEMBERED);
        positions.saw(at(20_000), Some(30_000), 30_000);
        assert_eq!(positions.safe, at(20_000));
    }
}
