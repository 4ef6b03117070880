//! What the sandbox provider delivered, for people to look at.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{provider::Outgoing, store};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    types::{MessageId, ProviderId, SubjectId, TenantId},
    vault::{Place, Vault},
};

/// One delivery. Parts are absent once the person was erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    pub id: Uuid,
    pub message_id: MessageId,
    pub received_at: DateTime<Utc>,
    #[schema(value_type = Option<Object>)]
    pub content: Option<serde_json::Value>,
}

/// Takes a message, as a provider would.
///
/// # Errors
/// If the database refuses or the person was erased.
pub async fn deliver(ctx: &Ctx, provider: ProviderId, outgoing: &Outgoing) -> Result<Uuid> {
    let id = ctx.id();
    let mut tx = ctx.begin().await?;
    let keys = Vault::subjects(&mut tx, &[outgoing.subject_id]).await?;
    let content = serde_json::to_string(outgoing).map_err(Error::internal)?;
    let sealed = keys.seal(&ctx.platform, outgoing.subject_id, &place(ctx.tenant, id), &content)?;
    store::insert_delivery(tx.conn(), ctx.tenant, id, provider, outgoing, &sealed).await?;
    tx.commit().await?;
    Ok(id)
}

/// The delivery of a message, if there is one.
///
/// # Errors
/// If the database does not answer.
pub async fn find(ctx: &Ctx, message: MessageId) -> Result<Option<Uuid>> {
    let mut tx = ctx.begin().await?;
    store::delivery_of(tx.conn(), ctx.tenant, message).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    message: Option<MessageId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    ctx.require(Permission::DeliveriesRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::deliveries(tx.conn(), ctx.tenant, message, ctx.rows, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let content = ctx.seen_whole(keys.open(&place(ctx.tenant, row.id), &row.content_sealed)?);
            let content = content.and_then(|text| serde_json::from_str(&text).ok());
            Ok(Delivery { id: row.id, message_id: row.message_id, received_at: row.received_at, content })
        })
        .collect()
}

fn place(tenant: TenantId, row: Uuid) -> Place {
    Place { tenant, table: "sandbox_outbox", column: "content_sealed", row }
}
