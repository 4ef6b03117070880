//! Until when a request is to be answered, and what may be done with it. Pure.

use chrono::{DateTime, Days, Months, Utc};
use serde::{Deserialize, Serialize};

/// How far a request has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RequestStatus {
    /// Nobody has said yet how they know that it is the person who asks.
    Identity,
    /// The answer is being made, or could not be.
    Working,
    Answered,
    Refused,
}

/// What somebody does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Identify,
    Extend,
    Refuse,
    /// Makes another file.
    Export,
    /// The file is there.
    Answer,
}

impl RequestStatus {
    /// All of them, the two ends last.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Working, Self::Answered, Self::Refused];

    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Working => "working",
            Self::Answered => "answered",
            Self::Refused => "refused",
        }
    }

    /// Whether it may be done now.
    #[must_use]
    pub fn allows(self, deed: Deed) -> bool {
        match self {
            Self::Identity => matches!(deed, Deed::Identify | Deed::Extend | Deed::Refuse),
            Self::Working => matches!(deed, Deed::Extend | Deed::Refuse | Deed::Export | Deed::Answer),
            Self::Answered => matches!(deed, Deed::Export | Deed::Answer),
            Self::Refused => false,
        }
    }
}

/// One month after it was received (GDPR Art. 12(3)): the same day of the next month, or its last one (Regulation 1182/71,
/// Art. 3(2)(c)).
#[must_use]
pub fn due(received: DateTime<Utc>) -> DateTime<Utc> {
    received.checked_add_months(Months::new(1)).unwrap_or(received + Days::new(30))
}

/// Two months more: three in all, counted from when it was received, so that a short month in between costs no day.
#[must_use]
pub fn extended(received: DateTime<Utc>) -> DateTime<Utc> {
    received.checked_add_months(Months::new(3)).unwrap_or(received + Days::new(90))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_on_its_day_or_on_the_last_one() {
        for (received, wanted, later) in [
            ("2030-01-15T10:00:00Z", "2030-02-15T10:00:00Z", "2030-04-15T10:00:00Z"),
            ("2030-01-31T10:00:00Z", "2030-02-28T10:00:00Z", "2030-04-30T10:00:00Z"),
            ("2028-01-30T10:00:00Z", "2028-02-29T10:00:00Z", "2028-04-30T10:00:00Z"),
            ("2030-12-01T00:00:00Z", "2031-01-01T00:00:00Z", "2031-03-01T00:00:00Z"),
        ] {
            let received: DateTime<Utc> = received.parse().expect("a time");
            assert_eq!(due(received), wanted.parse::<DateTime<Utc>>().expect("a time"), "{received}");
            assert_eq!(extended(received), later.parse::<DateTime<Utc>>().expect("a time"), "{received}");
        }
    }

    #[test]
    fn nothing_is_given_out_before_it_is_known_who_asks_and_nothing_is_done_with_what_was_refused() {
        use Deed::{Answer, Export, Extend, Identify, Refuse};
        for (status, allowed) in [
            (RequestStatus::Identity, &[Identify, Extend, Refuse][..]),
            (RequestStatus::Working, &[Extend, Refuse, Export, Answer]),
            (RequestStatus::Answered, &[Export, Answer]),
            (RequestStatus::Refused, &[]),
        ] {
            for deed in [Identify, Extend, Refuse, Export, Answer] {
                assert_eq!(status.allows(deed), allowed.contains(&deed), "{status:?} {deed:?}");
            }
        }
    }
}
