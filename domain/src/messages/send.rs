//! The command `send`, and reading what became of messages.

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{rules::Status, store};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{self, merged},
    tenancy::{Begun, Once, TenantTx},
    types::{EmailAddress, LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::{Personal, Place, Vault, mask, personal::reveal},
};

const NO_LEAD: &str = "there is no such lead";

/// The job that sends one message. It holds an id only: what is said is sealed in the message.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendMessage {
    pub message: MessageId,
    /// A step of a workflow waits for it, and fails with the message.
    #[serde(default)]
    pub of_step: bool,
}

impl JobKind for SendMessage {
    const KIND: &'static str = "send_message";
    const QUEUE: &'static str = "messages";
    const MAX_ATTEMPTS: i16 = 10;
}

/// What to send to whom.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    pub provider_id: ProviderId,
    pub template_id: TemplateId,
    /// The e-mail address of the recipient; not needed if the lead has one.
    #[schema(value_type = Option<String>)]
    pub to: Option<EmailAddress>,
    /// The lead this is sent to, if it is one. Where it was merged into another, that one.
    pub lead_id: Option<LeadId>,
    /// What the template speaks of.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: serde_json::Map<String, Value>,
}

/// A message as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MessageView {
    pub id: MessageId,
    pub status: Status,
    pub channel: String,
    pub lead_id: Option<LeadId>,
    pub provider_id: ProviderId,
    pub template_id: TemplateId,
    pub job_id: Option<Uuid>,
    /// None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Personal<String>>,
    /// How often it was tried.
    pub attempts: i64,
    pub error_code: Option<String>,
    /// In the provider's words; it may name the recipient.
    pub error_text: Option<String>,
    pub provider_message_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
}

/// One attempt at a message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AttemptView {
    /// The fence of the attempt: 1 is the first.
    pub fence: i64,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub text: Option<String>,
}

/// Which messages to list.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    pub status: Option<Status>,
    pub lead: Option<LeadId>,
    pub id: Option<MessageId>,
}

/// Accepts a message: its row, the audit row, the event and the job commit together.
///
/// # Errors
/// If provider, template or lead are not there, or do not fit each other.
pub async fn send(ctx: &Ctx, new: NewMessage) -> Result<Once<MessageId>> {
    ctx.require(Permission::MessagesSend)?;
    if new.lead_id.is_none() && ctx.rows != Rows::All {
        let detail = "you see only some of the leads; name the one that this is sent to";
        return Err(Error::beyond("/lead_id", detail));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, job) = queue(ctx, &mut keyed.tx, &new, false).await?;
    keyed.tx.enqueue(&[job]).await?;
    keyed.commit(id, 202, location(id)).await
}

/// Writes a message down with its audit row and event, in a transaction of the caller's. Answers the job that sends
/// it, which is the caller's to put in.
///
/// # Errors
/// As [`send`].
pub(super) async fn queue(
    ctx: &Ctx,
    tx: &mut TenantTx,
    new: &NewMessage,
    of_step: bool,
) -> Result<(MessageId, NewJob)> {
    let channel = check(ctx, tx, new.provider_id, ("/template_id", new.template_id), None, "").await?;
    let lead = match new.lead_id {
        Some(lead) => Some(merged::hold(tx, lead, ctx.rows).await?.ok_or_else(no_lead)?),
        None => None,
    };
    let to = recipient(tx, new.to.as_ref(), lead).await?;
    let id = MessageId(ctx.id());
    let subject = SubjectId(lead.map_or(id.0, |lead| lead.0));
    let keys = Vault::make_subjects(tx, &[subject]).await?;
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &SendMessage { message: id, of_step })
        .map_err(Error::internal)?
        .about(format!("message:{id}"));
    let row = store::NewRow {
        id,
        subject,
        lead,
        channel: &channel,
        job: job.id,
        to_sealed: keys.seal(&ctx.platform, subject, &place(ctx.tenant, "to_sealed", id), to.as_str())?,
        to_index: ctx
            .platform
            .vault
            .tenant_keys(tx.conn(), ctx.tenant)
            .await?
            .index("messages.to", &to.normal()),
        vars_sealed: keys.seal(
            &ctx.platform,
            subject,
            &place(ctx.tenant, "vars_sealed", id),
            &Value::Object(new.variables.clone()).to_string(),
        )?,
    };
    store::insert(tx.conn(), ctx.tenant, new, &row).await?;
    tx.audit(&[Entry::new("create", "message", id)]).await?;
    tx.emit(&[Event::new(EventType::MessageQueued, "message", id).with(json!({"lead_id": lead}))]).await?;
    Ok((id, job))
}

/// Names what is missing or does not fit before anything is promised. Answers the channel. The fields stand below
/// `at`; the template's has a name of its own.
pub(crate) async fn check(
    ctx: &Ctx,
    tx: &mut TenantTx,
    provider: ProviderId,
    (field, template): (&str, TemplateId),
    lead: Option<LeadId>,
    at: &str,
) -> Result<String> {
    let tenant = tx.tenant;
    let facts = store::facts(tx.conn(), tenant, provider, template, lead, ctx.rows).await?;
    let wrong = |field: &str, why: String| Err(Error::invalid(format!("{at}{field}"), why));
    match (facts.provider_channel, facts.template_channel) {
        (None, _) => wrong("/provider_id", "there is no such provider".into()),
        (_, None) => wrong(field, "there is no such template".into()),
        (Some(provider), Some(template)) if provider != template => {
            wrong(field, format!("the provider sends {provider}, not {template}"))
        }
        _ if lead.is_some() && !facts.lead_exists => wrong("/lead_id", NO_LEAD.into()),
        (Some(channel), _) => Ok(channel),
    }
}

fn no_lead() -> Error {
    Error::invalid("/lead_id", NO_LEAD)
}

/// The address that was given, or the lead's own.
async fn recipient(
    tx: &mut TenantTx,
    given: Option<&EmailAddress>,
    lead: Option<LeadId>,
) -> Result<EmailAddress> {
    if let Some(to) = given {
        return Ok(to.clone());
    }
    let Some(lead) = lead else {
        return Err(Error::invalid(
            "/to",
            "write the recipient's e-mail address, or name a lead that has one",
        ));
    };
    address(tx, lead)
        .await?
        .ok_or_else(|| Error::invalid("/to", "the lead has no e-mail address; write one here"))
}

/// A lead's own address, if it has one.
pub(super) async fn address(tx: &mut TenantTx, lead: LeadId) -> Result<Option<EmailAddress>> {
    let tenant = tx.tenant;
    let sealed = leads::store::email(tx.conn(), tenant, lead).await?.flatten();
    let keys = Vault::subjects(tx, &[leads::lead::subject(lead)]).await?;
    let open = |sealed: Vec<u8>| keys.open(&leads::lead::place(tenant, "email_sealed", lead), &sealed);
    let address = sealed.map(open).transpose()?.flatten();
    address.map(|address| address.parse::<EmailAddress>().map_err(Error::internal)).transpose()
}

/// Where a message is read.
#[must_use]
pub fn location(id: MessageId) -> String {
    format!("/api/v1/communication/messages/{id}")
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageView>> {
    ctx.require(Permission::MessagesRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::messages(tx.conn(), ctx.tenant, filter, ctx.rows, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let to = keys.open(&place(ctx.tenant, "to_sealed", row.id), &row.to_sealed)?;
            let mut view = row.into_view(ctx.seen(to, mask::email))?;
            view.error_text = ctx.seen_whole(view.error_text);
            Ok(view)
        })
        .collect()
}

/// A message and its attempts, the newest first.
///
/// # Errors
/// If there is no such message.
pub async fn get(ctx: &Ctx, id: MessageId) -> Result<(MessageView, Vec<AttemptView>)> {
    let only = Filter { id: Some(id), ..Filter::default() };
    let message = list(ctx, &only, None, 1).await?.pop().ok_or(Error::NotFound("message"))?;
    let mut tx = ctx.begin().await?;
    let mut attempts = store::attempts(tx.conn(), ctx.tenant, id).await?;
    for attempt in &mut attempts {
        attempt.text = ctx.seen_whole(attempt.text.take());
    }
    Ok((message, attempts))
}

pub(super) fn place(tenant: TenantId, column: &'static str, message: MessageId) -> Place {
    Place { tenant, table: "messages", column, row: message.0 }
}
