//! What was left behind: attempts whose lease ran out, and messages whose job is gone.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    super::{provider::Channel, rules::OnUnknown},
    queued::on_unknown,
    stored_channel,
};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, TenantId},
};

pub(in crate::messages) async fn tenants_with_expired(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select distinct tenant_id as "tenant!: TenantId" from (
             select tenant_id from messages
              where status = 'sending' and lease_until <= engine.now()
              order by lease_until limit $1) late"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// A message whose lease ran out, with the account that had it.
pub(in crate::messages) struct ExpiredRow {
    pub id: MessageId,
    pub fence: i64,
    /// How often it was tried in vain.
    pub rounds: i32,
    pub provider: ProviderId,
    pub kind: String,
    pub channel: Channel,
    pub version: i64,
    pub credentials_sealed: Vec<u8>,
    pub on_unknown: OnUnknown,
}

pub(in crate::messages) async fn lock_expired(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<ExpiredRow>> {
    let rows = sqlx::query!(
        r#"select m.id as "id: MessageId", m.fence, m.rounds, p.id as "provider: ProviderId", p.kind, p.channel,
                  p.credentials_version, p.credentials_sealed, p.on_unknown
             from messages m join providers p on p.tenant_id = $1 and p.id = m.provider_id
            where m.tenant_id = $1 and m.status = 'sending' and m.lease_until <= engine.now()
            order by m.id limit $2
              for update of m skip locked"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ExpiredRow {
                id: row.id,
                fence: row.fence,
                rounds: row.rounds,
                provider: row.provider,
                kind: row.kind,
                channel: stored_channel(&row.channel)?,
                version: row.credentials_version,
                credentials_sealed: row.credentials_sealed,
                on_unknown: on_unknown(&row.on_unknown),
            })
        })
        .collect()
}

/// A queued message whose job is gone.
pub(in crate::messages) struct Orphan {
    pub id: MessageId,
    pub provider: Option<ProviderId>,
    pub channel: Channel,
    /// Not before this, if it was named and is still to come.
    pub send_at: Option<DateTime<Utc>>,
    /// A run of a workflow wrote it that does not go on.
    pub is_over: bool,
}

/// A message that was queued within the last minute may have a job that is about to end.
pub(in crate::messages) async fn tenants_with_orphans(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select t.id as "tenant!: TenantId" from tenants t
            where exists (select from messages m
                    where m.tenant_id = t.id and m.status = 'queued'
                      and m.updated_at < engine.now() - interval '1 minute'
                      and not exists (select from engine.jobs j where j.tenant_id = t.id and j.id = m.job_id))
            order by t.id limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

pub(in crate::messages) async fn lock_orphans(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<Orphan>> {
    let rows = sqlx::query!(
        r#"select m.id as "id: MessageId", m.provider_id as "provider: ProviderId", m.channel,
                  case when m.send_at > engine.now() then m.send_at end as send_at,
                  (m.run_id is not null and not exists (select from engine.runs r
                    where r.tenant_id = $1 and r.id = m.run_id and r.state = 'running')) as "is_over!"
             from messages m
            where m.tenant_id = $1 and m.status = 'queued' and m.updated_at < engine.now() - interval '1 minute'
              and not exists (select from engine.jobs j where j.tenant_id = $1 and j.id = m.job_id)
            order by m.id limit $2
              for update of m skip locked"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Orphan {
                id: row.id,
                provider: row.provider,
                channel: stored_channel(&row.channel)?,
                send_at: row.send_at,
                is_over: row.is_over,
            })
        })
        .collect()
}

/// Messages that are being sent or could be: those that wait for a time still to come are left.
pub(in crate::messages) async fn lock_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<MessageId>> {
    let ids = sqlx::query_scalar!(
        r#"select m.id as "id: MessageId" from messages m
            where m.tenant_id = $1 and m.status in ('pending', 'queued', 'sending')
              and (m.status = 'sending' or (coalesce(m.send_at, m.created_at) <= engine.now()
                and not exists (select from engine.jobs j
                      where j.tenant_id = $1 and j.id = m.job_id and j.run_at > engine.now())))
            order by m.id limit $2
              for update of m"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
