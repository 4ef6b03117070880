//! Which days a saved report is about, seen from the day on which it is made. Pure.

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::{analytics::calendar::Dates, words::words};

words! {
    /// Days that lie before the one on which a report is made, on the clock of its zone.
    #[schema(as = ReportSpan)]
    Span {
        Yesterday = "yesterday",
        /// The seven days up to yesterday.
        SevenDays = "last_7_days",
        ThirtyDays = "last_30_days",
        /// From Monday to Sunday.
        Week = "last_week",
        Month = "last_month",
        /// Three months, from January, April, July or October on.
        Quarter = "last_quarter",
        Year = "last_year",
        /// From the first of this month on, today included as far as it has come.
        MonthToDate = "month_to_date",
    }
}

impl Span {
    /// The days, for a report that is made on this one.
    #[must_use]
    pub fn days(self, today: NaiveDate) -> Dates {
        let month = today.with_day(1).unwrap_or(today);
        let back =
            |from: NaiveDate, months: u32| from.checked_sub_months(Months::new(months)).unwrap_or(from);
        let before = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let (from, to) = match self {
            Self::Yesterday => (before(1), today),
            Self::SevenDays => (before(7), today),
            Self::ThirtyDays => (before(30), today),
            Self::Week => {
                let since_monday = u64::from(today.weekday().num_days_from_monday());
                (before(since_monday + 7), before(since_monday))
            }
            Self::Month => (back(month, 1), month),
            Self::Quarter => {
                let quarter = back(month, today.month0() % 3);
                (back(quarter, 3), quarter)
            }
            Self::Year => {
                let year = back(month, today.month0());
                (back(year, 12), year)
            }
            Self::MonthToDate => (month, today.succ_opt().unwrap_or(today)),
        };
        Dates { from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_lie_where_their_name_says() {
        for (span, today, from, to) in [
            (Span::Yesterday, "2026-03-01", "2026-02-28", "2026-03-01"),
            (Span::SevenDays, "2026-03-03", "2026-02-24", "2026-03-03"),
            (Span::ThirtyDays, "2024-03-01", "2024-01-31", "2024-03-01"),
            // A Monday, and the Sunday before it.
            (Span::Week, "2026-11-23", "2026-11-16", "2026-11-23"),
            (Span::Week, "2026-11-22", "2026-11-09", "2026-11-16"),
            (Span::Month, "2026-01-31", "2025-12-01", "2026-01-01"),
            (Span::Month, "2024-03-31", "2024-02-01", "2024-03-01"),
            (Span::Quarter, "2026-11-27", "2026-07-01", "2026-10-01"),
            (Span::Quarter, "2026-01-01", "2025-10-01", "2026-01-01"),
            (Span::Year, "2026-12-31", "2025-01-01", "2026-01-01"),
            (Span::MonthToDate, "2026-11-01", "2026-11-01", "2026-11-02"),
            (Span::MonthToDate, "2026-11-27", "2026-11-01", "2026-11-28"),
        ] {
            let day = |text: &str| -> NaiveDate { text.parse().expect("a day") };
            assert_eq!(span.days(day(today)), Dates { from: day(from), to: day(to) }, "{span:?} on {today}");
        }
    }
}
