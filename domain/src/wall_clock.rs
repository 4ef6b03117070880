//! What the clock on a wall shows in a zone, as instants: pure. By the rules of schedules a time that the clock jumps over is
//! the instant of the jump.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

/// The longest that a zone's clock jumped over: a whole day, where the date line moved.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

/// The first instant at which a zone's clock shows a time; the jump over it, if none does.
pub(crate) fn first_at(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    shown(local, |local| zone.from_local_datetime(&local).earliest())
}

/// The last instant at which a zone's clock shows a time; the jump over it, if none does.
pub(crate) fn last_at(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    shown(local, |local| zone.from_local_datetime(&local).latest())
}

/// The first instant of a day.
pub(crate) fn begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    first_at(midnight, zone).unwrap_or_else(|| midnight.and_utc())
}

fn shown(local: NaiveDateTime, of: impl Fn(NaiveDateTime) -> Option<DateTime<Tz>>) -> Option<DateTime<Utc>> {
    if let Some(at) = of(local) {
        return Some(at.to_utc());
    }
    // Clocks jump at full minutes.
    let local = local.with_second(0)?.with_nanosecond(0)?;
    let minutes = 1..=LONGEST_GAP.num_minutes();
    let mut later = minutes.filter_map(|minutes| local.checked_add_signed(TimeDelta::minutes(minutes)));
    later.find_map(of).map(|at| at.to_utc())
}
