//! What becomes of messages of unknown fate: the provider is asked, or a person says (`resolve`).

mod resolve;

use std::{sync::Arc, time::Duration};

use engine::JobKind;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use resolve::{Resolution, resolve};

use super::{
    accounts::credentials_place,
    attempt::{self, frozen},
    callbacks,
    provider::{Account, Asked, CALL_LIMIT, Found, Provider, Route},
    rules::{self, FailureKind, Status},
    store::{self, Concluded},
};
use crate::{
    Ctx,
    error::Result,
    events::{Event, EventType},
    leads::activities,
    tenancy::TenantTx,
    types::{MessageId, ProviderId, SubjectId},
    vault::Vault,
};

/// The job that asks a provider what became of a message.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReconcileMessage {
    pub message: MessageId,
    /// The attempt in question.
    pub fence: i64,
}

impl JobKind for ReconcileMessage {
    const KIND: &'static str = "reconcile_message";
    const QUEUE: &'static str = "messages";
    const MAX_ATTEMPTS: i16 = 10;
}

/// How long after an attempt its provider is first asked.
pub const FIRST_LOOK: Duration = Duration::from_secs(30);
/// A provider that does not know a message so long after its attempt was over will not come to know it.
const SURE_AFTER: Duration = Duration::from_mins(1);

/// Messages that may be taken for one another which are looked at.
const MOST_DOUBLES: i64 = 20;

/// When a provider that could not tell is asked again, by how long ago the attempt was over: more and more seldom, and no
/// more after a day.
#[must_use]
pub fn next_look(age: Duration) -> Option<Duration> {
    let steps = [
        (Duration::from_mins(2), Duration::from_secs(30)),
        (Duration::from_mins(10), Duration::from_mins(2)),
        (Duration::from_hours(1), Duration::from_mins(10)),
        (Duration::from_hours(6), Duration::from_hours(1)),
        (Duration::from_hours(24), Duration::from_hours(6)),
    ];
    steps.into_iter().find(|(until, _)| age < *until).map(|(_, wait)| wait)
}

/// A message that a provider is to be asked about.
pub struct Inquiry {
    message: MessageId,
    fence: i64,
    provider: ProviderId,
    /// How long ago the attempt was over, when it began to ask.
    age: Duration,
    rounds: i32,
    account: Account,
    adapter: Arc<dyn Provider>,
    asked: Asked,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Nothing more.
    Over(Option<Status>),
    LookAgain(Duration),
}

/// Prepares to ask; none if there is nothing to ask any more, or nobody who could tell.
///
/// # Errors
/// If the database does not answer.
pub async fn prepare(ctx: &Ctx, job: &ReconcileMessage) -> Result<Option<Inquiry>> {
    let mut tx = ctx.begin().await?;
    let Some(row) = store::unknown(tx.conn(), ctx.tenant, job.message, job.fence).await? else {
        return Ok(None);
    };
    if row.is_changed {
        // They may be for another account, of which nothing follows: a person has to ask where the attempt was made.
        return Ok(None);
    }
    let keys = Vault::subjects(&mut tx, &[row.subject_id]).await?;
    let Some(outgoing) = frozen(&keys, ctx.tenant, job.message, &row.request_sealed)? else {
        return Ok(None);
    };
    let sealed = [row.credentials_sealed.as_slice()];
    let tenant_keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, sealed).await?;
    let Some(adapter) = ctx.platform.providers.get(&row.kind) else { return Ok(None) };
    let credentials =
        tenant_keys.open(&credentials_place(ctx.tenant, row.provider), &row.credentials_sealed)?;
    let account = Account { id: row.provider, channel: row.channel, credentials, version: row.version };
    if adapter.route(&account) != Route::Asked {
        return Ok(None);
    }
    Ok(Some(Inquiry {
        message: job.message,
        fence: job.fence,
        provider: row.provider,
        age: row.age,
        rounds: row.rounds,
        account,
        adapter,
        asked: Asked { outgoing, since: row.started_at },
    }))
}

impl Inquiry {
    /// Asks, with no transaction open.
    pub async fn ask(&self, ctx: &Ctx) -> Found {
        let looked = self.adapter.look_up(ctx, &self.account, &self.asked);
        match tokio::time::timeout(CALL_LIMIT, looked).await {
            Ok(found) => found,
            Err(_) => Found::Unclear { text: "the provider did not answer in time".into() },
        }
    }

    fn later(&self) -> Conclusion {
        next_look(self.age).map_or(Conclusion::Over(None), Conclusion::LookAgain)
    }

    /// Writes down what was found, if the message is still of unknown fate.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn conclude(&self, ctx: &Ctx, found: Found) -> Result<Conclusion> {
        match found {
            Found::Unclear { .. } => Ok(self.later()),
            Found::NotThere if self.age < SURE_AFTER => {
                Ok(Conclusion::LookAgain(SURE_AFTER.saturating_sub(self.age)))
            }
            Found::NotThere => self.unsent(ctx).await,
            Found::There { provider_message_id, status, failure, code } => {
                let status = rules::told(Status::Unknown, status).unwrap_or(Status::Sent);
                let lost = status.is_lost();
                let concluded = Concluded {
                    status,
                    provider_message_id,
                    failure: lost.then(|| failure.unwrap_or(FailureKind::Permanent)),
                    code: code.filter(|_| lost),
                    rounds: self.rounds,
                };
                self.there(ctx, &concluded).await
            }
        }
    }

    /// The provider has it.
    async fn there(&self, ctx: &Ctx, concluded: &Concluded) -> Result<Conclusion> {
        let (message, fence) = (self.message, self.fence);
        let mut tx = ctx.begin().await?;
        if !store::conclude(tx.conn(), ctx.tenant, message, fence, concluded).await? {
            return Ok(Conclusion::Over(None));
        }
        let kind = match concluded.status {
            Status::Delivered => EventType::MessageDelivered,
            Status::Read => EventType::MessageRead,
            Status::Bounced => EventType::MessageBounced,
            Status::Failed => EventType::MessageFailed,
            _ => EventType::MessageSent,
        };
        let body = json!({ "attempt": fence, "code": concluded.code });
        tx.emit(&[Event::new(kind, "message", message).with(body)]).await?;
        if concluded.status != Status::Failed {
            activities::messages_sent(&mut tx, &[message]).await?;
        }
        if self.may_be_another(ctx, &mut tx, concluded).await? {
            // Of this one nothing is known yet; nothing of the transaction happens.
            return Ok(self.later());
        }
        if let Some(name) = &concluded.provider_message_id {
            callbacks::meet(&mut tx, &[(message, self.provider, name.clone())]).await?;
        }
        tx.commit().await?;
        Ok(Conclusion::Over(Some(concluded.status)))
    }

    /// Whether what was found is, or may be, another message of ours that says the same to the same person. The name is
    /// written by then and held from here on, so of two who claim it the second sees that the first has it.
    async fn may_be_another(&self, ctx: &Ctx, tx: &mut TenantTx, concluded: &Concluded) -> Result<bool> {
        let (tenant, message, provider) = (ctx.tenant, self.message, self.provider);
        if let Some(name) = &concluded.provider_message_id {
            store::hold_names(tx.conn(), tenant, &[(provider, name.clone())]).await?;
            if store::is_anothers(tx.conn(), tenant, message, provider, name).await? {
                return Ok(true);
            }
        }
        if !self.adapter.finds_by_likeness() {
            return Ok(false);
        }
        let doubles =
            store::doubles(tx.conn(), tenant, (message, provider), self.asked.since, MOST_DOUBLES).await?;
        let are_all = i64::try_from(doubles.len()).is_ok_and(|count| count < MOST_DOUBLES);
        let subjects: Vec<SubjectId> = doubles.iter().map(|double| double.subject_id).collect();
        let keys = Vault::subjects(tx, &subjects).await?;
        // What cannot be read may say the same.
        let says_other = |double: &store::Double| {
            let said = frozen(&keys, tenant, double.id, &double.request_sealed);
            said.is_ok_and(|said| said.is_some_and(|said| said.text != self.asked.outgoing.text))
        };
        Ok(!are_all || !doubles.iter().all(says_other))
    }

    /// It was surely not sent: it is sent now, unless it was tried as often as it may be. Whether it is still worth sending
    /// is asked when its attempt is claimed.
    async fn unsent(&self, ctx: &Ctx) -> Result<Conclusion> {
        let (message, fence) = (self.message, self.fence);
        let is_last = attempt::is_last(self.rounds);
        let (status, kind) = if is_last {
            (Status::Failed, EventType::MessageFailed)
        } else {
            (Status::Queued, EventType::MessageRetrying)
        };
        let concluded = Concluded {
            status,
            provider_message_id: None,
            failure: is_last.then_some(FailureKind::Transient),
            code: Some("not_there".into()),
            rounds: self.rounds.saturating_add(1),
        };
        let mut tx = ctx.begin().await?;
        if !store::conclude(tx.conn(), ctx.tenant, message, fence, &concluded).await? {
            return Ok(Conclusion::Over(None));
        }
        let body = json!({ "attempt": fence, "code": "not_there" });
        tx.emit(&[Event::new(kind, "message", message).with(body)]).await?;
        if !is_last {
            attempt::hand_on(&mut tx, vec![(message, attempt::again(ctx, message, self.provider)?)]).await?;
        }
        tx.commit().await?;
        Ok(Conclusion::Over(Some(status)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_more_and_more_seldom_and_no_more_after_a_day() {
        for (age, wait) in
            [(0, Some(30)), (119, Some(30)), (120, Some(120)), (3_599, Some(600)), (7_200, Some(3_600))]
        {
            assert_eq!(next_look(Duration::from_secs(age)).map(|wait| wait.as_secs()), wait, "{age}");
        }
        assert_eq!(next_look(Duration::from_hours(24)), None);
        // From the first look on, until there is none.
        let (mut age, mut looks) = (FIRST_LOOK, 1);
        while let Some(wait) = next_look(age) {
            (age, looks) = (age + wait, looks + 1);
        }
        assert!((10..30).contains(&looks), "{looks}");
    }
}
