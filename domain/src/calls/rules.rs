//! How a call goes on: forward along `queued`, `ringing`, `answered` to one of three ends, and never back, but that one
//! which rang in vain waits again; only the product itself takes that step, and nobody tells of it.

use serde::{Deserialize, Serialize};

/// How far a call is. The last three are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CallStatus {
    /// Nothing rings yet: an incoming call waits for an agent, an outgoing one is being dialled.
    Queued,
    Ringing,
    Answered,
    /// It was answered, and is over.
    Ended,
    /// It rang, and nobody answered.
    Missed,
    /// It was over before anything rang.
    Abandoned,
}

impl CallStatus {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Ended => "ended",
            Self::Missed => "missed",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether it has come to one of its three ends.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Missed | Self::Abandoned)
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Ring,
    Answer,
    End,
}

/// Why a step cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is there already.
    Already,
    /// It is further than that.
    Past,
}

/// Where a step leads to.
///
/// # Errors
/// If the call is there already or further.
pub fn step(from: CallStatus, step: Step) -> Result<CallStatus, Refusal> {
    use CallStatus::{Abandoned, Answered, Ended, Missed, Queued, Ringing};
    match (step, from) {
        (Step::Ring, Queued) => Ok(Ringing),
        (Step::Answer, Queued | Ringing) => Ok(Answered),
        (Step::End, Answered) => Ok(Ended),
        (Step::End, Ringing) => Ok(Missed),
        (Step::End, Queued) => Ok(Abandoned),
        (Step::Ring, Ringing) | (Step::Answer, Answered) | (Step::End, Ended | Missed | Abandoned) => {
            Err(Refusal::Already)
        }
        (Step::Ring | Step::Answer, _) => Err(Refusal::Past),
    }
}

/// The same of what a phone system tells, late, twice or in another order than it happened; nothing if it changes
/// nothing. That a call was answered may be told after its end: then it was not missed.
#[must_use]
pub fn told(from: CallStatus, what: Step) -> Option<CallStatus> {
    match (what, from) {
        (Step::Answer, CallStatus::Missed | CallStatus::Abandoned) => Some(CallStatus::Ended),
        _ => step(from, what).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CallStatus; 6] = [
        CallStatus::Queued,
        CallStatus::Ringing,
        CallStatus::Answered,
        CallStatus::Abandoned,
        CallStatus::Missed,
        CallStatus::Ended,
    ];
    const STEPS: [Step; 3] = [Step::Ring, Step::Answer, Step::End];

    fn place(status: CallStatus) -> usize {
        ALL.iter().position(|known| *known == status).expect("one of all")
    }

    #[test]
    fn each_step_is_taken_where_the_table_says() {
        use CallStatus::{Abandoned, Answered, Ended, Missed, Queued, Ringing};
        use Refusal::{Already, Past};
        for (from, ring, answer, end) in [
            (Queued, Ok(Ringing), Ok(Answered), Ok(Abandoned)),
            (Ringing, Err(Already), Ok(Answered), Ok(Missed)),
            (Answered, Err(Past), Err(Already), Ok(Ended)),
            (Ended, Err(Past), Err(Past), Err(Already)),
            (Missed, Err(Past), Err(Past), Err(Already)),
            (Abandoned, Err(Past), Err(Past), Err(Already)),
        ] {
            let got = STEPS.map(|what| step(from, what));
            assert_eq!(got, [ring, answer, end], "{from:?}");
        }
    }

    #[test]
    fn what_is_told_only_moves_forward_and_in_any_order_ends_alike() {
        for from in ALL {
            for what in STEPS {
                if let Some(to) = told(from, what) {
                    assert!(place(to) > place(from), "{from:?} to {to:?}");
                    assert_eq!(told(to, what), None, "told twice it changes nothing");
                }
            }
        }
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let end = order
                .iter()
                .fold(CallStatus::Queued, |status, at| told(status, STEPS[*at]).unwrap_or(status));
            assert_eq!(end, CallStatus::Ended, "{order:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_api() {
        for status in ALL {
            assert_eq!(serde_json::to_value(status).expect("JSON"), status.as_str());
            assert_eq!(status.is_over(), step(status, Step::End).is_err(), "{status:?}");
        }
    }
}
