//! Ranges of days on a zone's calendar, and the steps that they are cut into. Pure.
//!
//! A day goes from the first instant at which its clock shows midnight, or the jump over it, to that of the next one, so
//! days of 23 and 25 hours come out right. Since 1972 no zone's clock differs from UTC by anything but whole quarter hours,
//! so every border here lies between two of the quarter hours that figures are kept by.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::document::Range;
use crate::{
    error::{Error, Result},
    wall_clock::begins,
};

/// How long a step of time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AnalyticsStep)]
pub enum Step {
    Hour,
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
}

impl Step {
    /// The longest range that is cut into such steps, in days: no answer has more than some eight hundred steps.
    #[must_use]
    pub fn longest(self) -> i64 {
        match self {
            Self::Hour => 31,
            Self::Day => 731,
            Self::Week | Self::Month => LONGEST,
        }
    }

    /// The steps that a range of so many days is drawn by.
    #[must_use]
    pub fn fitting(days: i64) -> Self {
        match days {
            ..=2 => Self::Hour,
            3..=92 => Self::Day,
            93..=731 => Self::Week,
            _ => Self::Month,
        }
    }
}

/// The longest range, in days: three years.
pub const LONGEST: i64 = 1_098;
/// Days of the range that is meant if none is said.
const USUAL: u64 = 30;

/// Days of a zone's calendar: `from` is among them, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// A step of a range: from an instant to before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub range: Range,
    /// What stands below it: the day it begins with, and the time of one that is an hour.
    pub label: String,
    /// Which of the steps of its kind it is, and for an hour which of its day: by this it is compared with one of another
    /// range.
    pub place: (usize, usize),
}

impl Dates {
    /// The days that are asked for; the last thirty up to today if nothing is said.
    ///
    /// # Errors
    /// If the range is empty, too long, or before 1972.
    pub fn asked(
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
        today: NaiveDate,
        longest: i64,
    ) -> Result<Self> {
        let to = to.or_else(|| today.succ_opt()).unwrap_or(today);
        let from = from.or_else(|| to.checked_sub_days(Days::new(USUAL))).unwrap_or(to);
        if from >= to {
            return Err(Error::invalid("/to", "a day after `from`: it is the first one that is not counted"));
        }
        if (to - from).num_days() > longest {
            return Err(Error::invalid("/to", format!("at most {longest} days after `from`")));
        }
        if from.year() < 1972 || to.year() > 9_998 {
            return Err(Error::invalid("/from", "a day of the years 1972 to 9998"));
        }
        Ok(Self { from, to })
    }

    /// One at least: `to` is the first day that is not counted.
    #[must_use]
    pub fn days(self) -> i64 {
        (self.to - self.from).num_days()
    }

    /// From its first instant to before the first of the day that is not in it.
    #[must_use]
    pub fn range(self, zone: Tz) -> Range {
        Range { from: begins(self.from, zone), to: begins(self.to, zone) }
    }

    /// The period before it: as many months if it is made of whole ones, else as many days.
    #[must_use]
    pub fn previous(self) -> Self {
        let months = months_between(self.from, self.to);
        let whole = self.from.day() == 1 && self.to.day() == 1;
        let from = if whole {
            self.from.checked_sub_months(Months::new(months))
        } else {
            self.from.checked_sub_days(Days::new(self.days().unsigned_abs()))
        };
        Self { from: from.unwrap_or(self.from), to: self.from }
    }

    /// Cuts it into steps, in order and without a gap. The first and the last week or month may be a part of one.
    #[must_use]
    pub fn steps(self, step: Step, zone: Tz) -> Vec<Bucket> {
        let mut borders = vec![self.from];
        let mut day = self.from;
        while let Some(next) = next_border(day, step).filter(|next| *next < self.to) {
            borders.push(next);
            day = next;
        }
        borders.push(self.to);
        let mut buckets = Vec::new();
        for (index, pair) in borders.windows(2).enumerate() {
            let [first, next] = [pair[0], pair[1]];
            let range = Range { from: begins(first, zone), to: begins(next, zone) };
            if step == Step::Hour {
                buckets.extend(hours(range, index, zone));
            } else {
                buckets.push(Bucket { range, label: first.to_string(), place: (index, 0) });
            }
        }
        buckets
    }
}

/// The hours of a day; one that the clock cuts ends where the day does.
fn hours(day: Range, index: usize, zone: Tz) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = Vec::with_capacity(25);
    let mut from = day.from;
    while from < day.to {
        let to = (from + TimeDelta::hours(1)).min(day.to);
        let local = from.with_timezone(&zone);
        let mut label = local.format("%Y-%m-%d %H:%M").to_string();
        if buckets.iter().any(|before| before.label == label) {
            // The clock shows this time again.
            label = local.format("%Y-%m-%d %H:%M %:z").to_string();
        }
        buckets.push(Bucket { range: Range { from, to }, label, place: (index, buckets.len()) });
        from = to;
    }
    buckets
}

/// The first day of the next step.
fn next_border(day: NaiveDate, step: Step) -> Option<NaiveDate> {
    match step {
        Step::Hour | Step::Day => day.succ_opt(),
        Step::Week => {
            let monday = day.week(Weekday::Mon).first_day();
            monday.checked_add_days(Days::new(7))
        }
        Step::Month => day.with_day(1)?.checked_add_months(Months::new(1)),
    }
}

fn months_between(from: NaiveDate, to: NaiveDate) -> u32 {
    let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    u32::try_from(months(to) - months(from)).unwrap_or(0)
}

/// The borders of steps: one more than there are steps.
#[must_use]
pub fn borders(buckets: &[Bucket]) -> Vec<DateTime<Utc>> {
    let ends = buckets.last().map(|last| last.range.to);
    buckets.iter().map(|bucket| bucket.range.from).chain(ends).collect()
}

/// A long range as days of UTC, which are added up already, and what is cut of the days at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub days: (NaiveDate, NaiveDate),
    pub head: Range,
    pub tail: Range,
}

impl Cut {
    /// A range without a whole day of UTC is all `head`.
    #[must_use]
    pub fn of(range: Range) -> Self {
        let first = range.from.date_naive();
        let is_whole = begins(first, Tz::UTC) == range.from;
        let first = if is_whole { first } else { first.succ_opt().unwrap_or(first) };
        let last = range.to.date_naive();
        if first >= last {
            // It has no whole day of UTC.
            let none = Range { from: range.to, to: range.to };
            return Self { days: (last, last), head: range, tail: none };
        }
        Self {
            days: (first, last),
            head: Range { from: range.from, to: begins(first, Tz::UTC) },
            tail: Range { from: begins(last, Tz::UTC), to: range.to },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{Havana, New_York},
        Asia::Kathmandu,
        Australia::Lord_Howe,
        Europe::Berlin,
        Pacific::Apia,
    };
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn dates(from: &str, to: &str) -> Dates {
        Dates { from: day(from), to: day(to) }
    }

    #[test]
    fn days_are_as_long_as_the_clock_makes_them() {
        for (zone, from, minutes) in [
            (Berlin, "2026-03-29", 23 * 60),
            (Berlin, "2026-10-25", 25 * 60),
            (Berlin, "2026-06-01", 24 * 60),
            (New_York, "2026-03-08", 23 * 60),
            (New_York, "2026-11-01", 25 * 60),
            (Kathmandu, "2026-03-29", 24 * 60),
            (Lord_Howe, "2026-04-05", 24 * 60 + 30),
            (Lord_Howe, "2026-10-04", 24 * 60 - 30),
            (Havana, "2026-03-08", 23 * 60),
            (Havana, "2026-11-01", 25 * 60),
            (Apia, "2011-12-30", 0),
        ] {
            let first = day(from);
            let one = Dates { from: first, to: first.succ_opt().expect("a day") };
            let range = one.range(zone);
            assert_eq!((range.to - range.from).num_minutes(), minutes, "{zone} {from}");
            let hours = one.steps(Step::Hour, zone);
            assert_eq!(hours.len(), usize::try_from(minutes).expect("few").div_ceil(60), "{zone} {from}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_has_two_labels() {
        let labels: Vec<String> = dates("2026-10-25", "2026-10-26")
            .steps(Step::Hour, Berlin)
            .into_iter()
            .map(|b| b.label)
            .collect();
        assert_eq!(labels[2], "2026-10-25 02:00");
        assert_eq!(labels[3], "2026-10-25 02:00 +01:00");
        assert_eq!(labels[4], "2026-10-25 03:00");
    }

    #[test]
    fn weeks_and_months_begin_where_they_do_and_the_first_may_be_a_part() {
        let labels = |range: Dates, step| -> Vec<String> {
            range.steps(step, Berlin).into_iter().map(|bucket| bucket.label).collect()
        };
        // The 1st of June 2026 is a Monday.
        let june = dates("2026-05-30", "2026-06-10");
        assert_eq!(labels(june, Step::Week), ["2026-05-30", "2026-06-01", "2026-06-08"]);
        let spring = dates("2026-01-15", "2026-04-01");
        assert_eq!(labels(spring, Step::Month), ["2026-01-15", "2026-02-01", "2026-03-01"]);
    }

    #[test]
    fn the_period_before_is_of_whole_months_or_of_as_many_days() {
        for (range, before) in [
            (dates("2026-03-01", "2026-04-01"), dates("2026-02-01", "2026-03-01")),
            (dates("2026-01-01", "2027-01-01"), dates("2025-01-01", "2026-01-01")),
            (dates("2026-03-02", "2026-03-09"), dates("2026-02-23", "2026-03-02")),
        ] {
            assert_eq!(range.previous(), before);
        }
    }

    #[test]
    fn what_is_asked_for_has_bounds() {
        let today = day("2026-06-10");
        let usual = Dates::asked(None, None, today, LONGEST).expect("a range");
        assert_eq!(usual, dates("2026-05-12", "2026-06-11"));
        for (from, to) in [
            ("2026-06-10", "2026-06-10"),
            ("2026-06-11", "2026-06-10"),
            ("2020-01-01", "2026-01-01"),
            ("1960-01-01", "1960-02-01"),
        ] {
            assert!(Dates::asked(Some(day(from)), Some(day(to)), today, LONGEST).is_err(), "{from} {to}");
        }
    }

    fn zones() -> impl Strategy<Value = Tz> {
        proptest::sample::select(vec![Berlin, New_York, Kathmandu, Lord_Howe, Apia, Havana, Tz::UTC])
    }

    proptest! {
        #[test]
        fn steps_have_no_gap_and_lie_between_quarter_hours(
            zone in zones(), start in 0_u64..6_000, length in 1_u64..40,
            step in proptest::sample::select(vec![Step::Hour, Step::Day, Step::Week, Step::Month]),
        ) {
            let from = day("2010-01-01") + Days::new(start);
            let range = Dates { from, to: from + Days::new(length) };
            let (whole, steps) = (range.range(zone), range.steps(step, zone));
            let borders = borders(&steps);
            if step != Step::Hour || whole.from < whole.to {
                prop_assert_eq!(borders.first(), Some(&whole.from));
                prop_assert_eq!(borders.last(), Some(&whole.to));
            }
            prop_assert!(borders.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(steps.windows(2).all(|pair| pair[0].range.to == pair[1].range.from));
            prop_assert!(borders.iter().all(|border| border.timestamp() % 900 == 0));
        }

        #[test]
        fn a_cut_range_is_all_of_it(zone in zones(), start in 0_u64..6_000, length in 1_u64..40) {
            let from = day("2010-01-01") + Days::new(start);
            let range = Dates { from, to: from + Days::new(length) }.range(zone);
            let cut = Cut::of(range);
            let whole = (begins(cut.days.0, Tz::UTC), begins(cut.days.1, Tz::UTC));
            prop_assert_eq!(cut.head.from, range.from);
            prop_assert_eq!(cut.tail.to, range.to);
            if cut.days.0 < cut.days.1 {
                prop_assert_eq!((cut.head.to, cut.tail.from), whole);
            } else {
                prop_assert_eq!(cut.head.to, cut.tail.from);
            }
            prop_assert!(cut.head.to - cut.head.from <= TimeDelta::hours(49));
            prop_assert!(cut.tail.to - cut.tail.from <= TimeDelta::hours(24));
        }
    }
}
