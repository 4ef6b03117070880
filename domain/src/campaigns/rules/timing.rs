//! When a recipient is due, and, in `lateness`, when it is too late. Pure.
//!
//! A local time goes by the rules of schedules: one that the clock jumps over is the instant of the jump, and of one that
//! comes twice the first is meant. Quiet hours are not looked at here: the gates see to them as each message leaves.
//!
//! A recurring campaign begins its runs by a schedule of the engine, and names misfires and overlaps as schedules do. What it
//! says of lateness counts from when each recipient is due, not from when the run began.

mod lateness;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

pub use self::lateness::{Timeliness, expires_at, timeliness};
use crate::wall_clock::first_at;

/// How far the first zone of the world is ahead of UTC, and the last behind it.
const FARTHEST_AHEAD: TimeDelta = TimeDelta::hours(14);
const FARTHEST_BEHIND: TimeDelta = TimeDelta::hours(12);

/// The zone in which a day begins first. The crontab of a recurring campaign that goes by each recipient's clock is read
/// in it, so that a run begins before anybody of it is due; see [`occurrence`].
pub const FIRST_ZONE: Tz = chrono_tz::Pacific::Kiritimati;

/// When the recipients of a run are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All at an instant.
    At(DateTime<Utc>),
    /// All as the clock of a zone shows a time.
    Local { at: NaiveDateTime, zone: Tz },
    /// Each as their own clock shows a time. `home` is where people are taken to be of whom nothing is known.
    RecipientLocal { at: NaiveDateTime, home: Tz },
}

impl When {
    /// When a recipient is due who may be in any of some zones: the zone of the lead, or those of its number
    /// ([`crate::messages::zones::of_number`]). None if there is no such instant, as at the end of the calendar.
    ///
    /// Of several zones the last counts. Then it is not before the time in any of them, and nobody is woken at four for
    /// what was meant for nine; that it may be later than meant is the price, and `max_lateness` counts from the later.
    #[must_use]
    pub fn due(self, zones: &[Tz]) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Local { at, zone } => first_at(at, zone),
            Self::RecipientLocal { at, home } => {
                zones.iter().filter_map(|zone| first_at(at, *zone)).max().or_else(|| first_at(at, home))
            }
        }
    }

    /// When a recipient is due who could not be written to before an instant, as whoever waits for the variant that wins: at
    /// that instant, if it is the later. Who is to have it as their own clock shows the time has it so on the first day on
    /// which that is not before. None as for [`Self::due`].
    #[must_use]
    pub fn due_from(self, zones: &[Tz], from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = self.due(zones)?;
        let Self::RecipientLocal { at, home } = self else { return Some(due.max(from)) };
        if due >= from {
            return Some(due);
        }
        // A day may have 23 hours, or 25.
        let days = (from - due).num_days();
        let later = (days..=days.checked_add(2)?).filter_map(|days| {
            Self::RecipientLocal { at: at.checked_add_signed(TimeDelta::try_days(days)?)?, home }.due(zones)
        });
        later.filter(|due| *due >= from).min()
    }

    /// The first and the last instant at which anybody on earth can be due: when a run begins, and when nobody is left to
    /// wait for. None as for [`Self::due`].
    #[must_use]
    pub fn span(self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        match self {
            Self::At(_) | Self::Local { .. } => self.due(&[]).map(|at| (at, at)),
            Self::RecipientLocal { at, .. } => {
                let first = at.checked_sub_signed(FARTHEST_AHEAD)?.and_utc();
                Some((first, at.checked_add_signed(FARTHEST_BEHIND)?.and_utc()))
            }
        }
    }
}

/// The local time that a tick of a schedule in [`FIRST_ZONE`] stands for, to be met by each recipient's own clock.
#[must_use]
pub fn occurrence(tick: DateTime<Utc>) -> NaiveDateTime {
    tick.with_timezone(&FIRST_ZONE).naive_local()
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Timelike};
    use chrono_tz::{
        America::{Los_Angeles, New_York},
        Asia::Tokyo,
        Australia::Lord_Howe,
        Europe::Berlin,
        Pacific::{Apia, Honolulu, Niue},
    };
    use engine::schedules::Calendar;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").expect("a local time")
    }

    #[test]
    fn local_times_around_both_changes_of_the_clock_in_2026() {
        for (zone, time, wanted) in [
            // New York jumps from 2:00 to 3:00 on the 8th of March and goes back from 2:00 to 1:00 on the 1st of November.
            (New_York, "2026-03-08T01:59:00", "2026-03-08T06:59:00Z"),
            (New_York, "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"),
            (New_York, "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"),
            (New_York, "2026-03-08T02:30:45", "2026-03-08T07:00:00Z"),
            (New_York, "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"),
            (New_York, "2026-03-08T03:01:00", "2026-03-08T07:01:00Z"),
            (New_York, "2026-03-08T09:00:00", "2026-03-08T13:00:00Z"),
            (New_York, "2026-11-01T00:59:00", "2026-11-01T04:59:00Z"),
            (New_York, "2026-11-01T01:00:00", "2026-11-01T05:00:00Z"),
            (New_York, "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),
            (New_York, "2026-11-01T01:59:59", "2026-11-01T05:59:59Z"),
            (New_York, "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"),
            (New_York, "2026-11-01T09:00:00", "2026-11-01T14:00:00Z"),
            // Berlin jumps from 2:00 to 3:00 on the 29th of March and goes back from 3:00 to 2:00 on the 25th of October.
            (Berlin, "2026-03-29T01:59:00", "2026-03-29T00:59:00Z"),
            (Berlin, "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
            (Berlin, "2026-03-29T02:59:59", "2026-03-29T01:00:00Z"),
            (Berlin, "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            (Berlin, "2026-03-29T03:01:00", "2026-03-29T01:01:00Z"),
            (Berlin, "2026-10-25T01:59:00", "2026-10-24T23:59:00Z"),
            (Berlin, "2026-10-25T02:00:00", "2026-10-25T00:00:00Z"),
            (Berlin, "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
            (Berlin, "2026-10-25T02:59:59", "2026-10-25T00:59:59Z"),
            (Berlin, "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
            // Lord Howe goes back by half an hour from 2:00 to 1:30 on the 5th of April and jumps from 2:00 to 2:30 on the
            // 4th of October.
            (Lord_Howe, "2026-04-05T01:29:00", "2026-04-04T14:29:00Z"),
            (Lord_Howe, "2026-04-05T01:30:00", "2026-04-04T14:30:00Z"),
            (Lord_Howe, "2026-04-05T01:59:59", "2026-04-04T14:59:59Z"),
            (Lord_Howe, "2026-04-05T02:00:00", "2026-04-04T15:30:00Z"),
            (Lord_Howe, "2026-10-04T01:59:00", "2026-10-03T15:29:00Z"),
            (Lord_Howe, "2026-10-04T02:00:00", "2026-10-03T15:30:00Z"),
            (Lord_Howe, "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"),
            (Lord_Howe, "2026-10-04T02:29:59", "2026-10-03T15:30:00Z"),
            (Lord_Howe, "2026-10-04T02:30:00", "2026-10-03T15:30:00Z"),
            (Lord_Howe, "2026-10-04T02:31:00", "2026-10-03T15:31:00Z"),
            // Samoa had no 30th of December 2011.
            (Apia, "2011-12-30T09:00:00", "2011-12-30T10:00:00Z"),
        ] {
            let when = When::Local { at: local(time), zone };
            assert_eq!(
                when.due(&[Tokyo]),
                Some(at(wanted)),
                "{time} in {zone}: where people are is of no interest"
            );
            let own = When::RecipientLocal { at: local(time), home: Tokyo };
            assert_eq!(own.due(&[zone]), Some(at(wanted)), "{time} on a clock in {zone}");
        }
    }

    #[test]
    fn it_is_not_before_the_time_wherever_somebody_may_be() {
        let nine = When::RecipientLocal { at: local("2026-06-01T09:00:00"), home: Berlin };
        for (zones, wanted) in [
            (&[][..], "2026-06-01T07:00:00Z"),
            (&[New_York][..], "2026-06-01T13:00:00Z"),
            (&[New_York, Los_Angeles][..], "2026-06-01T16:00:00Z"),
            (&[Honolulu, New_York][..], "2026-06-01T19:00:00Z"),
            (&[Tokyo][..], "2026-06-01T00:00:00Z"),
        ] {
            assert_eq!(nine.due(zones), Some(at(wanted)), "{zones:?}");
        }
        let instant = at("2026-06-01T09:00:00Z");
        assert_eq!(When::At(instant).due(&[Honolulu]), Some(instant));
    }

    #[test]
    fn who_waits_for_something_has_it_then_or_at_the_same_time_of_a_later_day() {
        let nine = When::RecipientLocal { at: local("2026-03-28T09:00:00"), home: Berlin };
        for (zone, from, wanted) in [
            (Berlin, "2026-03-28T07:00:00Z", "2026-03-28T08:00:00Z"),
            (Berlin, "2026-03-28T08:00:00Z", "2026-03-28T08:00:00Z"),
            // The day has 23 hours, since Berlin goes over to summer time.
            (Berlin, "2026-03-28T08:00:01Z", "2026-03-29T07:00:00Z"),
            (Berlin, "2026-03-29T07:00:00Z", "2026-03-29T07:00:00Z"),
            (Berlin, "2026-03-29T07:30:00Z", "2026-03-30T07:00:00Z"),
            (Berlin, "2026-04-28T06:00:00Z", "2026-04-28T07:00:00Z"),
            // And 25 at its end.
            (Berlin, "2026-10-25T07:30:00Z", "2026-10-25T08:00:00Z"),
            (New_York, "2026-03-28T20:00:00Z", "2026-03-29T13:00:00Z"),
        ] {
            assert_eq!(nine.due_from(&[zone], at(from)), Some(at(wanted)), "{zone} from {from}");
        }
        let noon = at("2026-06-01T12:00:00Z");
        for (from, wanted) in [
            ("2026-06-01T11:00:00Z", "2026-06-01T12:00:00Z"),
            ("2026-06-02T23:00:00Z", "2026-06-02T23:00:00Z"),
        ] {
            assert_eq!(When::At(noon).due_from(&[Berlin], at(from)), Some(at(wanted)), "{from}");
        }
    }

    #[test]
    fn a_recurring_time_on_everybodys_clock_begins_where_the_day_does() {
        // 9:00 of the 1st of June is there at 19:00 UTC of the day before.
        let tick = at("2026-05-31T19:00:00Z");
        assert_eq!(occurrence(tick), local("2026-06-01T09:00:00"));
        let when = When::RecipientLocal { at: occurrence(tick), home: Berlin };
        assert_eq!(when.span(), Some((tick, at("2026-06-01T21:00:00Z"))));
        assert_eq!(when.due(&[FIRST_ZONE]), Some(tick));
        assert_eq!(when.due(&[Niue]), Some(at("2026-06-01T20:00:00Z")));
        assert_eq!(When::At(tick).span(), Some((tick, tick)));
    }

    fn minute_of((day, minute): (&str, i64)) -> NaiveDateTime {
        local(day) + TimeDelta::minutes(minute)
    }

    /// Any minute of 2026, as often as not in a night in which the clocks of many countries change.
    fn times() -> impl Strategy<Value = NaiveDateTime> {
        let nights = prop::sample::select(vec![
            "2026-03-08T00:00:00",
            "2026-03-29T00:00:00",
            "2026-04-05T00:00:00",
            "2026-10-04T00:00:00",
            "2026-10-25T00:00:00",
            "2026-11-01T00:00:00",
        ]);
        prop_oneof![
            (Just("2026-01-01T00:00:00"), 0_i64..365 * 24 * 60).prop_map(minute_of),
            (nights, 0_i64..240).prop_map(minute_of),
        ]
    }

    /// Any zone that there is, as often as not one whose clock changes.
    fn zones() -> impl Strategy<Value = Tz> {
        let any = (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|at| chrono_tz::TZ_VARIANTS[at]);
        prop_oneof![any, prop::sample::select(vec![New_York, Berlin, Lord_Howe])]
    }

    proptest! {
        #[test]
        fn everybody_is_due_within_the_span_and_when_their_clock_shows_it(
            time in times(),
            pair in (zones(), zones()),
        ) {
            let zones = [pair.0, pair.1];
            let when = When::RecipientLocal { at: time, home: Berlin };
            let due = when.due(&zones).expect("an instant");
            let (opens, closes) = when.span().expect("a span");
            prop_assert!((opens..=closes).contains(&due), "{time} {zones:?} {due}");
            let shown = zones.map(|zone| due.with_timezone(&zone).naive_local());
            // A clock that was put back between both instants shows less again: by two hours at Troll.
            let slack = TimeDelta::hours(2);
            prop_assert!(shown.iter().all(|shown| *shown >= time - slack), "{time} {zones:?} {shown:?}");
            prop_assert!(zones.iter().any(|zone| first_at(time, *zone) == Some(due)), "{time} {zones:?} {due}");
        }

        #[test]
        fn a_local_time_is_when_a_schedule_of_that_time_is_due(time in times(), zone in zones()) {
            let crontab =
                format!("{} {} {} {} *", time.minute(), time.hour(), time.day(), time.month());
            let calendar = Calendar::parse(&crontab, zone.name()).expect("a calendar");
            let due = first_at(time, zone).expect("an instant");
            prop_assert_eq!(calendar.next_after(due - TimeDelta::days(2)), Some(due), "{} in {}", crontab, zone);
        }
    }
}
