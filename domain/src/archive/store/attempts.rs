//! Attempts of sending on their way to the archive, by the month in which their message was made.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    archive::{line::AttemptLine, month::Month},
    error::Result,
    types::TenantId,
};

/// The oldest message of which there are attempts.
pub(in crate::archive) async fn oldest_attempt(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<Uuid>> {
    let oldest = sqlx::query_scalar!(
        "select message_id from message_attempts where tenant_id = $1 order by message_id limit 1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(oldest)
}

/// What lies in the database of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::archive) struct Attempts {
    pub rows: i64,
    /// Those that stay: they have not ended, their messages may still be sent or asked for, or they are not old enough.
    pub open: i64,
    /// When the newest of them began, and when the last of them ended.
    pub last_at: Option<DateTime<Utc>>,
    pub last_ended_at: Option<DateTime<Utc>>,
}

/// How many attempts there are at messages of a month, and how many of them stay. An attempt has ended also if nobody knows
/// how: what says that its message may have been sent goes only with the doubt.
pub(in crate::archive) async fn attempts_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
) -> Result<Attempts> {
    let (from, to) = month.ids();
    let attempts = sqlx::query_as!(
        Attempts,
        r#"select count(*) as "rows!",
                  count(*) filter (where a.ended_at is null or m.status in ('pending', 'queued', 'sending', 'unknown')
                    or a.started_at >= engine.now() - make_interval(days => t.keep_attempts_days)) as "open!",
                  max(a.started_at) as last_at, max(a.ended_at) as last_ended_at
             from message_attempts a
             join messages m on m.tenant_id = $1 and m.id = a.message_id
             join tenants t on t.id = $1
            where a.tenant_id = $1 and a.message_id >= $2 and a.message_id < $3"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(attempts)
}

/// Attempts at messages of a month after one of them: so many, and the first of them that come to so many bytes. What was sent
/// is left out if the tenant forgets what messages said, but for those who are held by law: it would outlive its keeping.
pub(in crate::archive) async fn month_attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
    after: (Uuid, i64),
    (rows, bytes): (i64, i64),
) -> Result<Vec<AttemptLine>> {
    let rows = sqlx::query_as!(
        AttemptLine,
        r#"with next as (
             select a.tenant_id, a.message_id, a.fence, a.provider_id, a.provider_key, a.credentials_version, a.started_at,
                    a.ended_at, a.outcome, a.code, a.request_hash, a.request_sealed,
                    r.messages_days is null or exists (select from legal_holds h
                      where h.tenant_id = $1 and h.released_at is null and h.subject_id in (m.subject_id, m.lead_id))
                      as is_whole
               from message_attempts a
               join messages m on m.tenant_id = $1 and m.id = a.message_id
               left join retention_rules r on r.tenant_id = $1
              where a.tenant_id = $1 and a.message_id < $2 and (a.message_id, a.fence) > ($3, $4)
              order by a.message_id, a.fence limit $5
           ), sized as (
             select n.*, sum(octet_length(n.request_sealed)) over (order by n.message_id, n.fence)
                           - octet_length(n.request_sealed) as before
               from next n
           )
           select tenant_id as "tenant_id!", message_id as "message_id!", fence as "fence!", provider_id as "provider_id!",
                  provider_key as "provider_key!", credentials_version as "credentials_version!",
                  started_at as "started_at!", ended_at as "ended_at?", outcome as "outcome?", code as "code?",
                  case when is_whole then encode(request_hash, 'hex') else '' end as "request_hash!",
                  case when is_whole then encode(request_sealed, 'hex') else '' end as "request_sealed!"
             from sized where before < $6 order by message_id, fence"#,
        tenant.0,
        month.ids().1,
        after.0,
        after.1,
        rows,
        bytes
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether there is an attempt at a message of a month.
pub(in crate::archive) async fn has_attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
) -> Result<bool> {
    let (from, to) = month.ids();
    let any = sqlx::query_scalar!(
        r#"select exists (select from message_attempts where tenant_id = $1 and message_id >= $2 and message_id < $3)
             as "any!""#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// The latest moments in a file, at which its attempts began and ended.
type Until = (DateTime<Utc>, DateTime<Utc>);

/// Deletes attempts at some messages of a month, after one of them, as far as they are in its file. Those of messages that
/// live again stay, and of those that somebody works on. Answers the last message; none if there are no more.
pub(in crate::archive) async fn drop_attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    (month, after): (Month, Uuid),
    (began, ended): Until,
    limit: i64,
) -> Result<Option<Uuid>> {
    let gone = sqlx::query_scalar!(
        "with settled as materialized (
           select m.id from messages m
            where m.tenant_id = $1 and m.id > $2 and m.id < $3
              and m.status not in ('pending', 'queued', 'sending', 'unknown')
              and exists (select from message_attempts a
                    where a.tenant_id = $1 and a.message_id = m.id and a.started_at <= $4 and a.ended_at <= $5)
            order by m.id limit $6
              for no key update of m skip locked)
         delete from message_attempts a using settled s
          where a.tenant_id = $1 and a.message_id = s.id and a.started_at <= $4 and a.ended_at <= $5
         returning a.message_id",
        tenant.0,
        after,
        month.ids().1,
        began,
        ended,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(gone.into_iter().max())
}

/// Whether attempts of a month's file are still there.
pub(in crate::archive) async fn any_attempt(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
    (began, ended): Until,
) -> Result<bool> {
    let (from, to) = month.ids();
    let any = sqlx::query_scalar!(
        r#"select exists (select from message_attempts
             where tenant_id = $1 and message_id >= $2 and message_id < $3 and started_at <= $4 and ended_at <= $5)
             as "any!""#,
        tenant.0,
        from,
        to,
        began,
        ended
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}
