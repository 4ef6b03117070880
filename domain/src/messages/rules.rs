//! Pure: what an answer of a provider does to a message, and whether it may be sent at all.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::provider::{Answer, Refusal};
use crate::{
    error::{Error, Result},
    events::EventType,
};

/// Where a message is. `sending` is left only under its fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageStatus)]
pub enum Status {
    Pending,
    Queued,
    Sending,
    Sent,
    Delivered,
    Read,
    Failed,
    Bounced,
    Suppressed,
    Cancelled,
    Unknown,
}

impl Status {
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Bounced,
        Self::Suppressed,
        Self::Cancelled,
        Self::Unknown,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// If there is no such status.
    pub(super) fn stored(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::internal("a message of unheard-of status"))
    }

    /// Whether it will not reach anybody.
    #[must_use]
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Failed | Self::Bounced | Self::Suppressed | Self::Cancelled)
    }

    /// Whether nothing more will happen to the message by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Queued | Self::Sending)
    }
}

/// What the provider row says about messages of unknown fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Keep it as `unknown` for a person to decide.
    #[default]
    Hold,
    /// Send again: only for messages that may come twice, like one-time codes.
    Resend,
}

/// What a message is for, which decides what it may be sent without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessagePurpose)]
pub enum Purpose {
    /// It belongs to something that the person has asked for: an answer, a receipt, a code.
    #[default]
    Transactional,
    /// It advertises: only with consent, outside of quiet hours, and with a way out.
    Marketing,
}

impl Purpose {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }

    /// As it is stored.
    pub(super) fn stored(text: &str) -> Self {
        if text == "marketing" { Self::Marketing } else { Self::Transactional }
    }
}

/// Of what kind a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MessageFailure)]
pub enum FailureKind {
    /// This recipient or this content, for good.
    Permanent,
    /// It was tried as often as it may be.
    Transient,
    /// The account at the provider.
    Account,
    /// Nobody knows whether it was sent.
    Ambiguous,
    /// We did not let it out: consent, suppression, a cap, a template that fails.
    Gate,
}

impl FailureKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Account => "account",
            Self::Ambiguous => "ambiguous",
            Self::Gate => "gate",
        }
    }

    /// As it is stored.
    pub(super) fn stored(text: &str) -> Option<Self> {
        let all = [Self::Permanent, Self::Transient, Self::Account, Self::Ambiguous, Self::Gate];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Why a message does not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Failed, cancelled or suppressed.
    pub status: Status,
    pub code: &'static str,
    /// For people; without personal data.
    pub text: String,
}

/// Whether a message may leave, as the gates say in the attempt's transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Go,
    Stop(Stop),
    /// Not before this instant; it stays queued. `code` says which gate it is.
    Defer { until: DateTime<Utc>, code: &'static str },
}

/// How far a status is along the way that callbacks may move a message: never back. None for what no callback moves.
///
/// `pending → queued → sending → sent → delivered → read`; `failed` and `bounced` come after `sent`, and not after
/// `delivered`; `unknown` is left for whatever the provider says.
fn rank(status: Status) -> Option<u8> {
    match status {
        Status::Pending | Status::Queued | Status::Sending | Status::Unknown => Some(0),
        Status::Sent => Some(1),
        Status::Failed | Status::Bounced => Some(2),
        Status::Delivered => Some(3),
        Status::Read => Some(4),
        Status::Suppressed | Status::Cancelled => None,
    }
}

/// Where a message is after a provider has told of it; none if that changes nothing. Commutes: in whatever order and
/// however often things are told, the same status comes out.
///
/// That it bounced is more than that it failed, so between the two `bounced` stays.
#[must_use]
pub fn told(at: Status, tells: Status) -> Option<Status> {
    let (from, to) = (rank(at)?, rank(tells)?);
    let further = to > from || (at == Status::Failed && tells == Status::Bounced);
    (further && to > 0).then_some(tells)
}

/// What becomes of a message and its job after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub status: Status,
    pub event: EventType,
    /// Try again, after the given time or by the back-off.
    pub again: Option<Option<Duration>>,
    pub provider_message_id: Option<String>,
    pub code: Option<String>,
    pub text: Option<String>,
}

/// The longest wait a provider may ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What an answer means. `last` says that no attempt is left after this one.
#[must_use]
pub fn settle(answer: Answer, on_unknown: OnUnknown, last: bool) -> Settlement {
    let settlement = |status, event| Settlement {
        status,
        event,
        again: None,
        provider_message_id: None,
        code: None,
        text: None,
    };
    match answer {
        Answer::Accepted { provider_message_id } => {
            Settlement { provider_message_id, ..settlement(Status::Sent, EventType::MessageSent) }
        }
        Answer::Refused { refusal, code, text, retry_after } => {
            let told = |base| Settlement { code: Some(code.clone()), text: Some(text.clone()), ..base };
            if refusal == Refusal::Permanent || last {
                told(settlement(Status::Failed, EventType::MessageFailed))
            } else {
                let again = Some(retry_after.map(|wait| wait.min(LONGEST_WAIT)));
                told(Settlement { again, ..settlement(Status::Queued, EventType::MessageRetrying) })
            }
        }
        Answer::Unknown { text } => {
            let told = |base| Settlement { code: Some("unknown".into()), text: Some(text), ..base };
            if on_unknown == OnUnknown::Resend && !last {
                told(Settlement {
                    again: Some(None),
                    ..settlement(Status::Queued, EventType::MessageRetrying)
                })
            } else {
                told(settlement(Status::Unknown, EventType::MessageUnknown))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(refusal: Refusal, wait: Option<u64>) -> Answer {
        let retry_after = wait.map(Duration::from_secs);
        Answer::Refused { refusal, code: "451".into(), text: "busy".into(), retry_after }
    }

    #[test]
    fn each_answer_has_one_meaning() {
        use OnUnknown::{Hold, Resend};
        let lost = || Answer::Unknown { text: "connection lost".into() };
        let taken = || Answer::Accepted { provider_message_id: None };
        let cases = [
            (taken(), Hold, false, Status::Sent, false),
            (taken(), Resend, true, Status::Sent, false),
            (refused(Refusal::Permanent, None), Hold, false, Status::Failed, false),
            (refused(Refusal::Transient, None), Hold, false, Status::Queued, true),
            (refused(Refusal::Transient, None), Hold, true, Status::Failed, false),
            (refused(Refusal::Account, None), Hold, false, Status::Queued, true),
            (lost(), Hold, false, Status::Unknown, false),
            (lost(), Resend, false, Status::Queued, true),
            (lost(), Resend, true, Status::Unknown, false),
        ];
        for (answer, on_unknown, last, status, again) in cases {
            let got = settle(answer.clone(), on_unknown, last);
            assert_eq!(
                (got.status, got.again.is_some()),
                (status, again),
                "{answer:?} {on_unknown:?} {last}"
            );
        }
    }

    #[test]
    fn a_provider_cannot_ask_for_a_wait_without_end() {
        let got = settle(refused(Refusal::Transient, Some(1_000_000)), OnUnknown::Hold, false);
        assert_eq!(got.again, Some(Some(LONGEST_WAIT)));
    }

    #[test]
    fn only_what_waits_is_not_settled() {
        let open: Vec<_> = Status::ALL.into_iter().filter(|status| !status.is_settled()).collect();
        assert_eq!(open, [Status::Pending, Status::Queued, Status::Sending]);
    }
}
