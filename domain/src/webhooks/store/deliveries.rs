//! The delivery log, as it is looked at, and what is put into it by hand.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{TenantId, WebhookDeliveryId, WebhookId},
    webhooks::view::{DeliveryState, WebhookDeliveryView},
};

struct DeliveryRow {
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    sequence: Option<i64>,
    kind: String,
    state: String,
    attempts: i32,
    status_code: Option<i16>,
    error_code: Option<String>,
    error_text: Option<String>,
    next_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    fn view(self) -> Result<WebhookDeliveryView> {
        Ok(WebhookDeliveryView {
            id: self.id,
            webhook_id: self.webhook_id,
            sequence: self.sequence,
            kind: self.kind,
            state: DeliveryState::stored(&self.state)?,
            attempts: self.attempts,
            status_code: self.status_code,
            error_code: self.error_code,
            error_text: self.error_text,
            next_attempt_at: self.next_at,
            created_at: self.created_at,
            ended_at: self.ended_at,
        })
    }
}

/// Which deliveries are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::webhooks) struct Asked {
    pub id: Option<WebhookDeliveryId>,
    pub webhook: Option<WebhookId>,
    pub state: Option<DeliveryState>,
}

/// The newest first, those with ids below `before`.
pub(in crate::webhooks) async fn deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: Asked,
    before: Option<WebhookDeliveryId>,
    limit: i64,
) -> Result<Vec<WebhookDeliveryView>> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        r#"select id as "id: WebhookDeliveryId", endpoint_id as "webhook_id: WebhookId", sequence, type as kind, state,
                  attempts, status_code, error_code, error_text, next_at, created_at, ended_at
             from webhook_deliveries
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or endpoint_id = $3)
              and ($4::text is null or state = $4) and ($5::uuid is null or id < $5)
            order by id desc limit $6"#,
        tenant.0,
        asked.id.map(|id| id.0),
        asked.webhook.map(|id| id.0),
        asked.state.map(DeliveryState::as_str),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(DeliveryRow::view).collect()
}

/// Writes a delivery down that stands in no log.
pub(in crate::webhooks) async fn insert_unlogged(
    conn: &mut PgConnection,
    tenant: TenantId,
    (delivery, job): (WebhookDeliveryId, Uuid),
    webhook: WebhookId,
    kind: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into webhook_deliveries (tenant_id, id, endpoint_id, type, job_id) values ($1, $2, $3, $4, $5)",
        tenant.0,
        delivery.0,
        webhook.0,
        kind,
        job
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that somebody wants to be sent again, locked, with what its endpoint says.
pub(in crate::webhooks) struct ToReplay {
    pub webhook: WebhookId,
    pub sequence: Option<i64>,
    pub kind: String,
    /// The endpoint is told nothing at present.
    pub shut: bool,
    /// It does not ask for such events.
    pub unwanted: bool,
}

pub(in crate::webhooks) async fn lock_to_replay(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookDeliveryId,
) -> Result<Option<ToReplay>> {
    let row = sqlx::query_as!(
        ToReplay,
        r#"select d.endpoint_id as "webhook!: WebhookId", d.sequence as "sequence?", d.type as "kind!",
                  (e.disabled_at is not null or e.retired_at is not null) as "shut!",
                  (d.sequence is not null and d.type <> all (e.types)) as "unwanted!"
             from webhook_deliveries d
             join webhook_endpoints e on e.tenant_id = d.tenant_id and e.id = d.endpoint_id
            where d.tenant_id = $1 and d.id = $2
              for no key update of d"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Puts a delivery back, to be made by another job.
pub(in crate::webhooks) async fn replay(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookDeliveryId,
    job: Uuid,
) -> Result<()> {
    sqlx::query!(
        "update webhook_deliveries set state = 'pending', tries = 0, job_id = $3, next_at = null, ended_at = null,
                kept_from = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        job
    )
    .execute(conn)
    .await?;
    Ok(())
}
