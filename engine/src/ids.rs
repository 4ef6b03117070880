//! The time that ids say: those of version 7 begin with the milliseconds of their making (RFC 9562, section 5.7), so that
//! they are in the order of time, and a time is found without walking all rows.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How far the clocks of processes may be from that of the database, at most: ids are made by them, and times of rows by it.
pub const CLOCKS_APART: TimeDelta = TimeDelta::days(1);

/// The lowest id of a time: none that was made then or later is below it.
#[must_use]
pub fn first_of(at: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(at.timestamp_millis()).unwrap_or_default() << 80)
}

/// When an id was made; none if it says no time.
#[must_use]
pub fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// The id after one.
#[must_use]
pub fn next(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_are_not_before_its_first() {
        let at = DateTime::from_timestamp_millis(1_700_000_000_123).expect("a time");
        let of_it = Uuid::parse_str("018bcfe5-687b-7000-8000-000000000000").expect("an id");
        assert!(first_of(at) <= of_it && of_it < first_of(at + TimeDelta::milliseconds(1)));
        assert_eq!(first_of(DateTime::<Utc>::MIN_UTC), Uuid::nil());
        assert_eq!((made_at(of_it), made_at(next(of_it))), (Some(at), Some(at)));
        assert_eq!(made_at(Uuid::from_u128(7)), None, "no UUIDv7");
    }
}
