//! Pure: where a message can be, what may be said of it, and how far callbacks move it; [`settlement`] what an answer of a
//! provider does to it.

mod refusal;
mod settlement;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use settlement::{AccountWord, IN_DOUBT, Next, Settlement, Situation, settle};

use crate::error::{Error, Result};

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
    /// All of them, in the order of a message's course, then the ways in which it ends badly.
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

    /// As it is stored, and as the API names it.
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
    /// As it is stored, and as the API names it.
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
    /// As it is stored, and as the API names it.
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
    Defer {
        until: DateTime<Utc>,
        code: &'static str,
    },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_whatever_order_and_however_often_things_are_told_the_same_comes_out() {
        let told_in =
            |order: &[Status]| order.iter().fold(Status::Sending, |at, tells| told(at, *tells).unwrap_or(at));
        let things = [Status::Sent, Status::Failed, Status::Bounced, Status::Delivered, Status::Read];
        for one in things {
            for two in things {
                for three in things {
                    let ordered = told_in(&[one, two, three]);
                    for other in [[three, two, one], [two, one, three], [three, one, two]] {
                        assert_eq!(told_in(&other), ordered, "{one:?} {two:?} {three:?}");
                    }
                    assert_eq!(told_in(&[one, one, two, three, two, one]), ordered);
                }
            }
        }
        assert_eq!(told_in(&[Status::Failed, Status::Bounced]), Status::Bounced, "more is known of it");
        for waits in [Status::Queued, Status::Sending, Status::Unknown] {
            for tells in things {
                assert_eq!(told(waits, tells), Some(tells), "{waits:?} {tells:?}");
            }
        }
        for nothing in [Status::Pending, Status::Queued, Status::Sending, Status::Unknown, Status::Cancelled]
        {
            for at in Status::ALL {
                assert_eq!(told(at, nothing), None, "{at:?} {nothing:?}");
            }
        }
        for closed in [Status::Suppressed, Status::Cancelled] {
            assert_eq!(told(closed, Status::Delivered), None, "{closed:?}");
        }
        assert_eq!(told(Status::Unknown, Status::Sent), Some(Status::Sent));
        assert_eq!(told(Status::Delivered, Status::Sent), None);
    }

    #[test]
    fn only_what_waits_is_not_settled() {
        let open: Vec<_> = Status::ALL.into_iter().filter(|status| !status.is_settled()).collect();
        assert_eq!(open, [Status::Pending, Status::Queued, Status::Sending]);
    }
}
