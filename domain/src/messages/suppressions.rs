//! Addresses that are not written to: by a person's wish, by what a provider told, or by hand.
//!
//! What counts is a blind index of the address, so a suppression holds also after the person was erased; the address
//! itself is sealed under the person's key and gone then. What somebody has asked for by a stop or an unsubscription
//! they can take back; where another reason comes to it, that one stands, and does not go with theirs.
//! `record` writes them down; `erased` is about people who asked to be forgotten; `unsubscribe` is what a click in a message does.

mod erased;
mod record;
mod unsubscribe;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(crate) use self::erased::{erased_agrees, of_erased};
use self::record::{insert, tell_gone};
pub(crate) use self::unsubscribe::{is_message, is_token_of, read_unsubscribe_token};
pub use self::{
    record::{Fresh, lift, put},
    unsubscribe::{unsubscribe, unsubscribe_token},
};
use super::{
    provider::{Channel, Scope},
    recipient::{self, Recipient},
    store::{self, SuppressionRow},
};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{MessageId, SubjectId, SuppressionId, TenantId},
    vault::{Personal, Place, Vault, personal::reveal},
};

/// Why an address is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SuppressionReason)]
pub enum Reason {
    /// The person wrote so.
    Stop,
    /// What was sent there came back for good.
    Bounce,
    /// The person called it spam.
    Complaint,
    /// The person unsubscribed by the link in a message.
    Unsubscribe,
    /// The provider refuses to write there.
    Provider,
    /// Somebody of the tenant said so.
    Manual,
    /// The person was erased. It goes when they agree to something anew.
    Erased,
}

impl Reason {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::Provider => "provider",
            Self::Manual => "manual",
            Self::Erased => "erased",
        }
    }
}

/// An address to be suppressed by hand.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuppression {
    pub channel: Channel,
    /// As the channel addresses people.
    pub to: String,
    /// All messages of the channel, or marketing only.
    pub scope: Scope,
}

/// An address that is not written to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SuppressionView {
    pub id: SuppressionId,
    pub channel: String,
    /// None once the person was erased: it holds all the same.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub to: Option<Personal<String>>,
    pub scope: String,
    pub reason: String,
    /// The message that it came of.
    pub message_id: Option<MessageId>,
    pub created_at: DateTime<Utc>,
}

/// Which suppressions to list.
#[derive(Default)]
pub struct SuppressionFilter {
    pub channel: Option<Channel>,
    pub reason: Option<Reason>,
    /// An address of the channel.
    pub to: Option<String>,
}

/// Suppresses an address by hand.
///
/// # Errors
/// If the permission is missing or it is no address of the channel.
pub async fn create(ctx: &Ctx, new: NewSuppression) -> Result<Once<SuppressionView>> {
    ctx.require(Permission::SuppressionsWrite)?;
    ctx.require_all_rows()?;
    let to = Recipient::parse(new.channel, &new.to).map_err(|why| Error::invalid("/to", why.0))?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let to_index = to.index(&keys);
    let id = SuppressionId(ctx.id());
    let subject = SubjectId(id.0);
    let asked = store::AskedSuppressions::of(new.channel, &to_index, new.scope);
    if store::suppressions(tx.conn(), ctx.tenant, &asked, Rows::All, None, 1).await?.is_empty() {
        // Nothing else of them may be here, whoever it is: a key of its own.
        Vault::make_subjects(tx, &[subject]).await?;
    }
    let fresh = Fresh {
        channel: new.channel,
        scope: new.scope,
        reason: Reason::Manual,
        message: None,
        subject,
        to: to.as_str().to_owned(),
        to_index,
    };
    insert(ctx, tx, vec![(id, &fresh)]).await?;
    let there = store::suppressions(tx.conn(), ctx.tenant, &asked, Rows::All, None, 1).await?;
    let view = views(ctx, tx, there).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a suppression just saved is not there"))?;
    let location = format!("/api/v1/communication/suppressions/{}", view.id);
    keyed.commit(view, 201, location).await
}

/// Newest first, those with ids below `before`. Whoever sees only some leads sees those of these leads.
///
/// # Errors
/// If a permission is missing, or the address is none.
pub async fn list(
    ctx: &Ctx,
    filter: &SuppressionFilter,
    before: Option<SuppressionId>,
    limit: i64,
) -> Result<Vec<SuppressionView>> {
    ctx.require(Permission::SuppressionsRead)?;
    let mut tx = ctx.begin().await?;
    let to_index = match (&filter.to, filter.channel) {
        (Some(to), Some(channel)) => Some(super::consents::look_for(ctx, &mut tx, channel, to).await?),
        (Some(_), None) => return Err(Error::invalid("?channel", "say of which channel the address is")),
        (None, _) => None,
    };
    let asked = store::AskedSuppressions {
        channel: filter.channel,
        reason: filter.reason,
        to_index,
        ..store::AskedSuppressions::default()
    };
    let rows = store::suppressions(tx.conn(), ctx.tenant, &asked, ctx.rows, before, limit).await?;
    views(ctx, &mut tx, rows).await
}

/// # Errors
/// If there is no such suppression.
pub async fn get(ctx: &Ctx, id: SuppressionId) -> Result<SuppressionView> {
    ctx.require(Permission::SuppressionsRead)?;
    let mut tx = ctx.begin().await?;
    let asked = store::AskedSuppressions { id: Some(id), ..store::AskedSuppressions::default() };
    let rows = store::suppressions(tx.conn(), ctx.tenant, &asked, ctx.rows, None, 1).await?;
    views(ctx, &mut tx, rows).await?.pop().ok_or(Error::NotFound("suppression"))
}

/// Lets an address be written to again, whatever it was suppressed for, unless the person was erased.
///
/// # Errors
/// If there is no such suppression, or a conflict if the person was erased.
pub async fn delete(ctx: &Ctx, id: SuppressionId) -> Result<()> {
    ctx.require(Permission::SuppressionsWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    if store::is_of_erased(tx.conn(), ctx.tenant, id).await? {
        let detail = "the person was erased; record that they agree to something anew, and it goes by itself";
        return Err(Error::conflict("person-erased", detail));
    }
    let gone =
        store::delete_suppression(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("suppression"))?;
    tell_gone(&mut tx, &[gone]).await?;
    tx.commit().await
}

async fn views(ctx: &Ctx, tx: &mut TenantTx, rows: Vec<SuppressionRow>) -> Result<Vec<SuppressionView>> {
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let sealed = Some(&row.to_sealed).filter(|sealed| !sealed.is_empty());
            let plain = sealed.and_then(|sealed| keys.shown(&place(ctx.tenant, row.id), sealed));
            let channel = store::stored_channel(&row.channel)?;
            Ok(SuppressionView {
                id: row.id,
                channel: row.channel,
                to: ctx.seen(plain, recipient::mask_of(channel)),
                scope: row.scope,
                reason: row.reason,
                message_id: row.message_id,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Where a suppressed address is sealed.
fn place(tenant: TenantId, id: SuppressionId) -> Place {
    Place { tenant, table: "suppressions", column: "to_sealed", row: id.0 }
}
