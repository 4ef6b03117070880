//! When a step is due, pure.
//!
//! Times of day are by the clock where the lead is, by the rules that shifts and schedules go by: a time that the clock
//! jumps over is the instant of the jump, and one that comes twice is meant the first time.

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;

use super::definition::StepDelay;
use crate::wall_clock::first_at;

/// What was to come at a time of day and is later than this waits for that time once more: nobody is written to at night
/// because a sequence was paused.
const LATE: TimeDelta = TimeDelta::hours(1);
/// A time of day comes within so many days.
const LONGEST: u64 = 2;

/// When a step is due that waits from an instant on.
#[must_use]
pub fn due(delay: StepDelay, from: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let earliest = from + TimeDelta::minutes(delay.minutes.into());
    let Some(time) = delay.at else { return earliest };
    let today = earliest.with_timezone(&zone).date_naive();
    let days = (0..=LONGEST).filter_map(|days| today.checked_add_days(Days::new(days)));
    let mut times = days.filter_map(|day| first_at(day.and_time(time.0), zone));
    times.find(|at| *at >= earliest).unwrap_or(earliest)
}

/// When a step comes that was due by a time of day which is long over; none if it comes now.
#[must_use]
pub fn again(
    delay: StepDelay,
    was_due: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    delay.at?;
    (now > was_due + LATE).then(|| due(StepDelay { minutes: 0, ..delay }, now, zone))
}

/// When a step that cannot be taken now is looked at again, so long from now on: but one of a time of day within an hour
/// after that time, or else the next day.
#[must_use]
pub fn later(delay: StepDelay, now: DateTime<Utc>, wait: TimeDelta, zone: Tz) -> DateTime<Utc> {
    let then = now + wait;
    then.max(due(StepDelay { minutes: 0, ..delay }, then - LATE, zone))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use chrono_tz::{America::New_York, Asia::Tokyo, Europe::Berlin, Tz::UTC};

    use super::*;
    use crate::agents::shifts::ClockTime;

    fn after(minutes: u32, at: &str) -> StepDelay {
        let time = |text| ClockTime(NaiveTime::parse_from_str(text, "%H:%M").expect("a time"));
        StepDelay { minutes, at: (!at.is_empty()).then(|| time(at)) }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_step_is_due_when_its_time_is_over_and_the_clock_of_the_lead_shows_the_hour() {
        for (delay, from, zone, wanted) in [
            (after(0, ""), "2026-06-01T12:00:00Z", UTC, "2026-06-01T12:00:00Z"),
            (after(1_440, ""), "2026-06-01T12:00:00Z", UTC, "2026-06-02T12:00:00Z"),
            // Berlin is two hours ahead in June.
            (after(0, "09:00"), "2026-06-01T06:59:59Z", Berlin, "2026-06-01T07:00:00Z"),
            (after(0, "09:00"), "2026-06-01T07:00:00Z", Berlin, "2026-06-01T07:00:00Z"),
            (after(0, "09:00"), "2026-06-01T07:00:01Z", Berlin, "2026-06-02T07:00:00Z"),
            (after(2_880, "09:00"), "2026-06-01T08:00:00Z", Berlin, "2026-06-04T07:00:00Z"),
            (after(0, "09:00"), "2026-06-01T12:00:00Z", Tokyo, "2026-06-02T00:00:00Z"),
            (after(0, "09:00"), "2026-06-01T12:00:00Z", New_York, "2026-06-01T13:00:00Z"),
            // Its clock jumps from 2:00 to 3:00 on the 29th of March, and goes back from 3:00 on the 25th of October.
            (after(0, "02:30"), "2026-03-29T00:00:00Z", Berlin, "2026-03-29T01:00:00Z"),
            (after(0, "02:30"), "2026-10-25T00:00:00Z", Berlin, "2026-10-25T00:30:00Z"),
            (after(0, "02:30"), "2026-10-25T00:31:00Z", Berlin, "2026-10-26T01:30:00Z"),
        ] {
            assert_eq!(due(delay, at(from), zone), at(wanted), "{delay:?} from {from} in {zone}");
        }
    }

    #[test]
    fn what_was_held_up_past_its_hour_waits_for_that_hour() {
        let nine = after(60, "09:00");
        for (delay, was_due, now, wanted) in [
            (nine, "2026-06-01T07:00:00Z", "2026-06-01T08:00:00Z", None),
            (nine, "2026-06-01T07:00:00Z", "2026-06-01T08:00:01Z", Some("2026-06-02T07:00:00Z")),
            (nine, "2026-06-01T07:00:00Z", "2026-06-09T06:00:00Z", Some("2026-06-09T07:00:00Z")),
            (after(60, ""), "2026-06-01T07:00:00Z", "2026-06-09T06:00:00Z", None),
        ] {
            assert_eq!(again(delay, at(was_due), at(now), Berlin), wanted.map(at), "{delay:?} at {now}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_looked_at_again_within_its_hour_or_the_next_day() {
        let ten = TimeDelta::minutes(10);
        for (delay, now, wanted) in [
            (after(60, ""), "2026-06-01T23:00:00Z", "2026-06-01T23:10:00Z"),
            (after(60, "09:00"), "2026-06-01T07:00:00Z", "2026-06-01T07:10:00Z"),
            (after(60, "09:00"), "2026-06-01T07:50:00Z", "2026-06-01T08:00:00Z"),
            (after(60, "09:00"), "2026-06-01T07:50:01Z", "2026-06-02T07:00:00Z"),
        ] {
            assert_eq!(later(delay, at(now), ten, Berlin), at(wanted), "{delay:?} at {now}");
        }
    }
}
