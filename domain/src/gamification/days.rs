//! Days, weeks and months as the clock of a zone shows them, each from its first instant to before the next one's. A day
//! may have 23 or 25 hours. Weeks begin on Monday (ISO 8601). Pure.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::{
    error::{Error, Result},
    wall_clock::begins,
    words::words,
};

words! {
    /// How long a round of a challenge is.
    Period {
        Daily = "daily",
        Weekly = "weekly",
        Monthly = "monthly",
    }
}

words! {
    /// In what a cap counts.
    #[schema(as = CapSpan)]
    Span {
        Day = "day",
        Week = "week",
        Month = "month",
    }
}

impl From<Period> for Span {
    fn from(period: Period) -> Self {
        match period {
            Period::Daily => Self::Day,
            Period::Weekly => Self::Week,
            Period::Monthly => Self::Month,
        }
    }
}

/// The zone of a name; UTC where this build's database does not know it any more.
#[must_use]
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// The day that a zone's clock shows at an instant.
#[must_use]
pub fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

impl Span {
    /// The days of the span that a day lies in: the first one, and the first one after it.
    #[must_use]
    pub fn around(self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        let first = match self {
            Self::Day => day,
            Self::Week => day - Days::new(day.weekday().num_days_from_monday().into()),
            Self::Month => day - Days::new(day.day0().into()),
        };
        let next = match self {
            Self::Day => first.checked_add_days(Days::new(1)),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        };
        (first, next.unwrap_or(NaiveDate::MAX))
    }
}

/// The day that somebody names; today if they name none.
///
/// # Errors
/// If it is of a year that cannot be kept; `pointer` says where it was named.
pub fn named(pointer: &str, day: Option<NaiveDate>, today: NaiveDate) -> Result<NaiveDate> {
    let day = day.unwrap_or(today);
    if (1970..=9999).contains(&day.year()) {
        return Ok(day);
    }
    Err(Error::invalid(pointer, "name a day of the years 1970 to 9999"))
}

/// A round of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Its first day.
    pub day: NaiveDate,
    pub starts_at: DateTime<Utc>,
    /// Before this.
    pub ends_at: DateTime<Utc>,
}

/// The round that an instant lies in.
#[must_use]
pub fn round(period: Period, at: DateTime<Utc>, zone: Tz) -> Round {
    let (first, next) = Span::from(period).around(day(at, zone));
    Round { day: first, starts_at: begins(first, zone), ends_at: begins(next, zone) }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::{Africa::Cairo, America::New_York, Europe::Berlin};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
    }

    #[test]
    fn days_have_as_many_hours_as_the_clock_gives_them() {
        for (zone, on, hours) in [
            (Berlin, "2026-03-29T12:00:00Z", 23),
            (Berlin, "2026-10-25T12:00:00Z", 25),
            (Berlin, "2026-06-01T12:00:00Z", 24),
            (New_York, "2026-03-08T16:00:00Z", 23),
            (New_York, "2026-11-01T16:00:00Z", 25),
            // The clock jumps from midnight to one.
            (Cairo, "2026-04-24T12:00:00Z", 23),
        ] {
            let round = round(Period::Daily, at(on), zone);
            assert_eq!(round.ends_at - round.starts_at, TimeDelta::hours(hours), "{zone} {on}");
        }
    }

    #[test]
    fn rounds_are_half_open_to_the_microsecond_and_leave_no_gap() {
        let micro = TimeDelta::microseconds(1);
        for period in Period::ALL {
            for on in ["2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z", "2026-12-31T23:30:00Z"] {
                let now = round(period, at(on), Berlin);
                assert_eq!(round(period, now.starts_at, Berlin), now);
                assert_eq!(round(period, now.ends_at - micro, Berlin), now);
                let next = round(period, now.ends_at, Berlin);
                assert_eq!(next.starts_at, now.ends_at, "{period:?} {on}");
                assert_eq!(round(period, now.starts_at - micro, Berlin).ends_at, now.starts_at);
            }
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        for (span, on, first, next) in [
            (Span::Week, "2026-03-29", "2026-03-23", "2026-03-30"),
            (Span::Week, "2026-03-30", "2026-03-30", "2026-04-06"),
            (Span::Month, "2026-02-28", "2026-02-01", "2026-03-01"),
            (Span::Day, "2026-12-31", "2026-12-31", "2027-01-01"),
        ] {
            assert_eq!(span.around(day(on)), (day(first), day(next)), "{span:?} {on}");
        }
    }
}
