//! Calendar months in UTC, by which logs are put away. Pure.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, Utc};
use engine::ids::first_of;
use uuid::Uuid;

/// A month, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(NaiveDate);

impl Month {
    /// The month of a day.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    #[must_use]
    pub fn first(self) -> NaiveDate {
        self.0
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// From its first instant to the first of the month after.
    #[must_use]
    pub fn span(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let at = |month: Self| month.0.and_time(NaiveTime::MIN).and_utc();
        (at(self), at(self.next()))
    }

    /// The lowest ids that could be made at the beginning and after the end.
    #[must_use]
    pub fn ids(self) -> (Uuid, Uuid) {
        let (from, to) = self.span();
        (first_of(from), first_of(to))
    }

    /// The month in which an id of version 7 was made.
    #[must_use]
    pub fn of_id(id: Uuid) -> Option<Self> {
        let ms = i64::try_from(id.as_u128() >> 80).ok()?;
        DateTime::from_timestamp_millis(ms).map(|at| Self::of(at.date_naive()))
    }

    /// As names of files and partitions have it, with or without the hyphen.
    #[must_use]
    pub fn name(self, between: &str) -> String {
        format!("{:04}{between}{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins_and_ids_know_theirs() {
        let month = Month::of(NaiveDate::from_ymd_opt(2025, 12, 31).expect("a day"));
        assert_eq!((month.name("-"), month.next().name("")), ("2025-12".into(), "202601".into()));
        assert_eq!(month.span().1, month.next().span().0);
        let (low, high) = month.ids();
        assert_eq!((Month::of_id(low), Month::of_id(high)), (Some(month), Some(month.next())));
        let last = Uuid::from_u128(high.as_u128() - 1);
        assert_eq!(Month::of_id(last), Some(month));
    }
}
