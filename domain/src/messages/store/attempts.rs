//! Attempts at messages: claimed under a fence, settled under it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::PgConnection;

use super::super::{
    attempt::Finished,
    rules::{OnUnknown, Status},
};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, SubjectId, TenantId},
};

/// A queued message with all that is needed to send it.
pub(in crate::messages) struct QueuedRow {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub fence: i64,
    pub to_sealed: Vec<u8>,
    pub vars_sealed: Vec<u8>,
    pub provider_id: ProviderId,
    pub provider_kind: String,
    pub provider_version: i64,
    pub credentials_sealed: Vec<u8>,
    on_unknown: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
}

impl QueuedRow {
    pub(in crate::messages) fn on_unknown(&self) -> OnUnknown {
        on_unknown(&self.on_unknown)
    }
}

fn on_unknown(stored: &str) -> OnUnknown {
    if stored == "resend" { OnUnknown::Resend } else { OnUnknown::Hold }
}

/// Locks those of the messages that are queued.
pub(in crate::messages) async fn lock_queued(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<Vec<QueuedRow>> {
    let rows = sqlx::query_as!(
        QueuedRow,
        r#"select m.id as "id: MessageId", m.subject_id as "subject_id: SubjectId", m.fence, m.to_sealed,
                  m.vars_sealed, p.id as "provider_id: ProviderId", p.kind as provider_kind,
                  p.version as provider_version, p.credentials_sealed, p.on_unknown, t.subject, t.text, t.html
             from messages m
             join providers p on p.tenant_id = $1 and p.id = m.provider_id
             join templates t on t.tenant_id = $1 and t.id = m.template_id
            where m.tenant_id = $1 and m.id = any($2) and m.status = 'queued'
            order by m.id
              for update of m"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// An attempt about to be made, its request frozen.
pub(in crate::messages) struct Claimed {
    pub id: MessageId,
    pub fence: i64,
    pub hash: [u8; 32],
    pub sealed: Vec<u8>,
}

pub(in crate::messages) async fn claim(
    conn: &mut PgConnection,
    tenant: TenantId,
    claims: &[Claimed],
    lease: Duration,
) -> Result<()> {
    sqlx::query!(
        "with asked as (
           select * from unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[]) as u(id, fence, hash, sealed)
         ), moved as (
           update messages m
              set status = 'sending', fence = a.fence, updated_at = engine.now(),
                  lease_until = engine.now() + make_interval(secs => $6)
             from asked a
            where m.tenant_id = $1 and m.id = a.id
           returning m.id, m.provider_id
         )
         insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, request_hash,
                                       request_sealed)
         select $1, a.id, a.fence, m.provider_id, a.id::text, a.hash, a.sealed
           from asked a join moved m on m.id = a.id",
        tenant.0,
        &claims.iter().map(|claim| claim.id.0).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.fence).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.hash.to_vec()).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.sealed.clone()).collect::<Vec<_>>(),
        lease.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves messages, each only if its fence is still the one of the attempt. A result that comes after
/// the lease ran out still counts while nobody has tried again. Answers what was moved.
pub(in crate::messages) async fn apply(
    conn: &mut PgConnection,
    tenant: TenantId,
    finished: &[Finished],
) -> Result<HashSet<MessageId>> {
    let settled = |of: fn(&Finished) -> Option<String>| finished.iter().map(of).collect::<Vec<_>>();
    let moved = sqlx::query_scalar!(
        r#"with said as (
             select * from unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
                        as u(id, fence, status, provider_message_id, code, text)
           ), moved as (
             update messages m
                set status = s.status, lease_until = null, updated_at = engine.now(),
                    sent_at = case when s.status = 'sent' then engine.now() end,
                    provider_message_id = s.provider_message_id, error_code = s.code, error_text = s.text
               from said s
              where m.tenant_id = $1 and m.id = s.id and m.fence = s.fence and m.status <> s.status
                and m.status in ('sending', 'unknown', 'queued')
             returning m.id
           ), noted as (
             update message_attempts a
                set ended_at = engine.now(), outcome = s.status, code = s.code, text = s.text
               from said s
              where a.tenant_id = $1 and a.message_id = s.id and a.fence = s.fence
                and s.id in (select id from moved)
           )
           select id as "id!: MessageId" from moved"#,
        tenant.0,
        &finished.iter().map(|one| one.message.0).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.fence).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.settlement.status.as_str().to_owned()).collect::<Vec<_>>(),
        &settled(|one| one.settlement.provider_message_id.clone()) as &[Option<String>],
        &settled(|one| one.settlement.code.clone()) as &[Option<String>],
        &settled(|one| one.settlement.text.clone()) as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    Ok(moved.into_iter().collect())
}

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

pub(in crate::messages) async fn lock_expired(
    conn: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Vec<(MessageId, i64, OnUnknown)>> {
    let rows = sqlx::query!(
        r#"select m.id as "id: MessageId", m.fence, p.on_unknown
             from messages m join providers p on p.tenant_id = $1 and p.id = m.provider_id
            where m.tenant_id = $1 and m.status = 'sending' and m.lease_until <= engine.now()
            order by m.id limit $2
              for update of m skip locked"#,
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.fence, on_unknown(&row.on_unknown))).collect())
}

/// Where messages are.
pub(in crate::messages) async fn statuses(
    conn: &mut PgConnection,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, Status>> {
    let rows = sqlx::query!(
        r#"select id as "id: MessageId", status from messages where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &messages.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, Status::stored(&row.status)?))).collect()
}
