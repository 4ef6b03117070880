//! The table of sessions.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{SessionId, TenantId, UserId},
};

/// What a refresh must know.
pub(in crate::access) struct HeldSession {
    pub user: UserId,
    pub refreshes: i32,
    pub created_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended: bool,
}

pub(in crate::access) struct SessionRow {
    pub id: SessionId,
    pub client_sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
}

pub(in crate::access) async fn insert_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SessionId,
    user: UserId,
    client_sealed: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into sessions (tenant_id, id, user_id, client_sealed, created_at, refreshed_at, expires_at)
         values ($1, $2, $3, $4, $5, $5, $6)",
        tenant.0,
        id.0,
        user.0,
        client_sealed,
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::access) async fn lock_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SessionId,
) -> Result<Option<HeldSession>> {
    let held = sqlx::query_as!(
        HeldSession,
        r#"select user_id as "user: UserId", refreshes, created_at, refreshed_at, expires_at, ended_at is not null as "ended!"
             from sessions where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

pub(in crate::access) async fn refresh_session(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SessionId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update sessions set refreshes = refreshes + 1, refreshed_at = $3, expires_at = $4
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        now,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one session of a user, or all that are open, or all but one; answers how many.
pub(in crate::access) async fn end_sessions(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    only: Option<SessionId>,
    but: Option<SessionId>,
    why: &str,
    now: DateTime<Utc>,
) -> Result<u64> {
    let ended = sqlx::query!(
        "update sessions set ended_at = $6, end_reason = $5
          where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id = $3) and id is distinct from $4
            and ended_at is null",
        tenant.0,
        user.0,
        only.map(|id| id.0),
        but.map(|id| id.0),
        why,
        now
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// When a session ends if nobody refreshes it.
pub(in crate::access) async fn session_expiry(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SessionId,
) -> Result<Option<DateTime<Utc>>> {
    let expiry = sqlx::query_scalar!(
        "select expires_at from sessions where tenant_id = $1 and id = $2 and ended_at is null",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(expiry)
}

/// Sessions of a user with ids below `before`, newest first.
pub(in crate::access) async fn sessions(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    before: Option<SessionId>,
    limit: i64,
) -> Result<Vec<SessionRow>> {
    let rows = sqlx::query_as!(
        SessionRow,
        r#"select id as "id: SessionId", client_sealed, created_at, refreshed_at, expires_at, ended_at, end_reason
             from sessions where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        user.0,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
