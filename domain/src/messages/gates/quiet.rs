//! Hours of the day in which nobody is written to, wherever they may be: pure.
//!
//! Hours are by the clock on the wall, as people mean them. A time that the clock jumps over is the instant of the jump;
//! of one that comes twice the later is meant, so that it is quiet rather too long than too short.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{agents::shifts::ClockTime, messages::policy::QuietHours, wall_clock::last_at};

/// Whoever has no loud instant for so long has none.
const HORIZON: TimeDelta = TimeDelta::days(3);

/// The first instant from now on at which it is quiet in none of the zones; none if there is none.
pub(super) fn loud_at(hours: &QuietHours, zones: &[Tz], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut at = now;
    while at <= now + HORIZON {
        match zones.iter().filter_map(|zone| ends(hours, *zone, at)).max() {
            None => return Some(at),
            // Each turn ends a quiet time of a zone, of which there is one a day.
            Some(end) if end > at => at = end,
            Some(_) => return None,
        }
    }
    None
}

/// When it is not quiet any more in a zone, if it is at an instant.
fn ends(hours: &QuietHours, zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let local = at.with_timezone(&zone).naive_local();
    let (time, today) = (ClockTime(local.time()), local.date());
    let day = if hours.from < hours.until {
        (hours.from..hours.until).contains(&time).then_some(today)?
    } else if time >= hours.from {
        today.succ_opt()?
    } else {
        (time < hours.until).then_some(today)?
    };
    last_at(day.and_time(hours.until.0), zone)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use chrono_tz::{America::New_York, Asia::Tokyo, Europe::Berlin, Pacific::Honolulu};

    use super::*;

    fn hours(from: &str, until: &str) -> QuietHours {
        let time = |text: &str| ClockTime(NaiveTime::parse_from_str(text, "%H:%M").expect("a time"));
        QuietHours { from: time(from), until: time(until), purposes: Vec::new() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn it_is_quiet_by_the_clock_on_the_wall_and_half_open() {
        let (night, noon) = (hours("21:00", "08:00"), hours("12:00", "14:00"));
        for (hours, now, wanted) in [
            // Berlin is two hours ahead in June.
            (&night, "2026-06-01T18:59:59Z", "2026-06-01T18:59:59Z"),
            (&night, "2026-06-01T19:00:00Z", "2026-06-02T06:00:00Z"),
            (&night, "2026-06-01T22:30:00Z", "2026-06-02T06:00:00Z"),
            (&night, "2026-06-02T05:59:59Z", "2026-06-02T06:00:00Z"),
            (&night, "2026-06-02T06:00:00Z", "2026-06-02T06:00:00Z"),
            (&noon, "2026-06-01T09:59:59Z", "2026-06-01T09:59:59Z"),
            (&noon, "2026-06-01T10:00:00Z", "2026-06-01T12:00:00Z"),
            (&noon, "2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z"),
        ] {
            assert_eq!(loud_at(hours, &[Berlin], at(now)), Some(at(wanted)), "{hours:?} at {now}");
        }
    }

    #[test]
    fn a_jump_of_the_clock_ends_what_would_end_in_it_and_of_an_hour_that_comes_twice_both_are_quiet() {
        // Berlin jumps from 2:00 to 3:00 on the 29th of March 2026 and goes back from 3:00 on the 25th of October.
        let short = hours("22:00", "02:30");
        for (hours, now, wanted) in [
            (&short, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
            (&short, "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"),
            (&short, "2026-10-25T01:15:00Z", "2026-10-25T01:30:00Z"),
            (&hours("21:00", "08:00"), "2026-03-28T23:00:00Z", "2026-03-29T06:00:00Z"),
            (&hours("21:00", "08:00"), "2026-10-24T23:00:00Z", "2026-10-25T07:00:00Z"),
        ] {
            assert_eq!(loud_at(hours, &[Berlin], at(now)), Some(at(wanted)), "{hours:?} at {now}");
        }
    }

    #[test]
    fn of_several_zones_all_must_be_awake() {
        let night = hours("21:00", "08:00");
        let america = [New_York, Honolulu];
        // Eight in Honolulu is two in the afternoon in New York.
        assert_eq!(loud_at(&night, &america, at("2026-06-01T12:30:00Z")), Some(at("2026-06-01T18:00:00Z")));
        assert_eq!(loud_at(&night, &america, at("2026-06-01T18:00:00Z")), Some(at("2026-06-01T18:00:00Z")));
        let office = hours("17:00", "09:00");
        assert_eq!(loud_at(&office, &[New_York, Tokyo], at("2026-06-01T12:30:00Z")), None, "never both");
        assert_eq!(loud_at(&night, &[], at("2026-06-01T23:00:00Z")), Some(at("2026-06-01T23:00:00Z")));
    }
}
