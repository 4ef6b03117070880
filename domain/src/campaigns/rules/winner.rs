//! Which variant of a campaign won, and whether that is chance. Pure.
//!
//! [`assign`] says who gets which variant. Each of a first wave gets one by weight; the rest waits for [`Rule::decide`].
//!
//! A variant wins if it is better than every other by a test of two proportions each, with Holm's correction for their
//! number. Whoever looks again and again finds a difference by chance some day, so looks are few and each must be surer than
//! the one before: see [`Looks`]. From the deadline on somebody is taken in any case, and it is said that it proves nothing.

mod assign;
mod significance;

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use assign::{Group, Split, assign};
pub use significance::{Test, holm, two_proportions, upper_tail};

/// Confidence is in ten-thousandths.
const WHOLE: u16 = 10_000;
/// Hits that are not counted as they come are counted no more often.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(30);

/// What a better variant has more of, as a share of the messages that providers have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Delivered,
    /// Of e-mail only where somebody has loaded its pictures.
    Read,
    /// Whoever has written back.
    Replied,
    Converted,
}

/// Who is taken where none is surely better in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// Whoever is ahead, if only by chance.
    #[default]
    Best,
    /// The first variant, which is the one that people had before.
    Control,
}

/// When a variant has won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How sure it must be, in ten-thousandths: 9500 is that of twenty that are no better one is taken for better.
    pub confidence: u16,
    /// Nothing is compared before every variant had so many messages taken. None is taken for one.
    pub least: u32,
    /// From then on nothing is waited for any more.
    pub deadline: DateTime<Utc>,
    pub otherwise: Otherwise,
}

/// What came of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Messages that providers have taken for its recipients.
    pub sent: u32,
    /// Recipients of those who were reached, have read, replied or converted; never more.
    pub hits: u32,
}

/// The looks that were taken so far, kept with the run. Another is due when the smallest variant has twice what it had at
/// the last one, or the deadline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Looks {
    pub taken: u32,
    /// What the smallest variant had at the last of them.
    pub at: u32,
    /// When hits were counted last that are not counted as they come, whether or not that was a look.
    pub asked_at: Option<DateTime<Utc>>,
}

/// Why a variant was taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// It is better than each other. `p` is the largest of the chances that it only looks so.
    Better { p: f64 },
    /// None was surely better when time was up.
    TimeUp,
    /// There is no other.
    Alone,
}

/// What a look comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Later, with these looks.
    Wait(Looks),
    /// This variant, by its place among the tallies.
    Taken { variant: usize, why: Why },
}

impl Rule {
    /// Looks at what came of the variants; the first is the control.
    #[must_use]
    pub fn decide(self, tallies: &[Tally], looks: Looks, now: DateTime<Utc>) -> Verdict {
        let best = best(tallies);
        if tallies.len() < 2 {
            return Verdict::Taken { variant: best, why: Why::Alone };
        }
        let (time_is_up, smallest) = (now >= self.deadline, smallest(tallies));
        let ps = if self.is_due(smallest, looks, now) { against_each(tallies, best) } else { None };
        let Some(ps) = ps else {
            return if time_is_up { self.at_the_end(best) } else { Verdict::Wait(looks) };
        };
        let looks = Looks { taken: looks.taken.saturating_add(1), at: smallest, ..looks };
        if holm(&ps, self.chance(looks)).iter().all(|rejected| *rejected) {
            let p = ps.iter().copied().fold(0.0, f64::max);
            Verdict::Taken { variant: best, why: Why::Better { p } }
        } else if time_is_up {
            self.at_the_end(best)
        } else {
            Verdict::Wait(looks)
        }
    }

    /// Whether [`decide`](Self::decide) may come to anything, if hits have to be counted for it first: of the tallies only what
    /// was sent counts here.
    #[must_use]
    pub fn asks(self, tallies: &[Tally], looks: Looks, now: DateTime<Utc>) -> bool {
        let long_ago = looks.asked_at.is_none_or(|asked| now - asked >= ASK_EVERY);
        tallies.len() < 2 || now >= self.deadline || long_ago && self.is_due(smallest(tallies), looks, now)
    }

    fn is_due(self, smallest: u32, looks: Looks, now: DateTime<Utc>) -> bool {
        let is_time = now >= self.deadline || smallest >= looks.at.saturating_mul(2);
        is_time && smallest >= self.least.max(1)
    }

    fn at_the_end(self, best: usize) -> Verdict {
        let variant = match self.otherwise {
            Otherwise::Best => best,
            Otherwise::Control => 0,
        };
        Verdict::Taken { variant, why: Why::TimeUp }
    }

    /// The chance that the look of this number may take to be wrong: 1/2, 1/6, 1/12, … of the whole, which add up to it
    /// however many looks there are (1 ÷ (n (n + 1)), by Boole's inequality).
    fn chance(self, looks: Looks) -> f64 {
        let whole = f64::from(WHOLE.saturating_sub(self.confidence)) / f64::from(WHOLE);
        let number = f64::from(looks.taken);
        whole / (number * (number + 1.0))
    }
}

/// The chance, for each other variant, that the best only looks better. None if one of them is too small to say: then it
/// was no look.
fn against_each(tallies: &[Tally], best: usize) -> Option<Vec<f64>> {
    let others = tallies.iter().enumerate().filter(|(at, _)| *at != best);
    others.map(|(_, other)| two_proportions(tallies[best], *other).map(|test| test.p)).collect()
}

/// How many messages of the smallest variant were taken.
fn smallest(tallies: &[Tally]) -> u32 {
    tallies.iter().map(|tally| tally.sent).min().unwrap_or_default()
}

/// The place of the highest rate, the first of equal ones; one that was sent nothing has none.
fn best(tallies: &[Tally]) -> usize {
    let mut best = 0;
    for (at, tally) in tallies.iter().enumerate() {
        if higher(*tally, tallies[best]) == Ordering::Greater {
            best = at;
        }
    }
    best
}

/// Compares two rates as fractions, so that equal ones are equal.
fn higher(one: Tally, other: Tally) -> Ordering {
    match (one.sent, other.sent) {
        (0, 0) => Ordering::Equal,
        (0, _) => Ordering::Less,
        (_, 0) => Ordering::Greater,
        (sent, others) => {
            let crossed = |hits: u32, sent: u32| u64::from(hits) * u64::from(sent);
            crossed(one.hits, others).cmp(&crossed(other.hits, sent))
        }
    }
}

#[cfg(test)]
mod tests;
