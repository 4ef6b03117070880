//! The table of links by which passwords are chosen.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{TenantId, UserId},
};

/// Puts the only link of a user.
pub(in crate::access) async fn put_link(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    hash: &[u8],
    version: i64,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into password_links (tenant_id, user_id, hash, permission_version, expires_at)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint password_links_pkey
         do update set hash = $3, permission_version = $4, expires_at = $5",
        tenant.0,
        user.0,
        hash,
        version,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose link this is, if it is still good.
pub(in crate::access) async fn link(
    conn: &mut PgConnection,
    tenant: TenantId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<UserId>> {
    let user = sqlx::query_scalar!(
        r#"select user_id as "user: UserId" from password_links
            where tenant_id = $1 and hash = $2 and expires_at > $3"#,
        tenant.0,
        hash,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(user)
}

/// Takes a user's link out, so that it serves once; answers the version of their rights when it was made.
pub(in crate::access) async fn take_link(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "delete from password_links where tenant_id = $1 and user_id = $2 and hash = $3 and expires_at > $4
         returning permission_version",
        tenant.0,
        user.0,
        hash,
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// Locks a user who may come in, and reads the hash of their password.
pub(in crate::access) async fn lock_password(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<String>> {
    let hash = sqlx::query_scalar!(
        "select password_hash from users where tenant_id = $1 and id = $2 and disabled_at is null for update",
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(hash)
}

/// Gives a user another password, and takes back the link for choosing one.
pub(in crate::access) async fn set_password(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    hash: &str,
) -> Result<()> {
    sqlx::query!(
        "with void as (delete from password_links where tenant_id = $1 and user_id = $2)
         update users set password_hash = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        user.0,
        hash
    )
    .execute(conn)
    .await?;
    Ok(())
}
