//! Messages of unknown fate.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    super::{
        provider::Channel,
        rules::{FailureKind, IN_DOUBT, Status},
    },
    stored_channel,
};
use crate::{
    error::Result,
    types::{MessageId, ProviderId, SubjectId, TenantId},
};

/// A message of unknown fate, with the attempt in question and the account that had it.
pub(in crate::messages) struct UnknownRow {
    pub subject_id: SubjectId,
    pub provider: ProviderId,
    pub kind: String,
    pub channel: Channel,
    /// Of the account's credentials.
    pub version: i64,
    /// The attempt had others.
    pub is_changed: bool,
    pub credentials_sealed: Vec<u8>,
    pub request_sealed: Vec<u8>,
    pub started_at: DateTime<Utc>,
    /// How long ago the attempt was over, by the clock that due times are compared with.
    pub age: Duration,
    /// How often the message was tried in vain.
    pub rounds: i32,
}

pub(in crate::messages) async fn unknown(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
    fence: i64,
) -> Result<Option<UnknownRow>> {
    let row = sqlx::query!(
        r#"select m.subject_id as "subject_id: SubjectId", p.id as "provider: ProviderId", p.kind, p.channel,
                  p.credentials_version, p.credentials_version <> a.credentials_version as "is_changed!", p.credentials_sealed,
                  a.request_sealed, a.started_at, m.rounds,
                  extract(epoch from engine.now() - coalesce(a.ended_at, a.started_at))::float8 as "age!"
             from messages m
             join message_attempts a on a.tenant_id = $1 and a.message_id = m.id and a.fence = m.fence
             join providers p on p.tenant_id = $1 and p.id = a.provider_id
            where m.tenant_id = $1 and m.id = $2 and m.fence = $3 and m.status = 'unknown'"#,
        tenant.0,
        id.0,
        fence
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(UnknownRow {
            subject_id: row.subject_id,
            provider: row.provider,
            kind: row.kind,
            channel: stored_channel(&row.channel)?,
            version: row.credentials_version,
            is_changed: row.is_changed,
            credentials_sealed: row.credentials_sealed,
            request_sealed: row.request_sealed,
            started_at: row.started_at,
            age: Duration::try_from_secs_f64(row.age.max(0.0)).unwrap_or(Duration::MAX),
            rounds: row.rounds,
        })
    })
    .transpose()
}

/// What was found out.
pub(in crate::messages) struct Concluded {
    pub status: Status,
    pub provider_message_id: Option<String>,
    pub failure: Option<FailureKind>,
    pub code: Option<String>,
    /// How often it was tried in vain, as far as that counts from now on.
    pub rounds: i32,
}

/// `false` if its fate is known by now, or it was tried again.
pub(in crate::messages) async fn conclude(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
    fence: i64,
    concluded: &Concluded,
) -> Result<bool> {
    let moved = sqlx::query!(
        "update messages
            set status = $4, provider_message_id = coalesce($5, provider_message_id), failure = $6, error_code = $7,
                error_text = null, tried = '{}', rounds = $8, updated_at = engine.now(),
                sent_at = coalesce(sent_at, case when $4 not in ('queued', 'failed') then engine.now() end)
          where tenant_id = $1 and id = $2 and fence = $3 and status = 'unknown'",
        tenant.0,
        id.0,
        fence,
        concluded.status.as_str(),
        concluded.provider_message_id,
        concluded.failure.map(FailureKind::as_str),
        concluded.code,
        concluded.rounds
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// A person says of all attempts that none has arrived: that takes the place of the doubts which they left.
pub(in crate::messages) async fn clear_doubts(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
    code: &str,
) -> Result<()> {
    sqlx::query!(
        "update message_attempts set code = $3
          where tenant_id = $1 and message_id = $2 and outcome = 'queued' and code = $4",
        tenant.0,
        id.0,
        code,
        IN_DOUBT
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether what a provider calls so is another message of ours. For whoever holds the name.
pub(in crate::messages) async fn is_anothers(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: MessageId,
    provider: ProviderId,
    name: &str,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from messages
             where tenant_id = $1 and provider_id = $2 and provider_message_id = $3 and id <> $4) as "found!""#,
        tenant.0,
        provider.0,
        name,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// A message that may be the one which a provider has found for another.
pub(in crate::messages) struct Double {
    pub id: MessageId,
    pub subject_id: SubjectId,
    pub request_sealed: Vec<u8>,
}

/// Other messages that an account was handed for the recipient of one at its time or since, and may have under a name that
/// we do not know; some of them.
pub(in crate::messages) async fn doubles(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, provider): (MessageId, ProviderId),
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Double>> {
    let rows = sqlx::query_as!(
        Double,
        r#"select m.id as "id: MessageId", m.subject_id as "subject_id: SubjectId", a.request_sealed
             from messages o
             join messages m on m.tenant_id = $1 and m.to_index = o.to_index and m.id <> o.id
             join message_attempts a on a.tenant_id = $1 and a.message_id = m.id and a.fence = m.fence
            where o.tenant_id = $1 and o.id = $2 and a.provider_id = $3
              and m.provider_message_id is null and a.started_at > $4::timestamptz - interval '1 hour'
              and (m.status in ('sending', 'unknown', 'sent', 'delivered', 'read')
                or m.status = 'queued' and exists (select from message_attempts d
                  where d.tenant_id = $1 and d.message_id = m.id and d.outcome = 'queued' and d.code = $5))
            limit $6"#,
        tenant.0,
        id.0,
        provider.0,
        since,
        IN_DOUBT,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
