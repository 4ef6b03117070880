//! How far the log was read for whom, and the deliveries that come of it.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{TenantId, WebhookDeliveryId, WebhookId},
    webhooks::{part::Standing, tail::Lagging},
};

/// Endpoints, over all tenants, for which there is more in the log, after one of them and in their order. What is told
/// of suspended tenants waits, as their work does.
pub(in crate::webhooks) async fn lagging(
    conn: &mut PgConnection,
    after: Lagging,
    limit: i64,
) -> Result<Vec<Lagging>> {
    let rows = sqlx::query_as!(
        Lagging,
        r#"select e.tenant_id as "tenant!: TenantId", e.id as "webhook!: WebhookId"
             from webhook_endpoints e
             join engine.log_heads h on h.tenant_id = e.tenant_id and h.seq > e.from_sequence
             join tenants t on t.id = e.tenant_id and t.suspended_at is null
            where e.disabled_at is null and e.retired_at is null and (e.tenant_id, e.id) > ($1, $2)
            order by e.tenant_id, e.id
            limit $3"#,
        after.tenant.0,
        after.webhook.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Locks those of these endpoints that nobody else holds and that are told something.
pub(in crate::webhooks) async fn try_lock_endpoints(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[WebhookId],
) -> Result<Vec<Standing>> {
    let standing = sqlx::query_as!(
        Standing,
        r#"select id as "id: WebhookId", from_sequence, types from webhook_endpoints
            where tenant_id = $1 and id = any($2) and disabled_at is null and retired_at is null
            order by id
              for no key update skip locked"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(standing)
}

/// How far the log was read for an endpoint, and what it asks for.
pub(in crate::webhooks) struct Reading {
    pub from_sequence: i64,
    pub types: Vec<String>,
}

/// The same of one, for whoever only reads; none if it is told nothing.
pub(in crate::webhooks) async fn reading(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<Option<Reading>> {
    let reading = sqlx::query_as!(
        Reading,
        "select from_sequence, types from webhook_endpoints
          where tenant_id = $1 and id = $2 and disabled_at is null and retired_at is null",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(reading)
}

/// Notes up to where the log was read for endpoints, and what of it was not there any more.
pub(in crate::webhooks) async fn move_on(
    conn: &mut PgConnection,
    tenant: TenantId,
    to: i64,
    moved: &[(WebhookId, Option<(i64, i64)>)],
) -> Result<()> {
    sqlx::query!(
        "update webhook_endpoints e set from_sequence = $2, gap_from = coalesce(u.gap_from, e.gap_from),
                gap_to = coalesce(u.gap_to, e.gap_to),
                gap_at = case when u.gap_from is null then e.gap_at else engine.now() end
           from unnest($3::uuid[], $4::bigint[], $5::bigint[]) as u(id, gap_from, gap_to)
          where e.tenant_id = $1 and e.id = u.id",
        tenant.0,
        to,
        &moved.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &moved.iter().map(|(_, gap)| gap.map(|gap| gap.0)).collect::<Vec<_>>() as &[Option<i64>],
        &moved.iter().map(|(_, gap)| gap.map(|gap| gap.1)).collect::<Vec<_>>() as &[Option<i64>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many deliveries of an endpoint wait, counted up to `most`.
pub(in crate::webhooks) async fn waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    most: i64,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from webhook_deliveries d
              where d.tenant_id = $1 and d.endpoint_id = $2 and d.state = 'pending' limit $3) d"#,
        tenant.0,
        id.0,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// Those of the endpoints for which so many deliveries wait.
pub(in crate::webhooks) async fn full(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[WebhookId],
    most: i64,
) -> Result<Vec<WebhookId>> {
    let full = sqlx::query_scalar!(
        r#"select e.id as "id!: WebhookId" from unnest($2::uuid[]) as e(id)
            where (select count(*) from (
                     select from webhook_deliveries d
                      where d.tenant_id = $1 and d.endpoint_id = e.id and d.state = 'pending' limit $3) d) >= $3"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>(),
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(full)
}

/// Events for an endpoint, with the ids that their deliveries and jobs get where these are new.
#[derive(Default)]
pub(in crate::webhooks) struct NewDeliveries {
    pub ids: Vec<Uuid>,
    pub sequences: Vec<i64>,
    pub types: Vec<String>,
    pub jobs: Vec<Uuid>,
}

/// A delivery whose job is to be put in.
pub(in crate::webhooks) struct Put {
    pub delivery: WebhookDeliveryId,
    pub job: Uuid,
}

/// Writes deliveries down; those of events that have one already are left alone.
pub(in crate::webhooks) async fn insert_deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: WebhookId,
    new: &NewDeliveries,
) -> Result<Vec<Put>> {
    let rows = sqlx::query_as!(
        Put,
        r#"insert into webhook_deliveries (tenant_id, id, endpoint_id, sequence, type, job_id)
           select $1, u.id, $2, u.sequence, u.type, u.job
             from unnest($3::uuid[], $4::bigint[], $5::text[], $6::uuid[]) u (id, sequence, type, job)
            order by u.sequence
           on conflict on constraint webhook_deliveries_event_key do nothing
           returning id as "delivery: WebhookDeliveryId", job_id as job"#,
        tenant.0,
        webhook.0,
        &new.ids,
        &new.sequences,
        &new.types,
        &new.jobs
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The same, and puts those back that have ended.
pub(in crate::webhooks) async fn replay_deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    webhook: WebhookId,
    new: &NewDeliveries,
) -> Result<Vec<Put>> {
    let rows = sqlx::query_as!(
        Put,
        r#"insert into webhook_deliveries as d (tenant_id, id, endpoint_id, sequence, type, job_id)
           select $1, u.id, $2, u.sequence, u.type, u.job
             from unnest($3::uuid[], $4::bigint[], $5::text[], $6::uuid[]) u (id, sequence, type, job)
            order by u.sequence
           on conflict on constraint webhook_deliveries_event_key do update
              set state = 'pending', tries = 0, job_id = excluded.job_id, next_at = null, ended_at = null,
                  kept_from = engine.now()
            where d.state <> 'pending'
           returning d.id as "delivery: WebhookDeliveryId", d.job_id as job"#,
        tenant.0,
        webhook.0,
        &new.ids,
        &new.sequences,
        &new.types,
        &new.jobs
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
