//! The days that a page is about, on the tenant's calendar, as its address says them.

use chrono::{Datelike, Days as Count, Months, NaiveDate};
use domain::analytics::calendar::{Dates, LONGEST};
use serde::Deserialize;

use crate::{
    dashboard::{asked, link, ui::Tab},
    http::problem::Problem,
};

/// Ranges to choose from, as addresses and people have them. Those that go on include today.
pub const RANGES: [(&str, &str); 10] = [
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("week", "This week"),
    ("last_week", "Last week"),
    ("month", "This month"),
    ("last_month", "Last month"),
    ("quarter", "This quarter"),
    ("last_quarter", "Last quarter"),
];
/// The one that is meant if none is said.
const USUAL: &str = "30d";

/// The parameters of the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Days {
    /// One of [`RANGES`].
    pub range: Option<String>,
    /// The first day, and the last one, which is included; either of them wins over `range`.
    pub from: Option<String>,
    pub until: Option<String>,
}

impl Days {
    /// The days that are meant, seen from today.
    ///
    /// # Errors
    /// If they are none, end before they begin, or are too many.
    pub fn dates(&self, today: NaiveDate) -> Result<Dates, Problem> {
        if !self.is_free() {
            let range = asked::text(self.range.as_deref()).unwrap_or(USUAL);
            return named(range, today).ok_or_else(|| {
                let names: Vec<&str> = RANGES.iter().map(|(name, _)| *name).collect();
                Problem::field("?range", format!("one of {}", names.join(", ")))
            });
        }
        let from = day("?from", self.from.as_deref())?;
        let until = day("?until", self.until.as_deref())?;
        let last = until.unwrap_or_else(|| from.map_or(today, |from| from.max(today)));
        let to = last.succ_opt().unwrap_or(last);
        if from.is_some_and(|from| from > last) {
            return Err(Problem::field("?until", "the last day does not lie before the first one"));
        }
        Dates::asked(from, Some(to), today, LONGEST).map_err(|_| {
            Problem::field("?from", format!("a day since 1972, at most {LONGEST} days before the last one"))
        })
    }

    /// Whether days are said and not a range that has a name.
    pub fn is_free(&self) -> bool {
        asked::text(self.from.as_deref()).is_some() || asked::text(self.until.as_deref()).is_some()
    }

    /// Ranges to choose from, at this address.
    pub fn choices(&self, here: &str) -> Vec<Tab> {
        let chosen = if self.is_free() { "" } else { asked::text(self.range.as_deref()).unwrap_or(USUAL) };
        let plain = link::with(&link::with(here, "from", ""), "until", "");
        let choice = |(name, word): &(&str, &'static str)| {
            Tab::new(word, link::with(&plain, "range", name), *name == chosen)
        };
        RANGES.iter().map(choice).collect()
    }

    /// What an address says of it, in pairs.
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        let said = |value| asked::text(value).unwrap_or_default();
        let range = if self.is_free() { "" } else { said(self.range.as_deref()) };
        [("range", range), ("from", said(self.from.as_deref())), ("until", said(self.until.as_deref()))]
    }
}

fn day(pointer: &str, value: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    let read = |text: &str| text.parse().map_err(|_| Problem::field(pointer, "a day like 2026-11-27"));
    asked::text(value).map(read).transpose()
}

/// The days of a range, seen from today.
fn named(range: &str, today: NaiveDate) -> Option<Dates> {
    let before = |days: u64| today.checked_sub_days(Count::new(days)).unwrap_or(today);
    let since_monday = u64::from(today.weekday().num_days_from_monday());
    let month = today.with_day(1).unwrap_or(today);
    let months = |from: NaiveDate, back: u32| from.checked_sub_months(Months::new(back)).unwrap_or(from);
    let quarter = months(month, month.month0() % 3);
    let tomorrow = today.succ_opt().unwrap_or(today);
    let (from, to) = match range {
        "today" => (today, tomorrow),
        "yesterday" => (before(1), today),
        "7d" => (before(6), tomorrow),
        "30d" => (before(29), tomorrow),
        "week" => (before(since_monday), tomorrow),
        "last_week" => (before(since_monday + 7), before(since_monday)),
        "month" => (month, tomorrow),
        "last_month" => (months(month, 1), month),
        "quarter" => (quarter, tomorrow),
        "last_quarter" => (months(quarter, 3), quarter),
        _ => return None,
    };
    Some(Dates { from, to })
}

/// The last day that is in them.
#[must_use]
pub fn last(dates: Dates) -> NaiveDate {
    dates.to.pred_opt().unwrap_or(dates.to)
}

/// The days in words.
#[must_use]
pub fn words(dates: Dates) -> String {
    if dates.days() == 1 {
        return dates.from.format("%a %Y-%m-%d").to_string();
    }
    format!("{} to {}, {} days", dates.from, last(dates), dates.days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn said(range: &str, from: &str, until: &str) -> Days {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Days { range: said(range), from: said(from), until: said(until) }
    }

    #[test]
    fn ranges_lie_where_their_name_says() {
        for (range, today, from, to) in [
            ("", "2026-11-27", "2026-10-29", "2026-11-28"),
            ("today", "2026-11-27", "2026-11-27", "2026-11-28"),
            ("yesterday", "2026-03-01", "2026-02-28", "2026-03-01"),
            ("7d", "2026-11-27", "2026-11-21", "2026-11-28"),
            // A Monday, and the Sunday before it.
            ("week", "2026-11-23", "2026-11-23", "2026-11-24"),
            ("week", "2026-11-22", "2026-11-16", "2026-11-23"),
            ("last_week", "2026-11-23", "2026-11-16", "2026-11-23"),
            ("month", "2026-11-27", "2026-11-01", "2026-11-28"),
            ("last_month", "2026-03-31", "2026-02-01", "2026-03-01"),
            ("quarter", "2026-11-27", "2026-10-01", "2026-11-28"),
            ("last_quarter", "2026-02-01", "2025-10-01", "2026-01-01"),
        ] {
            let dates = said(range, "", "").dates(day(today)).expect("a range");
            assert_eq!(dates, Dates { from: day(from), to: day(to) }, "{range} on {today}");
        }
        assert!(RANGES.iter().all(|(name, _)| named(name, day("2026-11-27")).is_some()));
        assert!(said("sometime", "", "").dates(day("2026-11-27")).is_err());
    }

    #[test]
    fn free_days_include_the_last_one() {
        let today = day("2026-11-27");
        for (from, until, first, days) in [
            ("2026-11-01", "2026-11-01", "2026-11-01", 1),
            ("2026-11-01", "2026-11-30", "2026-11-01", 30),
            ("2026-11-01", "", "2026-11-01", 27),
            ("2026-12-01", "", "2026-12-01", 1),
            ("", "2026-11-20", "2026-10-22", 30),
        ] {
            let dates = said("today", from, until).dates(today).expect("days");
            assert_eq!((dates.from, dates.days()), (day(first), days), "{from} {until}");
        }
        for (from, until) in [
            ("2026-11-02", "2026-11-01"),
            ("2020-01-01", "2026-11-01"),
            ("soon", ""),
            ("1960-01-01", "1960-01-02"),
        ] {
            assert!(said("", from, until).dates(today).is_err(), "{from} {until}");
        }
    }

    #[test]
    fn a_range_takes_free_days_away_and_each_is_said() {
        let choices = said("", "2026-11-01", "").choices("/ops/reports/lead?from=2026-11-01&cursor=x");
        assert!(choices.iter().all(|choice| !choice.current));
        assert_eq!(choices[0].href, "/ops/reports/lead?range=today");
        assert!(said("", "", "").choices("/ops/reports/lead")[3].current, "the usual one");
        assert_eq!(words(Dates { from: day("2026-11-27"), to: day("2026-11-28") }), "Fri 2026-11-27");
        assert_eq!(
            words(Dates { from: day("2026-11-01"), to: day("2026-11-28") }),
            "2026-11-01 to 2026-11-27, 27 days"
        );
    }
}
