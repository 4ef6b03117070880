//! What a refusal does to a message and its job. Pure.

use std::time::Duration;

use super::{AccountWord, FailureKind, Next, Settlement, Situation, Status};
use crate::{
    events::EventType,
    messages::provider::{Channel, Refusal},
};

/// The longest wait a provider may ask for.
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How soon an account that is at fault is looked at again; whoever resumes it wakes its messages before.
pub(super) const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// It was surely not sent by this attempt. `told` is queued and says what the provider said.
pub(super) fn refused(
    told: Settlement,
    refusal: Refusal,
    wait: Option<Duration>,
    at: Situation,
) -> Settlement {
    let (least, wait) = (growing(at.attempt), wait.map(|wait| wait.min(LONGEST_WAIT)));
    let failed = |told, kind| Settlement {
        status: Status::Failed,
        event: EventType::MessageFailed,
        failure: Some(kind),
        ..told
    };
    let account = match refusal {
        // The account has other messages, which were not refused so often: for them the provider's own word counts.
        Refusal::Throttled => Some(AccountWord::Throttled(wait.map_or(least, |wait| wait.max(growing(1))))),
        Refusal::Account => Some(AccountWord::Fault),
        Refusal::Permanent | Refusal::Suppress(_) | Refusal::Transient => None,
    };
    let told = Settlement { account, ..told };
    match refusal {
        Refusal::Permanent if at.in_doubt => still_in_doubt(told),
        Refusal::Permanent => failed(told, FailureKind::Permanent),
        Refusal::Suppress(scope) if at.in_doubt => {
            Settlement { suppress: Some(scope), ..still_in_doubt(told) }
        }
        Refusal::Suppress(scope) => {
            let failed = Settlement { suppress: Some(scope), ..failed(told, FailureKind::Permanent) };
            // A mail server that does not know the address says at once what a returned mail would say later (5.1.x,
            // RFC 3463).
            if at.channel == Channel::Email {
                return Settlement { status: Status::Bounced, event: EventType::MessageBounced, ..failed };
            }
            failed
        }
        _ if at.another => Settlement { next: Next::Another, ..told },
        // A wait of nothing, or one that has passed, would have it asked again and again without a pause.
        Refusal::Throttled => {
            Settlement { next: Next::Wait(wait.map_or(least, |wait| wait.max(least))), ..told }
        }
        Refusal::Account => Settlement { next: Next::Wait(LOOK_AGAIN), ..told },
        Refusal::Transient if at.last && at.in_doubt => still_in_doubt(told),
        Refusal::Transient if at.last => failed(told, FailureKind::Transient),
        Refusal::Transient => Settlement { next: Next::Again(wait.map(|wait| wait.max(least))), ..told },
    }
}

/// This attempt was surely not taken, but one before it may have been, and the no says nothing of that one: no receiver that
/// drops repeats promises to answer a repeat as it answered the first.
fn still_in_doubt(told: Settlement) -> Settlement {
    let said = told.text.unwrap_or_default();
    Settlement {
        status: Status::Unknown,
        event: EventType::MessageUnknown,
        failure: Some(FailureKind::Ambiguous),
        text: Some(format!("an attempt before this one may have sent it; this one was refused: {said}")),
        ..told
    }
}

/// The wait where a provider names none, and the least where it does: 2 s, doubled with each attempt, a minute at the most.
pub(super) fn growing(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.clamp(1, 6)).unwrap_or(1) - 1;
    Duration::from_secs(2 << doublings).min(Duration::from_mins(1))
}
