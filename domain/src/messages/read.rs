//! Reading what became of messages; `told` is what providers said of one by themselves.

mod told;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

pub use self::told::CallbackView;
use super::{
    provider::Channel,
    recipient::{self, Recipient},
    rules::{FailureKind, Purpose, Status},
    send::place,
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId},
    vault::{Personal, Vault, personal::reveal},
};

/// A message as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MessageView {
    pub id: MessageId,
    pub status: Status,
    pub channel: Channel,
    pub purpose: Purpose,
    pub lead_id: Option<LeadId>,
    /// Whom it is handed to, or was last; none before the first attempt of one that any may carry.
    pub provider_id: Option<ProviderId>,
    pub template_id: TemplateId,
    pub job_id: Option<Uuid>,
    /// The request that it was accepted with, if that was for many.
    pub batch_id: Option<Uuid>,
    /// None once the person was erased, or if it cannot be opened.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Personal<String>>,
    /// How often it was tried.
    pub attempts: i64,
    /// Of what kind its failure is.
    pub failure: Option<FailureKind>,
    pub error_code: Option<String>,
    /// In the provider's words; it may name the recipient.
    pub error_text: Option<String>,
    pub provider_message_id: Option<String>,
    pub send_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// When the provider took it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// One attempt at a message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AttemptView {
    /// The fence of the attempt: 1 is the first.
    pub fence: i64,
    pub provider_id: ProviderId,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub text: Option<String>,
}

/// Where a message is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusView {
    pub id: MessageId,
    pub status: Status,
    pub failure: Option<FailureKind>,
    pub error_code: Option<String>,
    pub updated_at: DateTime<Utc>,
}

/// Which messages to list.
#[derive(Default, Clone)]
pub struct Filter {
    pub id: Option<MessageId>,
    pub status: Option<Status>,
    pub channel: Option<Channel>,
    pub purpose: Option<Purpose>,
    pub lead: Option<LeadId>,
    pub provider: Option<ProviderId>,
    pub template: Option<TemplateId>,
    pub batch: Option<Uuid>,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    /// An address of any channel.
    pub to: Option<String>,
    /// Accepted at or after this, and before that.
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If a permission is missing, what is looked for is no address, or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageView>> {
    ctx.require(Permission::MessagesRead)?;
    let mut tx = ctx.begin().await?;
    let to = match &filter.to {
        Some(text) => {
            // What is found tells whose address it is.
            ctx.require(Permission::PersonalRead)?;
            let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
            let of = |channel: &Channel| Recipient::parse(*channel, text).ok().map(|to| to.normal());
            let forms: HashSet<String> = Channel::ALL.iter().filter_map(of).collect();
            if forms.is_empty() {
                return Err(Error::invalid(
                    "?to",
                    "an e-mail address, a number with +, a channel or a device's token",
                ));
            }
            Some(forms.iter().map(|normal| recipient::index_of(&index, normal)).collect::<Vec<_>>())
        }
        None => None,
    };
    let rows =
        store::messages(tx.conn(), ctx.tenant, (filter, to.as_deref()), ctx.rows, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let plain = keys.shown(&place(ctx.tenant, "to_sealed", row.id), &row.to_sealed);
            let channel = row.channel()?;
            let to = ctx.seen(plain, recipient::mask_of(channel));
            let mut view = row.into_view(channel, to)?;
            view.error_text = ctx.seen_whole(view.error_text);
            // WhatsApp writes the number into it.
            view.provider_message_id = ctx.seen_whole(view.provider_message_id);
            Ok(view)
        })
        .collect()
}

/// A message, its attempts and what its providers told of it, the newest first.
///
/// # Errors
/// If there is no such message.
pub async fn get(ctx: &Ctx, id: MessageId) -> Result<(MessageView, Vec<AttemptView>, Vec<CallbackView>)> {
    let only = Filter { id: Some(id), ..Filter::default() };
    let message = list(ctx, &only, None, 1).await?.pop().ok_or(Error::NotFound("message"))?;
    let mut tx = ctx.begin().await?;
    let mut attempts = store::attempts(tx.conn(), ctx.tenant, id).await?;
    for attempt in &mut attempts {
        attempt.text = ctx.seen_whole(attempt.text.take());
    }
    let mut callbacks = store::told_of(tx.conn(), ctx.tenant, id).await?;
    told::weigh(id, &mut callbacks, message.provider_id);
    callbacks.reverse();
    Ok((message, attempts, callbacks))
}

/// Where some messages are, by their ids. Those that are not there, or that the caller does not see, are missing.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn statuses(ctx: &Ctx, ids: &[MessageId]) -> Result<Vec<StatusView>> {
    ctx.require(Permission::MessagesRead)?;
    let mut tx = ctx.begin().await?;
    store::status_of(tx.conn(), ctx.tenant, ids, ctx.rows).await
}
