//! States of requests as words, and the states in whose shapes they are drawn.

use chrono::{DateTime, Utc};
use domain::privacy::{erasure::State, requests::RequestStatus};

use crate::dashboard::ui;

/// In whose shape a request of access is drawn.
#[must_use]
pub fn request_like(status: RequestStatus) -> &'static str {
    like(status.as_str())
}

/// In whose shape an erasure is drawn.
#[must_use]
pub fn erasure_like(state: State) -> &'static str {
    like(state.as_str())
}

/// The same of either by its word.
#[must_use]
pub fn like(word: &str) -> &'static str {
    match word {
        "identity" | "cooling" => "waiting",
        "working" | "running" => "running",
        "held" => "held",
        "answered" | "done" => "done",
        "refused" => "denied",
        _ => "ended",
    }
}

/// How much time is left, or since when it is late.
#[must_use]
pub fn left(due: &DateTime<Utc>, now: DateTime<Utc>) -> String {
    if *due > now {
        format!("{} left", ui::duration(&now, due))
    } else {
        format!("late by {}", ui::duration(due, &now))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_is_late_says_so() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(left(&(now + TimeDelta::hours(30)), now), "1 d 6 h left");
        assert_eq!(left(&(now - TimeDelta::hours(5)), now), "late by 5 h");
    }

    #[test]
    fn each_state_has_a_shape() {
        for (status, shape) in [
            (RequestStatus::Identity, "waiting"),
            (RequestStatus::Working, "running"),
            (RequestStatus::Answered, "done"),
            (RequestStatus::Refused, "denied"),
        ] {
            assert_eq!(request_like(status), shape);
        }
        assert_eq!((erasure_like(State::Held), erasure_like(State::Withdrawn)), ("held", "ended"));
    }
}
