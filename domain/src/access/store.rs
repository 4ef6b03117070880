//! The tables of roles, users and API keys.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::permission::PermissionSet;
use crate::{
    ctx::Actor,
    error::Result,
    types::{ApiKeyId, RoleId, TenantId, UserId},
};

pub(super) struct UserRow {
    pub id: UserId,
    pub password_hash: String,
    pub permission_version: i64,
}

pub(super) struct Grants {
    pub version: i64,
    pub permissions: PermissionSet,
}

pub(super) struct KeyRow {
    pub tenant: TenantId,
    pub secret_hash: Vec<u8>,
    pub permissions: PermissionSet,
    pub creator_permissions: PermissionSet,
    pub expires_at: Option<DateTime<Utc>>,
}

/// An API key as its tenant sees it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub permissions: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

pub(super) struct UserFacts {
    pub id: UserId,
    pub role: String,
    pub email_sealed: Vec<u8>,
    pub name_sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What a ticket for a socket stands for.
pub(super) struct TicketRow {
    pub tenant: TenantId,
    pub user: Option<UserId>,
    pub api_key: Option<ApiKeyId>,
    pub permissions: PermissionSet,
    pub expires_at: DateTime<Utc>,
}

pub(super) struct NewUser<'a> {
    pub id: UserId,
    pub role: RoleId,
    pub email_sealed: &'a [u8],
    pub email_index: &'a [u8],
    pub name_sealed: &'a [u8],
    pub password_hash: &'a str,
}

pub(super) async fn insert_role(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RoleId,
    name: &str,
    permissions: PermissionSet,
) -> Result<()> {
    sqlx::query!(
        "insert into roles (tenant_id, id, name, built_in, permissions) values ($1, $2, $3, true, $4)",
        tenant.0,
        id.0,
        name,
        &permissions.names()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn role_by_name(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<(RoleId, PermissionSet)>> {
    let row = sqlx::query!(
        r#"select id as "id: RoleId", permissions from roles where tenant_id = $1 and name = $2"#,
        tenant.0,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, PermissionSet::from_names(&row.permissions))))
}

pub(super) async fn has_users(conn: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    let any =
        sqlx::query_scalar!(r#"select exists (select from users where tenant_id = $1) as "any!""#, tenant.0)
            .fetch_one(conn)
            .await?;
    Ok(any)
}

/// `false` if the e-mail address is taken.
pub(super) async fn insert_user(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: &NewUser<'_>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into users (tenant_id, id, email_sealed, email_index, name_sealed, password_hash, role_id)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict on constraint users_email_key do nothing",
        tenant.0,
        user.id.0,
        user.email_sealed,
        user.email_index,
        user.name_sealed,
        user.password_hash,
        user.role.0
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(super) async fn user_by_email(
    conn: &mut PgConnection,
    tenant: TenantId,
    email_index: &[u8],
) -> Result<Option<UserRow>> {
    let row = sqlx::query_as!(
        UserRow,
        r#"select id as "id: UserId", password_hash, permission_version from users
            where tenant_id = $1 and email_index = $2 and disabled_at is null"#,
        tenant.0,
        email_index
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(super) async fn user_grants(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Grants>> {
    let row = sqlx::query!(
        "select u.permission_version, r.permissions
           from users u
           join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
           join tenants t on t.id = u.tenant_id
          where u.tenant_id = $1 and u.id = $2 and u.disabled_at is null and t.suspended_at is null",
        tenant.0,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Grants {
        version: row.permission_version,
        permissions: PermissionSet::from_names(&row.permissions),
    }))
}

/// A key that is not revoked, of a tenant and a user that are still there.
pub(super) async fn api_key(conn: &mut PgConnection, id: ApiKeyId) -> Result<Option<KeyRow>> {
    let row = sqlx::query!(
        r#"select k.tenant_id as "tenant: TenantId", k.secret_hash, k.permissions, k.expires_at,
                  r.permissions as creator_permissions
             from api_keys k
             join tenants t on t.id = k.tenant_id and t.suspended_at is null
             join users u on u.tenant_id = k.tenant_id and u.id = k.created_by and u.disabled_at is null
             join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            where k.id = $1 and k.revoked_at is null"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| KeyRow {
        tenant: row.tenant,
        secret_hash: row.secret_hash,
        permissions: PermissionSet::from_names(&row.permissions),
        creator_permissions: PermissionSet::from_names(&row.creator_permissions),
        expires_at: row.expires_at,
    }))
}

pub(super) async fn insert_api_key(
    conn: &mut PgConnection,
    tenant: TenantId,
    by: UserId,
    key: &ApiKeyView,
    secret_hash: &[u8],
) -> Result<()> {
    sqlx::query!(
        "insert into api_keys (tenant_id, id, name, secret_hash, permissions, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant.0,
        key.id.0,
        key.name,
        secret_hash,
        &key.permissions,
        by.0,
        key.created_at,
        key.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keys with ids below `before`, newest first; or the one asked for.
pub(super) async fn api_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ApiKeyId>,
    before: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKeyView>> {
    let rows = sqlx::query_as!(
        ApiKeyView,
        r#"select id as "id: ApiKeyId", name, permissions, created_at, expires_at, revoked_at from api_keys
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// `false` if there is no such key that is not revoked yet.
pub(super) async fn revoke_api_key(conn: &mut PgConnection, tenant: TenantId, id: ApiKeyId) -> Result<bool> {
    let done = sqlx::query!(
        "update api_keys set revoked_at = clock_timestamp()
          where tenant_id = $1 and id = $2 and revoked_at is null",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Users with ids below `before`, newest first; or the one asked for.
pub(super) async fn users(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<UserId>,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserFacts>> {
    let rows = sqlx::query_as!(
        UserFacts,
        r#"select u.id as "id: UserId", r.name as role, u.email_sealed, u.name_sealed, u.created_at, u.disabled_at
             from users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            where u.tenant_id = $1 and ($2::uuid is null or u.id = $2) and ($3::uuid is null or u.id < $3)
            order by u.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) async fn insert_ticket(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Actor,
    hash: &[u8],
    grants: PermissionSet,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let (user, api_key) = match actor {
        Actor::User(user) => (Some(user.0), None),
        Actor::ApiKey(key) => (None, Some(key.0)),
        Actor::System => (None, None),
    };
    sqlx::query!(
        "insert into socket_tickets (tenant_id, hash, user_id, api_key_id, permissions, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        hash,
        user,
        api_key,
        &grants.names(),
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a ticket out, so that it serves once, and with it some that nobody used in time.
pub(super) async fn take_ticket(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<TicketRow>> {
    let row = sqlx::query!(
        r#"delete from socket_tickets where hash = $1
           returning tenant_id as "tenant: TenantId", user_id as "user: UserId", api_key_id as "key: ApiKeyId",
                     permissions, expires_at"#,
        hash
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from socket_tickets where (tenant_id, hash) in (
           select tenant_id, hash from socket_tickets where expires_at < $1 limit 100 for update skip locked)",
        now
    )
    .execute(conn)
    .await?;
    Ok(row.map(|row| TicketRow {
        tenant: row.tenant,
        user: row.user,
        api_key: row.key,
        permissions: PermissionSet::from_names(&row.permissions),
        expires_at: row.expires_at,
    }))
}
