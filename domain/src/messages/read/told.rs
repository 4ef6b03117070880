//! What providers told of a message by themselves, as people look at it: when, what, and whether it counted. Nothing of
//! what they sent is shown as it came, nor what they call the message, which may hold a number.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    messages::{
        callbacks::{Course, Heard},
        rules::{FailureKind, Status},
    },
    types::{MessageId, ProviderId},
};

/// One thing that a provider told of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = MessageCallback)]
pub struct CallbackView {
    /// When it came in, for the first time.
    pub received_at: DateTime<Utc>,
    /// When it happened, where the provider says so.
    pub happened_at: Option<DateTime<Utc>>,
    /// Which account told it.
    pub provider_id: ProviderId,
    /// What it tells.
    pub status: Status,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    /// Whether it says more than all that came before it. What is late, or is told of a loss by an account that does not
    /// have the message any more, changes nothing.
    pub counted: bool,
}

/// Says which of them counted. They come in the order in which they came in.
pub(super) fn weigh(message: MessageId, told: &mut [CallbackView], provider: Option<ProviderId>) {
    let mut course = Course {
        status: Status::Sending,
        provider,
        name: None,
        taken: false,
        failure: None,
        code: None,
        moved: false,
    };
    for one in told {
        one.counted = course.hear(&Heard {
            message,
            provider: one.provider_id,
            name: None,
            status: one.status,
            failure: one.failure,
            code: one.code.clone(),
            suppress: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const OWN: ProviderId = ProviderId(Uuid::from_u128(1));
    const FORMER: ProviderId = ProviderId(Uuid::from_u128(2));

    fn counted(told: &[(ProviderId, Status)]) -> Vec<bool> {
        let view = |(provider_id, status): &(ProviderId, Status)| CallbackView {
            received_at: DateTime::UNIX_EPOCH,
            happened_at: None,
            provider_id: *provider_id,
            status: *status,
            failure: None,
            code: None,
            counted: false,
        };
        let mut told: Vec<CallbackView> = told.iter().map(view).collect();
        weigh(MessageId(Uuid::nil()), &mut told, Some(OWN));
        told.iter().map(|one| one.counted).collect()
    }

    #[test]
    fn what_is_late_or_told_of_a_loss_by_another_account_does_not_count() {
        use Status::{Bounced, Delivered, Failed, Read, Sent};
        for (told, wanted) in [
            (&[(OWN, Sent), (OWN, Delivered), (OWN, Read)][..], &[true, true, true][..]),
            (&[(OWN, Delivered), (OWN, Sent), (OWN, Read)], &[true, false, true]),
            (&[(FORMER, Failed), (OWN, Sent), (FORMER, Delivered)], &[false, true, true]),
            (&[(OWN, Failed), (OWN, Bounced), (OWN, Bounced)], &[true, true, false]),
            (&[], &[]),
        ] {
            assert_eq!(counted(told), wanted, "{told:?}");
        }
    }
}
