//! Attempts at messages: claimed under a fence, settled under it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{
    attempt::Finished,
    rules::{FailureKind, IN_DOUBT, Next, Status, Stop},
};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, TenantId},
};

/// An attempt about to be made, its request frozen.
pub(in crate::messages) struct Claimed {
    pub id: MessageId,
    pub fence: i64,
    pub provider: ProviderId,
    /// Of the account's credentials.
    pub version: i64,
    pub hash: [u8; 32],
    pub sealed: Vec<u8>,
}

/// Whoever is asked now has given the message no name yet.
pub(in crate::messages) async fn claim(
    conn: &mut PgConnection,
    tenant: TenantId,
    claims: &[Claimed],
    lease: Duration,
) -> Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with asked as (
           select * from unnest($2::uuid[], $3::bigint[], $4::bytea[], $5::bytea[], $7::uuid[],
                                $8::bigint[])
                      as u(id, fence, hash, sealed, provider, version)
         ), moved as (
           update messages m
              set status = 'sending', fence = a.fence, provider_id = a.provider, provider_message_id = null,
                  updated_at = engine.now(), lease_until = engine.now() + make_interval(secs => $6)
             from asked a
            where m.tenant_id = $1 and m.id = a.id
           returning m.id
         )
         insert into message_attempts (tenant_id, message_id, fence, provider_id, provider_key, credentials_version,
                                       request_hash, request_sealed)
         select $1, a.id, a.fence, a.provider, a.id::text, a.version, a.hash, a.sealed
           from asked a join moved m on m.id = a.id",
        tenant.0,
        &claims.iter().map(|claim| claim.id.0).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.fence).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.hash.to_vec()).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.sealed.clone()).collect::<Vec<_>>(),
        lease.as_secs_f64(),
        &claims.iter().map(|claim| claim.provider.0).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.version).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends messages that are held and may not leave.
pub(in crate::messages) async fn stop(
    conn: &mut PgConnection,
    tenant: TenantId,
    stops: &[(MessageId, Stop)],
) -> Result<()> {
    if stops.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update messages m
            set status = s.status, failure = case when s.status = 'unknown' then 'ambiguous' else 'gate' end,
                error_code = s.code, error_text = s.text, updated_at = engine.now()
           from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as s(id, status, code, text)
          where m.tenant_id = $1 and m.id = s.id",
        tenant.0,
        &stops.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &stops.iter().map(|(_, stop)| stop.status.as_str().to_owned()).collect::<Vec<_>>(),
        &stops.iter().map(|(_, stop)| stop.code.to_owned()).collect::<Vec<_>>(),
        &stops.iter().map(|(_, stop)| stop.text.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A message that waits.
pub(in crate::messages) struct Deferred {
    pub id: MessageId,
    pub after: Duration,
    pub code: &'static str,
    /// What for, in words.
    pub text: String,
}

/// Notes what messages that are held wait for. Answers those that did not wait for just that before.
pub(in crate::messages) async fn defer(
    conn: &mut PgConnection,
    tenant: TenantId,
    deferred: &[Deferred],
) -> Result<HashSet<MessageId>> {
    if deferred.is_empty() {
        return Ok(HashSet::new());
    }
    let begun = sqlx::query_scalar!(
        r#"update messages m set error_code = d.code, error_text = d.text, updated_at = engine.now()
             from unnest($2::uuid[], $3::text[], $4::text[]) as d(id, code, text)
            where m.tenant_id = $1 and m.id = d.id
              and (m.error_code is distinct from d.code or m.error_text is distinct from d.text)
           returning m.id as "id: MessageId""#,
        tenant.0,
        &deferred.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &deferred.iter().map(|one| one.code.to_owned()).collect::<Vec<_>>(),
        &deferred.iter().map(|one| one.text.clone()).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(begun.into_iter().collect())
}

/// A message whose fence is that of an attempt which ended.
pub(in crate::messages) struct Applied {
    /// It went where the attempt's end leads; else something came before, and it stays.
    pub moved: bool,
    /// It was known to have been sent before.
    pub was_sent: bool,
}

/// Moves messages, each only if its fence is still the one of the attempt. A result that comes after the lease ran out
/// still counts while nobody has tried again, but lets nobody try again: that was decided then. What a callback has moved
/// stays where it is, and only gets the provider's id. What is known of an attempt takes the place of a doubt.
pub(in crate::messages) async fn apply(
    conn: &mut PgConnection,
    tenant: TenantId,
    finished: &[Finished],
) -> Result<HashMap<MessageId, Applied>> {
    let texts = |of: fn(&Finished) -> Option<String>| finished.iter().map(of).collect::<Vec<_>>();
    // Who has surely not taken it is not asked again before the others; where it waits, all are asked anew.
    let tried = |one: &Finished| one.settlement.next == Next::Another;
    let counts = |one: &Finished| matches!(one.settlement.next, Next::Again(_));
    let rows = sqlx::query!(
        r#"with said as (
             select * from unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                                  $9::bool[], $10::uuid[], $11::bool[])
                        as u(id, fence, status, provider_message_id, failure, code, text, tried, provider, counts)
           ), held as (
             select m.id, m.sent_at is not null as was_sent,
                    m.status <> s.status and (m.status = 'sending'
                      or m.status in ('unknown', 'queued') and s.status in ('sent', 'failed', 'bounced')) as moves
               from messages m join said s on s.id = m.id and s.fence = m.fence
              where m.tenant_id = $1
              order by m.id
                for update of m
           ), moved as (
             update messages m
                set status = case when h.moves then s.status else m.status end,
                    lease_until = null, updated_at = engine.now(),
                    sent_at = coalesce(m.sent_at, case when s.status = 'sent' then engine.now() end),
                    provider_message_id = coalesce(s.provider_message_id, m.provider_message_id),
                    failure = case when h.moves then s.failure else m.failure end,
                    error_code = case when h.moves then s.code else m.error_code end,
                    error_text = case when h.moves then s.text else m.error_text end,
                    tried = case when h.moves and s.tried then m.tried || s.provider
                                 when h.moves then '{}' else m.tried end,
                    rounds = case when h.moves and s.counts then m.rounds + 1 else m.rounds end
               from held h join said s on s.id = h.id
              where m.tenant_id = $1 and m.id = h.id and (h.moves or s.status = 'sent')
           ), noted as (
             update message_attempts a
                set ended_at = engine.now(), outcome = s.status, code = s.code, text = s.text
               from said s join held h on h.id = s.id
              where a.tenant_id = $1 and a.message_id = s.id and a.fence = s.fence
                and (a.ended_at is null or a.code = $12)
           )
           select id as "id!: MessageId", moves as "moves!", was_sent as "was_sent!" from held"#,
        tenant.0,
        &finished.iter().map(|one| one.message.0).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.fence).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.settlement.status.as_str().to_owned()).collect::<Vec<_>>(),
        &texts(|one| one.settlement.provider_message_id.clone()) as &[Option<String>],
        &texts(|one| one.settlement.failure.map(|kind| FailureKind::as_str(kind).to_owned())) as &[Option<String>],
        &texts(|one| one.settlement.code.clone()) as &[Option<String>],
        &texts(|one| one.settlement.text.clone()) as &[Option<String>],
        &finished.iter().map(tried).collect::<Vec<_>>(),
        &finished.iter().map(|one| one.provider().0).collect::<Vec<_>>(),
        &finished.iter().map(counts).collect::<Vec<_>>(),
        IN_DOUBT
    )
    .fetch_all(conn)
    .await?;
    let applied = |moved, was_sent| Applied { moved, was_sent };
    Ok(rows.into_iter().map(|row| (row.id, applied(row.moves, row.was_sent))).collect())
}

/// The jobs that send messages from now on.
pub(in crate::messages) async fn hand_on(
    conn: &mut PgConnection,
    tenant: TenantId,
    jobs: &[(MessageId, Uuid)],
) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update messages m set job_id = j.job from unnest($2::uuid[], $3::uuid[]) as j(id, job)
          where m.tenant_id = $1 and m.id = j.id",
        tenant.0,
        &jobs.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &jobs.iter().map(|(_, job)| *job).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hands nothing to an account for so long.
pub(in crate::messages) async fn throttle(
    conn: &mut PgConnection,
    tenant: TenantId,
    provider: ProviderId,
    wait: Duration,
) -> Result<()> {
    sqlx::query!(
        "update providers set throttled_until = greatest(throttled_until, engine.now() + make_interval(secs => $3))
          where tenant_id = $1 and id = $2",
        tenant.0,
        provider.0,
        wait.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
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
