//! Whether it is the time for a recipient, or too late. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// Whether it is the time for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeliness {
    /// Not yet.
    Early,
    Due,
    /// Later than the campaign allows: it is not sent, and says so.
    TooLate,
}

/// Whether it is the time for a recipient who is due at an instant. What is late by just as much as allowed is sent; with no
/// bound nothing is too late.
#[must_use]
pub fn timeliness(due: DateTime<Utc>, now: DateTime<Utc>, max_lateness: Option<TimeDelta>) -> Timeliness {
    if now < due {
        Timeliness::Early
    } else if max_lateness.is_some_and(|most| now - due > most) {
        Timeliness::TooLate
    } else {
        Timeliness::Due
    }
}

/// The last instant at which a message that is due may leave: what its message is told as `expires_at`, so that one that is
/// held up by a gate or by its provider is not sent late either. None for ever.
#[must_use]
pub fn expires_at(due: DateTime<Utc>, max_lateness: Option<TimeDelta>) -> Option<DateTime<Utc>> {
    due.checked_add_signed(max_lateness?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn late_by_as_much_as_allowed_is_not_too_late() {
        let due = at("2026-06-01T09:00:00Z");
        let hour = Some(TimeDelta::hours(1));
        for (now, most, wanted) in [
            ("2026-06-01T08:59:59.999999Z", hour, Timeliness::Early),
            ("2026-06-01T09:00:00Z", hour, Timeliness::Due),
            ("2026-06-01T10:00:00Z", hour, Timeliness::Due),
            ("2026-06-01T10:00:00.000001Z", hour, Timeliness::TooLate),
            ("2036-06-01T09:00:00Z", None, Timeliness::Due),
            ("2026-06-01T09:00:00Z", Some(TimeDelta::zero()), Timeliness::Due),
            ("2026-06-01T09:00:01Z", Some(TimeDelta::zero()), Timeliness::TooLate),
        ] {
            assert_eq!(timeliness(due, at(now), most), wanted, "{now} {most:?}");
        }
        assert_eq!(expires_at(due, hour), Some(at("2026-06-01T10:00:00Z")));
        assert_eq!(expires_at(due, None), None);
    }
}
