//! The tables of deliveries and of attempts at them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{TenantId, WebhookDeliveryId, WebhookId},
    webhooks::view::{DeliveryState, WebhookAttemptView, WebhookDeliveryView},
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
