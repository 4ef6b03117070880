//! The measures: what each is called, what it counts, and in one sentence how it is computed. The only list of them; reports,
//! trends and metrics take what they show from it, and `docs/measures.md` is made of it. Pure.
//!
//! A measure is told from sums that are kept, so that a rate over a year is that of its sums and not the mean of its days.

mod list;

pub use self::list::ALL;
use super::document::{Figure, MeasureNote, Unit};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Call,
    Lead,
    Message,
}

/// The sums that are kept of calls, by their places in the arrays that the store reads.
pub mod call {
    /// Calls that began, in both directions.
    pub const CALLS: usize = 0;
    /// Those that somebody answered, over or not.
    pub const ANSWERED: usize = 1;
    /// Those that were answered and are over.
    pub const HANDLED: usize = 2;
    /// Incoming calls that were answered or lost; those that came to no team are left out.
    pub const OFFERED: usize = 3;
    /// Offered calls that were over before anybody answered.
    pub const LOST: usize = 4;
    /// Offered calls that were answered within 20 seconds: the numerator of the service level.
    pub const IN_TIME: usize = 5;
    /// Incoming calls that were answered: offered and not lost.
    pub const TAKEN: usize = 6;
    /// Milliseconds from the beginning to the answer, of all calls taken.
    pub const WAIT_MS: usize = 7;
    /// Milliseconds from the answer to the end, of all handled calls.
    pub const TALK_MS: usize = 8;
    /// Calls whose outcome is a sale.
    pub const CONVERTED: usize = 9;
    /// Calls of which the customer said how content they were.
    pub const RATED: usize = 10;
    /// What those customers said, 1 to 5 each, added up.
    pub const RATING: usize = 11;
    /// What sales brought in, in cents.
    pub const VALUE: usize = 12;
    /// How many sums there are: the length of the array.
    pub const ALL: usize = 13;
}

/// The same of leads.
pub mod lead {
    /// Leads that came in and are there now; one that was merged away counts no more.
    pub const LEADS: usize = 0;
    /// Those with whom something was done since: a call, a message, a meeting.
    pub const ENGAGED: usize = 1;
    /// How often something was done, with all of them together.
    pub const ACTIVITIES: usize = 2;
    /// Those that came as far as `contacted` or further; a lost one counts as far as it had come.
    pub const CONTACTED: usize = 3;
    /// The same up to `qualified`.
    pub const QUALIFIED: usize = 4;
    /// The same up to `proposal`.
    pub const PROPOSAL: usize = 5;
    /// Those that are converted now, whenever that was.
    pub const CONVERTED: usize = 6;
    /// Those that are lost now.
    pub const LOST: usize = 7;
    /// What the converted ones are worth, in cents.
    pub const VALUE: usize = 8;
    /// What was spent on all of them, in cents.
    pub const COST: usize = 9;
    /// How many sums there are: the length of the array.
    pub const ALL: usize = 10;
}

/// The same of messages.
pub mod message {
    /// Messages that were asked for.
    pub const MESSAGES: usize = 0;
    /// Those that a provider took: sent, delivered, read or bounced.
    pub const ACCEPTED: usize = 1;
    /// Those that arrived: delivered or read.
    pub const DELIVERED: usize = 2;
    /// Those of which the provider says that they were read.
    pub const READ: usize = 3;
    /// Those that a provider took and that came back.
    pub const BOUNCED: usize = 4;
    /// Those that are not sent any more because of an error.
    pub const FAILED: usize = 5;
    /// Those that consent, a suppression or a cap forbade.
    pub const SUPPRESSED: usize = 6;
    /// Those that were taken back before they were sent.
    pub const CANCELLED: usize = 7;
    /// Those of which nobody knows whether they were sent.
    pub const UNKNOWN: usize = 8;
    /// How many sums there are: the length of the array.
    pub const ALL: usize = 9;
}

/// How a measure comes of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    Sum(usize),
    /// A sum of milliseconds, in seconds.
    Seconds(usize),
    /// The first of the second; null over nothing.
    Share(usize, usize),
    Mean(usize, usize),
    /// A mean of milliseconds, in seconds.
    MeanSeconds(usize, usize),
    /// What came back of what was spent, (first − second) ÷ second; null where nothing was spent.
    Return(usize, usize),
}

impl Formula {
    /// The measure of some sums; null where it cannot be told.
    #[must_use]
    pub fn of(self, sums: &[i64]) -> Option<Figure> {
        let at = |place: usize| sums.get(place).copied().unwrap_or_default();
        match self {
            Self::Sum(place) => Some(Figure::Whole(at(place))),
            Self::Seconds(place) => Some(Figure::Real(real(at(place)) / 1_000.0)),
            Self::Share(part, whole) | Self::Mean(part, whole) => quotient(at(part), at(whole)),
            Self::MeanSeconds(ms, count) => {
                (at(count) > 0).then(|| Figure::Real(real(at(ms)) / 1_000.0 / real(at(count))))
            }
            Self::Return(value, cost) => quotient(at(value) - at(cost), at(cost)),
        }
    }

    /// The sums that it comes of.
    #[must_use]
    pub fn places(self) -> [usize; 2] {
        match self {
            Self::Sum(one) | Self::Seconds(one) => [one, one],
            Self::Share(one, two)
            | Self::Mean(one, two)
            | Self::MeanSeconds(one, two)
            | Self::Return(one, two) => [one, two],
        }
    }
}

/// The first of the second; null over nothing.
#[must_use]
pub fn quotient(part: i64, whole: i64) -> Option<Figure> {
    (whole > 0).then(|| Figure::Real(real(part) / real(whole)))
}

#[expect(clippy::cast_precision_loss, reason = "sums are far below 2^52")]
pub(super) fn real(whole: i64) -> f64 {
    whole as f64
}

/// How a measure is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// From the sums of a fact: trends and metrics have it, too.
    Of(Fact, Formula),
    /// By its report alone.
    Report,
}

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Stable: requests and saved reports name it.
    pub name: &'static str,
    pub label: &'static str,
    pub unit: Unit,
    pub how: How,
    pub sentence: &'static str,
}

impl Measure {
    /// What is said of it in a report.
    #[must_use]
    pub fn note(&self) -> MeasureNote {
        MeasureNote { name: self.name.into(), sentence: self.sentence.into() }
    }

    /// It, of the sums of its fact; null of one that its report alone knows.
    #[must_use]
    pub fn value(&self, sums: &[i64]) -> Option<Figure> {
        match self.how {
            How::Of(_, formula) => formula.of(sums),
            How::Report => None,
        }
    }
}

/// The measure of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Measure> {
    ALL.iter().find(|measure| measure.name == name)
}

/// The measures as a page for people: kept in `docs/measures.md`, so that a change is seen in review.
#[must_use]
pub fn page() -> String {
    let intro = "# Measures\n\nWhat each number of a report, a trend or a metric means, and how it is computed. Made by \
                 `./x prepare`.\nThose with a fact are had by `GET /api/v1/analytics/metrics` and `/trends` as well; the \
                 others by their report alone.";
    let mut lines = vec![intro.to_owned()];
    let mut group = "";
    for measure in ALL {
        let about = measure.name.split('.').next().unwrap_or_default();
        if about != group {
            group = about;
            lines.push(format!("\n## {group}\n\n| | | unit | fact | |\n|---|---|---|---|---|"));
        }
        let fact = match measure.how {
            How::Of(Fact::Call, _) => "calls",
            How::Of(Fact::Lead, _) => "leads",
            How::Of(Fact::Message, _) => "messages",
            How::Report => "",
        };
        let (name, label, unit) = (measure.name, measure.label, measure.unit.as_str());
        lines.push(format!("| `{name}` | {label} | {unit} | {fact} | {} |", measure.sentence));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_is_computed() {
        let kept = include_str!("../../../../docs/measures.md");
        assert!(page() == kept, "docs/measures.md is stale: run `./x prepare`, and look at what has changed");
    }

    #[test]
    fn names_are_unique_and_each_is_one_sentence() {
        let mut names: Vec<_> = ALL.iter().map(|measure| measure.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for measure in ALL {
            assert!(measure.sentence.ends_with('.') && !measure.sentence.contains(". "), "{}", measure.name);
            assert_eq!(named(measure.name), Some(measure));
        }
    }

    #[test]
    fn a_rate_of_nothing_is_null_and_a_count_of_nothing_is_zero() {
        let sums = [10, 3, 0, 2_500];
        for (formula, value) in [
            (Formula::Sum(2), Some(Figure::Whole(0))),
            (Formula::Sum(0), Some(Figure::Whole(10))),
            (Formula::Seconds(3), Some(Figure::Real(2.5))),
            (Formula::Share(1, 0), Some(Figure::Real(0.3))),
            (Formula::Share(0, 2), None),
            (Formula::Mean(0, 2), None),
            (Formula::MeanSeconds(3, 0), Some(Figure::Real(0.25))),
            (Formula::MeanSeconds(3, 2), None),
            (Formula::Return(1, 0), Some(Figure::Real(-0.7))),
            (Formula::Return(0, 2), None),
        ] {
            assert_eq!(formula.of(&sums), value, "{formula:?}");
        }
    }

    #[test]
    fn formulas_take_sums_that_there_are() {
        for measure in ALL {
            let How::Of(fact, formula) = measure.how else { continue };
            let all = match fact {
                Fact::Call => call::ALL,
                Fact::Lead => lead::ALL,
                Fact::Message => message::ALL,
            };
            assert!(formula.places().iter().all(|place| *place < all), "{}", measure.name);
        }
    }
}
