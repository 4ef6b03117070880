//! The command `send`, for one message or many.

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{accept::accept, accounts, rules::Purpose};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::{Error, Result},
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::{LeadId, Locale, MessageId, ProviderId, TemplateId, TenantId, Text},
    vault::Place,
};

/// Messages of one request.
pub const MOST_AT_ONCE: usize = 500;

/// The job that sends one message. It holds an id only: what is said is sealed in the message.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendMessage {
    pub message: MessageId,
    /// A step of a workflow waits for it, and fails with the message.
    #[serde(default)]
    pub of_step: bool,
    /// The account whose limit the job counts against. Where another is to carry the message, a job for that one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ProviderId>,
}

impl JobKind for SendMessage {
    const KIND: &'static str = "send_message";
    const QUEUE: &'static str = "messages";
    const MAX_ATTEMPTS: i16 = 10;
}

impl SendMessage {
    /// A job for it, under the limit of its account.
    ///
    /// # Errors
    /// If its payload cannot be written.
    pub(super) fn job(&self, ctx: &Ctx) -> Result<NewJob> {
        let job = NewJob::of(ctx.tenant.0, ctx.id(), self).map_err(Error::internal)?;
        let job = job.about(format!("message:{}", self.message));
        Ok(match self.by {
            Some(by) => job.limited_by(accounts::limit_key(by)),
            None => job,
        })
    }
}

/// What to send to whom.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The account that carries it, and no other. Where none is named, those of the template's channel are asked in the
    /// order of their priority, the next one where the one before has surely not taken it.
    pub provider_id: Option<ProviderId>,
    /// A version of a template. Either this or `template`.
    pub template_id: Option<TemplateId>,
    /// The name of a template: its newest version in the best locale there is.
    #[schema(value_type = Option<String>)]
    pub template: Option<Text<100>>,
    /// For `template`: the language that is wanted, as `de-AT`.
    #[schema(value_type = Option<String>)]
    pub locale: Option<Locale>,
    /// The recipient as the channel addresses people: an e-mail address, a number in the form of E.164, a Slack channel by
    /// its id (or by `#name`, but then it is not found again if Slack's answer is lost), a device's token. Not needed if
    /// the lead has one.
    pub to: Option<String>,
    /// The lead this is sent to, if it is one. Where it was merged into another, that one.
    pub lead_id: Option<LeadId>,
    /// What the template speaks of.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
    /// Marketing is sent with consent only, outside of quiet hours, and not too often.
    #[serde(default)]
    pub purpose: Purpose,
    /// Not before this instant, at most a year ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Option<Moment>,
    /// Not after this instant: what could not be sent by then is cancelled.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Moment>,
}

/// Messages that are accepted together, or none of them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessages {
    /// 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    pub messages: Vec<NewMessage>,
}

/// What became of a request for many.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Accepted {
    /// By it the messages are listed.
    pub batch_id: Uuid,
    /// In the order of the request.
    pub ids: Vec<MessageId>,
}

/// Accepts a message: its row, the audit row, the event and the job commit together.
///
/// # Errors
/// If provider, template or lead are not there, or do not fit each other.
pub async fn send(ctx: &Ctx, new: NewMessage) -> Result<Once<MessageId>> {
    ctx.require(Permission::MessagesSend)?;
    require_lead(ctx, &new, "")?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, job) = queue(ctx, &mut keyed.tx, &new, None).await?;
    keyed.tx.enqueue(&[job]).await?;
    keyed.commit(id, 202, location(id)).await
}

/// Accepts many messages in one transaction.
///
/// # Errors
/// As [`send`], with the place of each message that is wrong; then none is accepted.
pub async fn send_many(ctx: &Ctx, new: NewMessages) -> Result<Once<Accepted>> {
    ctx.require(Permission::MessagesSend)?;
    if !(1..=MOST_AT_ONCE).contains(&new.messages.len()) {
        return Err(Error::invalid(
            "/messages",
            format!("1 to {MOST_AT_ONCE} messages; send more at a time after it"),
        ));
    }
    for (place, message) in new.messages.iter().enumerate() {
        require_lead(ctx, message, &format!("/messages/{place}"))?;
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let batch = ctx.id();
    let asked: Vec<(String, &NewMessage)> =
        new.messages.iter().enumerate().map(|(place, new)| (format!("/messages/{place}"), new)).collect();
    let (ids, jobs): (Vec<_>, Vec<_>) =
        accept(ctx, &mut keyed.tx, &asked, Some(batch), None).await?.into_iter().unzip();
    keyed.tx.enqueue(&jobs).await?;
    let location = format!("/api/v1/communication/messages?batch_id={batch}");
    keyed.commit(Accepted { batch_id: batch, ids }, 202, location).await
}

fn require_lead(ctx: &Ctx, new: &NewMessage, at: &str) -> Result<()> {
    if new.lead_id.is_none() && ctx.rows != Rows::All {
        let detail = "you see only some of the leads; name the one that this is sent to";
        return Err(Error::beyond(format!("{at}/lead_id"), detail));
    }
    Ok(())
}

/// Writes a message down with its audit row and event, in a transaction of the caller's, as a step of `run` if it is one.
/// Answers the job that sends it, which is the caller's to put in.
///
/// # Errors
/// As [`send`].
pub(super) async fn queue(
    ctx: &Ctx,
    tx: &mut TenantTx,
    new: &NewMessage,
    run: Option<Uuid>,
) -> Result<(MessageId, NewJob)> {
    let accepted = accept(ctx, tx, &[(String::new(), new)], None, run).await?;
    accepted.into_iter().next().ok_or_else(|| Error::internal("a message that was accepted is not there"))
}

/// Where a message is read.
#[must_use]
pub fn location(id: MessageId) -> String {
    format!("/api/v1/communication/messages/{id}")
}

pub(crate) fn place(tenant: TenantId, column: &'static str, message: MessageId) -> Place {
    Place { tenant, table: "messages", column, row: message.0 }
}
