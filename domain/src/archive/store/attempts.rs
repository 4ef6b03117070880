//! Attempts of sending on their way to the archive, by the month in which their message was made.

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

/// How many attempts there are at messages of a month, and how many of them have not ended.
pub(in crate::archive) async fn attempts_count(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
) -> Result<(i64, i64)> {
    let (from, to) = month.ids();
    let count = sqlx::query!(
        r#"select count(*) as "rows!", count(*) filter (where ended_at is null) as "open!" from message_attempts
            where tenant_id = $1 and message_id >= $2 and message_id < $3"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok((count.rows, count.open))
}

/// Attempts at messages of a month after one of them.
pub(in crate::archive) async fn month_attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
    after: (Uuid, i64),
    limit: i64,
) -> Result<Vec<AttemptLine>> {
    let rows = sqlx::query_as!(
        AttemptLine,
        r#"select tenant_id, message_id, fence, provider_id, provider_key, credentials_version, started_at, ended_at, outcome,
                  code, encode(request_hash, 'hex') as "request_hash!", encode(request_sealed, 'hex') as "request_sealed!"
             from message_attempts
            where tenant_id = $1 and message_id < $2 and (message_id, fence) > ($3, $4)
            order by message_id, fence limit $5"#,
        tenant.0,
        month.ids().1,
        after.0,
        after.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Deletes some attempts at messages of a month that began no later than the last of its file.
pub(in crate::archive) async fn drop_attempts(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
    until: chrono::DateTime<chrono::Utc>,
    limit: i64,
) -> Result<u64> {
    let (from, to) = month.ids();
    let gone = sqlx::query!(
        "with gone as (
           select message_id, fence from message_attempts
            where tenant_id = $1 and message_id >= $2 and message_id < $3 and started_at <= $4
            order by message_id, fence limit $5)
         delete from message_attempts a using gone g
          where a.tenant_id = $1 and a.message_id = g.message_id and a.fence = g.fence",
        tenant.0,
        from,
        to,
        until,
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
