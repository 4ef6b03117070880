//! What the sandbox provider delivered, for people to look at.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    callback::{Callback, Told},
    callbacks,
    provider::{Account, Channel, Outgoing},
    rules::{FailureKind, Status},
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    bounded::Bounded,
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

/// The job that tells of a delivery later, as a provider calls back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TellOfDelivery {
    pub provider: ProviderId,
    pub channel: Channel,
    pub message: MessageId,
    pub delivery: Uuid,
    pub status: Status,
}

impl JobKind for TellOfDelivery {
    const KIND: &'static str = "tell_of_delivery";
    const QUEUE: &'static str = "messages";
}

/// Tells of a delivery, the way that callbacks go.
///
/// # Errors
/// If the database refuses.
pub async fn tell(ctx: &Ctx, job: &TellOfDelivery) -> Result<()> {
    let told = Told {
        message: Some(job.message),
        provider_message_id: Some(job.delivery.to_string()),
        dedupe: format!("{} {}", job.delivery, job.status.as_str()),
        status: job.status,
        failure: job.status.is_lost().then_some(FailureKind::Permanent),
        code: job.status.is_lost().then(|| "sandbox".into()),
        suppress: None,
        happened_at: Some(ctx.now()),
    };
    let account =
        Account { id: job.provider, channel: job.channel, credentials: Vec::new().into(), version: 0 };
    callbacks::take(ctx, &account, "sandbox", Callback { told: vec![told], ..Callback::default() }).await
}

/// Takes a message, as a provider would, and has it told of if so wished.
///
/// # Errors
/// If the database refuses or the person was erased.
pub async fn deliver(
    ctx: &Ctx,
    account: &Account,
    outgoing: &Outgoing,
    echo: Option<(Status, Duration)>,
) -> Result<Uuid> {
    let id = ctx.id();
    let mut tx = ctx.begin().await?;
    let keys = Vault::subjects(&mut tx, &[outgoing.subject_id]).await?;
    let content = serde_json::to_string(outgoing).map_err(Error::internal)?;
    let sealed = keys.seal(&ctx.platform, outgoing.subject_id, &place(ctx.tenant, id), &content)?;
    store::insert_delivery(tx.conn(), ctx.tenant, id, account.id, outgoing, &sealed).await?;
    if let Some((status, after)) = echo {
        let told = TellOfDelivery {
            provider: account.id,
            channel: account.channel,
            message: outgoing.message,
            delivery: id,
            status,
        };
        let job = NewJob::of(ctx.tenant.0, ctx.id(), &told).map_err(Error::internal)?;
        tx.enqueue(&[job.about(format!("message:{}", outgoing.message)).delay(after)]).await?;
    }
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

/// Which deliveries to look at.
#[derive(Debug, Default, Clone, Copy)]
pub struct OutboxFilter {
    pub message: Option<MessageId>,
    pub channel: Option<Channel>,
    pub provider: Option<ProviderId>,
}

/// A delivery with what it came by.
#[derive(Debug)]
pub struct Delivered {
    pub delivery: Delivery,
    pub provider: ProviderId,
    /// None if the message is not there any more.
    pub channel: Option<Channel>,
}

/// Newest first, those with ids below `before`, and fewer than `limit` where they are large.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    message: Option<MessageId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Bounded<Delivery>> {
    let filter = OutboxFilter { message, ..OutboxFilter::default() };
    let Bounded { rows, cut } = look(ctx, filter, before, limit).await?;
    Ok(Bounded { rows: rows.into_iter().map(|one| one.delivery).collect(), cut })
}

/// The same with channel and account, and of one of these only if that is asked for.
///
/// # Errors
/// As [`list`].
pub async fn look(
    ctx: &Ctx,
    filter: OutboxFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Bounded<Delivered>> {
    ctx.require(Permission::DeliveriesRead)?;
    let mut tx = ctx.begin().await?;
    let Bounded { rows, cut } =
        store::deliveries(tx.conn(), ctx.tenant, filter, ctx.rows, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let shown = rows.into_iter().map(|row| {
        let content = ctx.seen_whole(keys.shown(&place(ctx.tenant, row.id), &row.content_sealed));
        let content = content.and_then(|text| serde_json::from_str(&text).ok());
        Delivered {
            delivery: Delivery {
                id: row.id,
                message_id: row.message_id,
                received_at: row.received_at,
                content,
            },
            provider: row.provider_id,
            channel: row.channel.as_deref().and_then(Channel::named),
        }
    });
    Ok(Bounded { rows: shown.collect(), cut })
}

fn place(tenant: TenantId, row: Uuid) -> Place {
    Place { tenant, table: "sandbox_outbox", column: "content_sealed", row }
}
