//! The table of tickets for sockets.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    Ctx,
    access::permission::PermissionSet,
    ctx::Actor,
    error::Result,
    types::{ApiKeyId, SessionId, TenantId, UserId},
};

/// What a ticket for a socket stands for.
pub(in crate::access) struct TicketRow {
    pub tenant: TenantId,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub api_key: Option<ApiKeyId>,
    pub permissions: PermissionSet,
    pub expires_at: DateTime<Utc>,
}

pub(in crate::access) async fn insert_ticket(
    conn: &mut PgConnection,
    ctx: &Ctx,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (user, api_key) = match ctx.actor {
        Actor::User(user) => (Some(user.0), None),
        Actor::ApiKey(key) => (None, Some(key.0)),
        Actor::Operator(_) | Actor::System => (None, None),
    };
    sqlx::query!(
        "insert into socket_tickets (tenant_id, hash, user_id, session_id, api_key_id, permissions, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        ctx.tenant.0,
        hash,
        user,
        ctx.session.map(|id| id.0),
        api_key,
        &ctx.grants.names(),
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a ticket out, so that it serves once.
pub(in crate::access) async fn take_ticket(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<TicketRow>> {
    let row = sqlx::query!(
        r#"delete from socket_tickets where hash = $1
           returning tenant_id as "tenant: TenantId", user_id as "user: UserId", session_id as "session: SessionId",
                     api_key_id as "key: ApiKeyId",
                     permissions, expires_at"#,
        hash
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| TicketRow {
        tenant: row.tenant,
        user: row.user,
        session: row.session,
        api_key: row.key,
        permissions: PermissionSet::from_names(&row.permissions),
        expires_at: row.expires_at,
    }))
}

/// Takes out some that nobody used in time; answers how many.
pub(in crate::access) async fn delete_expired_tickets(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    most: i64,
) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from socket_tickets where (tenant_id, hash) in (
           select tenant_id, hash from socket_tickets where expires_at < $1 limit $2 for update skip locked)",
        now,
        most
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
