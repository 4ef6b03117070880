//! Instants that somebody names.

use chrono::{DateTime, Datelike, SubsecRound as _, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use crate::types::Malformed;

/// An instant that comes from outside, in the form of RFC 3339: of a year that Postgres holds and people write with four
/// digits, and not before machines began to count; to the microsecond, as Postgres keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// The plain instant, to the microsecond.
    #[must_use]
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl TryFrom<DateTime<Utc>> for Moment {
    type Error = Malformed;

    fn try_from(at: DateTime<Utc>) -> Result<Self, Malformed> {
        const WANTED: Malformed = Malformed("name an instant of the years 1970 to 9999");
        if (1970..=9999).contains(&at.year()) { Ok(Self(at.trunc_subsecs(6))) } else { Err(WANTED) }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = DateTime::<Utc>::deserialize(deserializer)?;
        Self::try_from(at).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_of_years_that_can_be_kept() {
        for (text, good) in [
            ("1970-01-01T00:00:00Z", true),
            ("9999-12-31T23:59:59.999999Z", true),
            ("2030-06-01T12:00:00+02:00", true),
            ("1970-01-01T00:00:00+02:00", false),
            ("9999-12-31T23:59:59-02:00", false),
            ("1969-12-31T23:59:59Z", false),
            ("-9999-01-01T00:00:00Z", false),
            ("+10000-01-01T00:00:00Z", false),
            ("2030-06-01", false),
        ] {
            let read = serde_json::from_value::<Moment>(text.into());
            assert_eq!(read.is_ok(), good, "{text}: {read:?}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_microsecond_is_left_out() {
        let read = |text: &str| serde_json::from_value::<Moment>(text.into()).expect("an instant");
        assert_eq!(read("2030-06-01T12:00:00.000001999Z"), read("2030-06-01T12:00:00.000001Z"));
    }
}
