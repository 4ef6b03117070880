//! Attempts at deliveries: what one needs to know, and what it comes to.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{TenantId, WebhookDeliveryId, WebhookId},
    webhooks::view::{DeliveryState, WebhookAttemptView},
};

/// The attempts at a delivery, the newest first.
pub(in crate::webhooks) async fn attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    delivery: WebhookDeliveryId,
    limit: i64,
) -> Result<Vec<WebhookAttemptView>> {
    let rows = sqlx::query_as!(
        WebhookAttemptView,
        "select number, at, took_ms, status_code, error_code, error_text from webhook_attempts
          where tenant_id = $1 and delivery_id = $2 order by number desc limit $3",
        tenant.0,
        delivery.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A delivery that waits, with what its endpoint says.
pub(in crate::webhooks) struct ToDeliver {
    pub webhook: WebhookId,
    pub sequence: Option<i64>,
    pub kind: String,
    pub created_at: DateTime<Utc>,
    /// The endpoint is told nothing at present.
    pub shut: bool,
    /// The endpoint does not ask for such events any more.
    pub unwanted: bool,
    pub url_sealed: Vec<u8>,
    pub secret_sealed: Vec<u8>,
    pub former_secret_sealed: Option<Vec<u8>>,
    pub former_until: Option<DateTime<Utc>>,
}

/// A delivery that waits for this job and no other.
pub(in crate::webhooks) async fn to_deliver(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookDeliveryId,
    job: Uuid,
) -> Result<Option<ToDeliver>> {
    let row = sqlx::query_as!(
        ToDeliver,
        r#"select d.endpoint_id as "webhook!: WebhookId", d.sequence as "sequence?", d.type as "kind!",
                  d.created_at as "created_at!",
                  (e.disabled_at is not null or e.retired_at is not null) as "shut!",
                  (d.sequence is not null and d.type <> all (e.types)) as "unwanted!",
                  e.url_sealed as "url_sealed!", e.secret_sealed as "secret_sealed!",
                  e.former_secret_sealed as "former_secret_sealed?", e.former_until as "former_until?"
             from webhook_deliveries d
             join webhook_endpoints e on e.tenant_id = d.tenant_id and e.id = d.endpoint_id
            where d.tenant_id = $1 and d.id = $2 and d.job_id = $3 and d.state = 'pending'"#,
        tenant.0,
        id.0,
        job
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Ends a delivery that waits for this job, without an attempt.
pub(in crate::webhooks) async fn end_untried(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, job): (WebhookDeliveryId, Uuid),
    state: DeliveryState,
    (code, text): (&str, &str),
) -> Result<()> {
    sqlx::query!(
        "update webhook_deliveries set state = $4, status_code = null, error_code = $5, error_text = $6, next_at = null,
                ended_at = engine.now()
          where tenant_id = $1 and id = $2 and job_id = $3 and state = 'pending'",
        tenant.0,
        id.0,
        job,
        state.as_str(),
        code,
        text
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that was tried, locked.
pub(in crate::webhooks) struct Tried {
    pub webhook: WebhookId,
    pub kind: String,
    pub attempts: i32,
    pub tries: i16,
}

pub(in crate::webhooks) async fn lock_tried(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookDeliveryId,
    job: Uuid,
) -> Result<Option<Tried>> {
    let row = sqlx::query_as!(
        Tried,
        r#"select endpoint_id as "webhook: WebhookId", type as kind, attempts, tries from webhook_deliveries
            where tenant_id = $1 and id = $2 and job_id = $3 and state = 'pending' for no key update"#,
        tenant.0,
        id.0,
        job
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// What an attempt came to.
pub(in crate::webhooks) struct Settled<'a> {
    pub delivery: WebhookDeliveryId,
    /// Its number among all attempts, and among those since the delivery was made or replayed.
    pub number: i32,
    pub tries: i16,
    pub state: DeliveryState,
    /// Milliseconds until it is tried again, if it is.
    pub again_ms: Option<i64>,
    pub took_ms: i32,
    pub status: Option<i16>,
    pub code: Option<&'a str>,
    pub text: Option<&'a str>,
}

pub(in crate::webhooks) async fn settle(
    conn: &mut PgConnection,
    tenant: TenantId,
    settled: &Settled<'_>,
) -> Result<()> {
    sqlx::query!(
        "insert into webhook_attempts (tenant_id, delivery_id, number, took_ms, status_code, error_code, error_text)
         values ($1, $2, $3, $4, $5, $6, $7)",
        tenant.0,
        settled.delivery.0,
        settled.number,
        settled.took_ms,
        settled.status,
        settled.code,
        settled.text
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update webhook_deliveries set attempts = $3, tries = $4, state = $5, status_code = $6, error_code = $7,
                error_text = $8, next_at = engine.now() + $9::bigint * interval '1 ms',
                ended_at = case when $5 = 'pending' then null else engine.now() end
          where tenant_id = $1 and id = $2",
        tenant.0,
        settled.delivery.0,
        settled.number,
        settled.tries,
        settled.state.as_str(),
        settled.status,
        settled.code,
        settled.text,
        settled.again_ms
    )
    .execute(conn)
    .await?;
    Ok(())
}
