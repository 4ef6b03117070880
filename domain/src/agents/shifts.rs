//! When somebody works: weekly shifts on the wall clock of a zone.
//!
//! A shift goes from one instant to another, so that days of 23 and 25 hours come out right, by the rules that
//! schedules go by: a local time that the clock jumps over is the instant of the jump, and one that comes twice is
//! meant the first time. Two shifts that meet at such a time neither overlap nor leave a gap.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::wall_clock::first_at;

/// A time of day as a wall clock shows it, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(pub NaiveTime);

const CLOCK: &str = "%H:%M";

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format(CLOCK))
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, CLOCK)
            .map(Self)
            .map_err(|_| de::Error::custom("write hours and minutes, from 00:00 to 23:59"))
    }
}

/// A span of every week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentShift {
    /// The day on which it begins: 0 is Sunday, 6 is Saturday, as in crontabs.
    pub weekday: i16,
    #[schema(value_type = String, example = "08:30")]
    pub starts: ClockTime,
    /// Up to then, on the next day if it is not after `starts`.
    #[schema(value_type = String, example = "17:00")]
    pub ends: ClockTime,
}

/// Whether somebody is at work at an instant. Whoever has no shifts always is.
#[must_use]
pub fn is_on_shift(shifts: &[AgentShift], zone: Tz, at: DateTime<Utc>) -> bool {
    let today = at.with_timezone(&zone).date_naive();
    // One that began yesterday may go on over midnight.
    let days = [today.pred_opt(), Some(today)];
    let within = |day: NaiveDate| shifts.iter().any(|shift| shift.holds(day, zone, at));
    shifts.is_empty() || days.into_iter().flatten().any(within)
}

impl AgentShift {
    /// Whether an instant lies in the shift that begins on this day, if one does.
    fn holds(&self, day: NaiveDate, zone: Tz, at: DateTime<Utc>) -> bool {
        self.span(day, zone).is_some_and(|(begins, ends)| (begins..ends).contains(&at))
    }

    /// From when to when the shift goes that begins on this day, if one does.
    pub(crate) fn span(&self, day: NaiveDate, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if i64::from(self.weekday) != i64::from(day.weekday().num_days_from_sunday()) {
            return None;
        }
        let last = if self.ends > self.starts { Some(day) } else { day.succ_opt() };
        let begins = first_at(day.and_time(self.starts.0), zone);
        begins.zip(last.and_then(|last| first_at(last.and_time(self.ends.0), zone)))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::{America::New_York, Europe::Berlin};

    use super::*;

    fn shift(weekday: i16, starts: &str, ends: &str) -> AgentShift {
        let time = |text: &str| ClockTime(NaiveTime::parse_from_str(text, CLOCK).expect("a time"));
        AgentShift { weekday, starts: time(starts), ends: time(ends) }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    /// Minutes of a span that are worked.
    fn worked(shifts: &[AgentShift], zone: Tz, from: &str, to: &str) -> i64 {
        let (from, to) = (at(from), at(to));
        let minutes = (0..(to - from).num_minutes()).map(|minute| from + TimeDelta::minutes(minute));
        i64::try_from(minutes.filter(|at| is_on_shift(shifts, zone, *at)).count()).expect("few")
    }

    #[test]
    fn whoever_has_no_shifts_always_works() {
        assert!(is_on_shift(&[], Berlin, at("2026-06-01T03:00:00Z")));
    }

    #[test]
    fn a_shift_is_of_its_day_half_open_and_may_go_over_midnight() {
        // The 1st of June 2026 is a Monday; Berlin is two hours ahead.
        let day = [shift(1, "09:00", "17:00")];
        let night = [shift(1, "22:00", "06:00")];
        let whole = [shift(1, "08:00", "08:00")];
        let until_midnight = [shift(1, "18:00", "00:00")];
        for (shifts, instant, works) in [
            (day, "2026-06-01T06:59:59Z", false),
            (day, "2026-06-01T07:00:00Z", true),
            (day, "2026-06-01T14:59:59Z", true),
            (day, "2026-06-01T15:00:00Z", false),
            (day, "2026-06-02T08:00:00Z", false),
            (night, "2026-06-01T19:59:00Z", false),
            (night, "2026-06-01T20:00:00Z", true),
            (night, "2026-06-02T03:59:00Z", true),
            (night, "2026-06-02T04:00:00Z", false),
            (night, "2026-06-01T02:00:00Z", false),
            (whole, "2026-06-02T05:59:00Z", true),
            (whole, "2026-06-02T06:00:00Z", false),
            (until_midnight, "2026-06-01T21:59:00Z", true),
            (until_midnight, "2026-06-01T22:00:00Z", false),
        ] {
            assert_eq!(is_on_shift(&shifts, Berlin, at(instant)), works, "{shifts:?} at {instant}");
        }
    }

    #[test]
    fn the_week_begins_on_sunday() {
        let sunday = [shift(0, "00:00", "12:00")];
        assert!(is_on_shift(&sunday, Tz::UTC, at("2026-06-07T06:00:00Z")));
        assert!(!is_on_shift(&sunday, Tz::UTC, at("2026-06-08T06:00:00Z")));
        let saturday = [shift(6, "20:00", "04:00")];
        assert!(is_on_shift(&saturday, Tz::UTC, at("2026-06-07T03:00:00Z")), "into Sunday");
    }

    #[test]
    fn nights_are_as_long_as_the_clock_makes_them() {
        // Berlin jumps from 2:00 to 3:00 on the 29th of March 2026 and goes back from 3:00 on the 25th of October.
        let night = [shift(6, "22:00", "06:00")];
        for (from, to, hours) in [
            ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z", 7),
            ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", 9),
            ("2026-06-06T12:00:00Z", "2026-06-07T12:00:00Z", 8),
        ] {
            assert_eq!(worked(&night, Berlin, from, to), hours * 60, "{from}");
        }
    }

    #[test]
    fn times_that_are_jumped_over_are_the_jump_and_repeated_ones_the_first() {
        let sunday = |starts: &str, ends: &str| [shift(0, starts, ends)];
        for (shifts, zone, instant, works) in [
            // Begins in the hour that is jumped over: at the jump.
            (sunday("02:30", "08:00"), Berlin, "2026-03-29T00:59:00Z", false),
            (sunday("02:30", "08:00"), Berlin, "2026-03-29T01:00:00Z", true),
            // Ends in it: at the jump as well.
            (sunday("00:00", "02:30"), Berlin, "2026-03-29T00:59:00Z", true),
            (sunday("00:00", "02:30"), Berlin, "2026-03-29T01:00:00Z", false),
            // Lies in it: nobody works.
            (sunday("02:10", "02:50"), Berlin, "2026-03-29T01:00:00Z", false),
            // 2:15 comes at 0:15 and at 1:15 UTC, and only the first is worked.
            (sunday("02:00", "02:30"), Berlin, "2026-10-25T00:15:00Z", true),
            (sunday("02:00", "02:30"), Berlin, "2026-10-25T01:15:00Z", false),
            // Whoever relieves them begins when they end.
            (sunday("02:30", "08:00"), Berlin, "2026-10-25T00:29:00Z", false),
            (sunday("02:30", "08:00"), Berlin, "2026-10-25T00:30:00Z", true),
            (sunday("02:30", "08:00"), Berlin, "2026-10-25T01:15:00Z", true),
            // New York goes back from 2:00 to 1:00 on the 1st of November, a week after Berlin.
            (sunday("01:00", "01:30"), New_York, "2026-11-01T05:15:00Z", true),
            (sunday("01:00", "01:30"), New_York, "2026-11-01T06:15:00Z", false),
        ] {
            assert_eq!(is_on_shift(&shifts, zone, at(instant)), works, "{shifts:?} at {instant}");
        }
    }

    #[test]
    fn times_are_read_to_the_minute() {
        for (text, good) in [
            ("08:30", true),
            ("00:00", true),
            ("23:59", true),
            ("24:00", false),
            ("8", false),
            ("08:30:10", false),
        ] {
            assert_eq!(serde_json::from_value::<ClockTime>(text.into()).is_ok(), good, "{text}");
        }
        let shift = shift(1, "08:30", "17:00");
        let written = serde_json::to_value(shift).expect("JSON");
        assert_eq!(written, serde_json::json!({"weekday": 1, "starts": "08:30", "ends": "17:00"}));
    }
}
