//! When the failures of a run are too many to go on. Pure.
//!
//! A run counts its recipients by status and keeps no order of them. So the last N are known only as the difference between
//! counts of now and of some time ago: each look leaves a mark, and the newest mark that is N recipients old is where the
//! window begins. It holds never less than N, and never more than N, an eighth of N, and what came between two looks.

use serde::{Deserialize, Serialize};

/// Shares are in ten-thousandths.
const WHOLE: i64 = 10_000;
/// Marks to a window.
const MARKS: u32 = 8;

/// When a run is paused by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Of so many recipients that were tried last.
    pub window: u32,
    /// This share or more must have failed, in ten-thousandths: 2500 is a quarter.
    pub share: u16,
    /// And so many at least, so that the first few that fail do not stop it. None is taken for one.
    pub least: u32,
}

/// What a run has counted since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Recipients whose message was tried, with whatever came of it.
    pub tried: i64,
    /// Those of them that failed, bounced or are in doubt. A later word may take some back.
    pub failed: i64,
}

/// What the looks before have left, kept with the run: at most ten marks, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    marks: Vec<Counts>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::since(Counts::default())
    }
}

impl Memory {
    /// Remembers nothing from before some counts: as a run is resumed, so that it does not stop again for what it was
    /// stopped for.
    #[must_use]
    pub fn since(counts: Counts) -> Self {
        Self { marks: vec![counts] }
    }
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Too many have failed: the run is to be paused.
    pub trips: bool,
    /// What the window holds, for the notice to people.
    pub window: Counts,
}

impl Threshold {
    /// Looks at what a run has counted, and remembers it.
    pub fn look(self, memory: &mut Memory, now: Counts) -> Look {
        let window = i64::from(self.window).max(1);
        let marks = &mut memory.marks;
        let old_enough = marks.iter().rposition(|mark| now.tried - mark.tried >= window);
        if let Some(base) = old_enough {
            marks.drain(..base);
        }
        let base = marks.first().copied().unwrap_or_default();
        let apart = i64::from(self.window.max(1).div_ceil(MARKS));
        if marks.last().is_none_or(|last| now.tried - last.tried >= apart) {
            marks.push(now);
        }
        let window =
            Counts { tried: (now.tried - base.tried).max(0), failed: (now.failed - base.failed).max(0) };
        // What bounced late was tried before the window began.
        let of = window.tried.max(window.failed);
        let enough = window.failed >= i64::from(self.least.max(1));
        let trips = enough && window.failed.saturating_mul(WHOLE) >= of.saturating_mul(self.share.into());
        Look { trips, window }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUARTER: Threshold = Threshold { window: 80, share: 2_500, least: 10 };

    fn counts(tried: i64, failed: i64) -> Counts {
        Counts { tried, failed }
    }

    /// Whether each look trips.
    fn looks(threshold: Threshold, seen: &[(i64, i64)]) -> Vec<bool> {
        let mut memory = Memory::default();
        seen.iter()
            .map(|(tried, failed)| threshold.look(&mut memory, counts(*tried, *failed)).trips)
            .collect()
    }

    #[test]
    fn a_share_and_a_number_must_both_have_failed() {
        for (seen, wanted) in [
            // Nine of nine are not ten.
            (&[(9, 9)][..], &[false][..]),
            (&[(10, 10)][..], &[true][..]),
            (&[(40, 10)][..], &[true][..]),
            (&[(41, 10)][..], &[false][..]),
            (&[(100, 24)][..], &[false][..]),
            (&[(100, 25)][..], &[true][..]),
            // A quarter of the last eighty, and nobody but late bounces.
            (&[(80, 0), (80, 20)][..], &[false, true][..]),
            (&[(100, 0), (100, 10)][..], &[false, false][..]),
            (&[(100, 0), (180, 0), (180, 10)][..], &[false, false, false][..]),
            // Good at first: only the last eighty count, not the thousand before.
            (&[(1_000, 0), (1_040, 19), (1_080, 20)][..], &[false, false, true][..]),
            // Bad at first, good since.
            (&[(1_000, 100), (1_080, 101), (2_000, 120)][..], &[false, false, false][..]),
            // A later word takes failures back.
            (&[(80, 19), (160, 10)][..], &[false, false][..]),
            (&[(0, 0)][..], &[false][..]),
        ] {
            assert_eq!(looks(QUARTER, seen), wanted, "{seen:?}");
        }
    }

    #[test]
    fn the_window_begins_at_the_newest_mark_that_is_old_enough() {
        let mut memory = Memory::default();
        for tried in (0..=200).step_by(10) {
            QUARTER.look(&mut memory, counts(tried, 0));
        }
        let look = QUARTER.look(&mut memory, counts(205, 20));
        assert_eq!((look.window, look.trips), (counts(85, 20), false));
        assert!(QUARTER.look(&mut memory, counts(205, 22)).trips);
    }

    #[test]
    fn after_a_resume_it_counts_anew() {
        let mut memory = Memory::default();
        assert!(QUARTER.look(&mut memory, counts(80, 40)).trips);
        let mut memory = Memory::since(counts(80, 40));
        assert!(!QUARTER.look(&mut memory, counts(80, 40)).trips);
        assert!(!QUARTER.look(&mut memory, counts(89, 49)).trips);
        assert!(QUARTER.look(&mut memory, counts(90, 50)).trips);
    }

    #[test]
    fn a_threshold_of_nothing_still_needs_a_failure() {
        let strict = Threshold { window: 0, share: 0, least: 0 };
        assert_eq!(looks(strict, &[(0, 0), (10, 0), (20, 1)]), [false, false, true]);
        let whole = Threshold { window: 10, share: 10_000, least: 1 };
        assert_eq!(looks(whole, &[(9, 8), (19, 18)]), [false, true]);
    }

    proptest! {
        #[test]
        fn the_window_is_as_wide_as_promised_and_little_is_remembered(
            window in 1_u32..500,
            steps in proptest::collection::vec((0_i64..60, 0_u8..=100), 1..200),
        ) {
            let threshold = Threshold { window, share: 5_000, least: 1 };
            let mut memory = Memory::default();
            let mut now = Counts::default();
            for (more, percent) in steps {
                now.tried += more;
                now.failed += more * i64::from(percent) / 100;
                let look = threshold.look(&mut memory, now);
                let wanted = i64::from(window);
                prop_assert!(look.window.tried >= wanted.min(now.tried), "{look:?} of {now:?}");
                prop_assert!(look.window.tried <= wanted + wanted / i64::from(MARKS) + 2 * 60, "{look:?} of {now:?}");
                prop_assert!(memory.marks.len() <= 10, "{memory:?}");
            }
        }
    }
}
