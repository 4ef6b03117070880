//! The fence around each attempt: claimed and committed before a byte leaves, settled after.
//!
//! Both are done for many messages of one tenant at a time: [`begin`] claims, [`settle`] records, [`expire`] finds what a
//! lost process left behind. `desk` decides of each message what is done with it, `repeat` where one may go that may
//! have been sent already, `request` makes what is sent, `ways` chooses by which account, pure.
//!
//! The rate of an account holds because a job counts against the limit of the account that it is for, and a message goes
//! by no other in its turn: where another has to take it, a job for that one does.

mod adopt;
mod begin;
mod desk;
mod expire;
mod hand_on;
mod repeat;
mod request;
mod settle;
mod ways;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Ending, JobKind};
use uuid::Uuid;

pub use adopt::{adopt, tenants_with_orphans};
pub use begin::begin;
pub use expire::{expire, tenants_with_expired};
pub use settle::settle;

pub(super) use begin::wordings;
pub(super) use hand_on::{again, hand_on};

use super::{
    provider::{Account, Answer, CALL_LIMIT, Channel, Outgoing, Provider, Refusal},
    rules::{OnUnknown, Settlement, Situation, Status},
    send::SendMessage,
};
use crate::{
    Ctx,
    error::{Error, Result},
    types::{MessageId, ProviderId, SubjectId, TenantId},
    vault::{Place, SubjectKeys},
};

/// How long an attempt may hold a message. What is still `sending` after it is of unknown fate.
pub const LEASE: Duration = Duration::from_secs(30);

/// The turn of a job with a message.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub message: MessageId,
    /// None where the message may go by any account in it: a step of a workflow waits for its own job, which cannot be
    /// replaced by another.
    pub slot: Option<Slot>,
}

/// A job's place under the limit of an account.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    pub job: Uuid,
    /// The account that it counts against.
    pub by: ProviderId,
}

/// A claimed attempt: the right to call the provider once.
pub struct Attempt {
    pub message: MessageId,
    pub fence: i64,
    pub outgoing: Outgoing,
    /// How often the message was tried in vain before.
    rounds: i32,
    /// An attempt before may have sent it.
    in_doubt: bool,
    channel: Channel,
    to_index: Vec<u8>,
    on_unknown: OnUnknown,
    /// The next account that could take it, if this one surely does not.
    another: Option<ProviderId>,
    account: Arc<Account>,
    adapter: Arc<dyn Provider>,
    /// Read before the lease was taken, on the monotonic clock.
    since: Instant,
}

/// What there is to do for a message.
pub enum Start {
    Go(Box<Attempt>),
    /// It is not queued any more, or it ended before anything could be sent: the job is done. What became of it;
    /// none if it is not there.
    Over(Option<Status>),
    /// It waits: for an account, or for quiet hours to end.
    Later(Duration),
    /// It goes by another account than the job counts against, which is the work of another job by now.
    Elsewhere,
}

/// The end of an attempt, with the end of the job that made it.
pub struct Finished {
    pub message: MessageId,
    pub fence: i64,
    pub settlement: Settlement,
    pub ending: Option<Ending>,
    provider: ProviderId,
    /// Which version of the account that was: what a provider says of credentials that were replaced since says nothing of
    /// those that are in their place.
    version: i64,
    /// The account that is to take it instead, by a job of its own; none where the same job goes on.
    another: Option<ProviderId>,
    /// Whom it was to, for what keeps others from being sent there.
    recipient: Option<Addressee>,
}

/// Whom a message was to.
struct Addressee {
    channel: Channel,
    to: String,
    to_index: Vec<u8>,
    subject: SubjectId,
}

impl Finished {
    /// The account that had it.
    pub(super) fn provider(&self) -> ProviderId {
        self.provider
    }
}

impl Attempt {
    /// Calls the provider; the connection to it is dropped with the task if the call takes too long.
    pub async fn call(&self, ctx: &Ctx) -> Answer {
        if self.since.elapsed() + CALL_LIMIT >= LEASE {
            return Answer::Refused {
                refusal: Refusal::Transient,
                code: "lease_short".into(),
                text: "the attempt waited too long for its turn; nothing was sent".into(),
                retry_after: Some(Duration::ZERO),
            };
        }
        let (provider, began) = (self.adapter.kind(), Instant::now());
        let answer = self.ask(ctx).await;
        metrics::histogram!("switchboard_provider_call_seconds", "provider" => provider)
            .record(began.elapsed());
        metrics::counter!("switchboard_provider_answers_total", "provider" => provider, "answer" => answer.as_str())
            .increment(1);
        answer
    }

    async fn ask(&self, ctx: &Ctx) -> Answer {
        let (adapter, account) = (Arc::clone(&self.adapter), Arc::clone(&self.account));
        let (ctx, outgoing) = (ctx.clone(), self.outgoing.clone());
        let mut call = tokio::spawn(async move { adapter.send(&ctx, &account, &outgoing).await });
        match tokio::time::timeout(CALL_LIMIT, &mut call).await {
            Ok(Ok(answer)) => answer.unnamed(&self.outgoing.to),
            Ok(Err(_)) => Answer::Unknown { text: "the adapter failed in the middle of the call".into() },
            Err(_) => {
                call.abort();
                Answer::Unknown { text: "the provider did not answer in time".into() }
            }
        }
    }

    /// Where an answer to it comes in. `spent` says that its job has no attempt left.
    #[must_use]
    pub fn situation(&self, spent: bool) -> Situation {
        Situation {
            channel: self.channel,
            route: self.adapter.route(&self.account),
            on_unknown: self.on_unknown,
            last: spent || is_last(self.rounds),
            another: self.another.is_some(),
            in_doubt: self.in_doubt,
            attempt: self.fence,
        }
    }

    /// Which round of attempts it is of; 1 is the first. Where all accounts were asked in vain the next one begins, after
    /// a time that grows with them.
    #[must_use]
    pub fn round(&self) -> i16 {
        i16::try_from(self.rounds).unwrap_or(i16::MAX).saturating_add(1)
    }

    /// The end of it. A step of a workflow waits for its own job, so that one goes on where another account takes the
    /// message; else that is the work of another job, which counts against the limit of that account.
    #[must_use]
    pub fn finish(self, settlement: Settlement, ending: Option<Ending>, of_step: bool) -> Finished {
        let recipient = Addressee {
            channel: self.channel,
            to: self.outgoing.to,
            to_index: self.to_index,
            subject: self.outgoing.subject_id,
        };
        Finished {
            message: self.message,
            fence: self.fence,
            settlement,
            ending,
            provider: self.account.id,
            version: self.account.version,
            another: self.another.filter(|_| !of_step),
            recipient: Some(recipient),
        }
    }
}

/// Whether there is none after the round that comes after so many.
pub(super) fn is_last(rounds: i32) -> bool {
    rounds + 1 >= i32::from(SendMessage::MAX_ATTEMPTS)
}

fn request_place(tenant: TenantId, message: MessageId) -> Place {
    Place { tenant, table: "message_attempts", column: "request_sealed", row: message.0 }
}

/// Opens the frozen request of an attempt; none once the person was erased.
pub(super) fn frozen(
    keys: &SubjectKeys,
    tenant: TenantId,
    message: MessageId,
    sealed: &[u8],
) -> Result<Option<Outgoing>> {
    let Some(request) = keys.open(&request_place(tenant, message), sealed)? else { return Ok(None) };
    serde_json::from_str(&request).map(Some).map_err(Error::internal)
}
