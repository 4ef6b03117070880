//! The table of API keys.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    access::{
        keys::ApiKeyView,
        permission::PermissionSet,
        rights::Rights,
        rows::{RowScope, Rows},
    },
    error::Result,
    types::{AgentId, ApiKeyId, TeamId, TenantId, UserId},
};

#[derive(Clone)]
pub(in crate::access) struct KeyRow {
    pub tenant: TenantId,
    pub maker: UserId,
    pub secret_hash: Vec<u8>,
    pub permissions: PermissionSet,
    pub maker_rights: Rights,
    pub rows: Rows,
    /// Requests a second of the tenant.
    pub pace: Option<u32>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl KeyRow {
    /// What it may do: what it was given, and its maker still holds. None once it has expired.
    pub fn grants(&self, now: DateTime<Utc>) -> Option<PermissionSet> {
        let good = self.expires_at.is_none_or(|at| at > now);
        good.then(|| self.rights().permissions)
    }

    /// What it was given, as far as its maker still holds it.
    pub fn rights(&self) -> Rights {
        let permissions = self.permissions.intersection(self.maker_rights.permissions);
        Rights { permissions, scope: self.maker_rights.scope }
    }
}

/// A key that is not revoked, of a tenant and a user that are still there.
pub(in crate::access) async fn api_key(conn: &mut PgConnection, id: ApiKeyId) -> Result<Option<KeyRow>> {
    let row = sqlx::query!(
        r#"select k.tenant_id as "tenant: TenantId", k.created_by as "maker: UserId", k.secret_hash, k.permissions,
                  k.expires_at, r.name as role, r.built_in, r.permissions as role_permissions,
                  r.scope as "scope: RowScope", a.id as "agent?: AgentId", a.team_id as "team?: TeamId",
                  t.requests_per_s
             from api_keys k
             join tenants t on t.id = k.tenant_id and t.suspended_at is null
             join users u on u.tenant_id = k.tenant_id and u.id = k.created_by and u.disabled_at is null
             join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
             left join agents a on a.tenant_id = u.tenant_id and a.user_id = u.id
            where k.id = $1 and k.revoked_at is null"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let maker_rights = Rights::of_role(&row.role, row.built_in, &row.role_permissions, row.scope);
        KeyRow {
            tenant: row.tenant,
            maker: row.maker,
            secret_hash: row.secret_hash,
            permissions: PermissionSet::from_names(&row.permissions),
            maker_rights,
            rows: Rows::of(maker_rights.scope, row.agent, row.team),
            pace: row.requests_per_s.and_then(|pace| u32::try_from(pace).ok()),
            expires_at: row.expires_at,
        }
    }))
}

pub(in crate::access) async fn insert_api_key(
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
pub(in crate::access) async fn api_keys(
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
pub(in crate::access) async fn revoke_api_key(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ApiKeyId,
) -> Result<bool> {
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

/// Who made a key.
pub(in crate::access) async fn maker_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    key: ApiKeyId,
) -> Result<Option<UserId>> {
    let maker = sqlx::query_scalar!(
        r#"select created_by as "maker: UserId" from api_keys where tenant_id = $1 and id = $2"#,
        tenant.0,
        key.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(maker)
}

/// The keys that a user made and that are not revoked.
pub(in crate::access) async fn keys_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    maker: UserId,
) -> Result<Vec<ApiKeyId>> {
    let keys = sqlx::query_scalar!(
        r#"select id as "id: ApiKeyId" from api_keys where tenant_id = $1 and created_by = $2 and revoked_at is null"#,
        tenant.0,
        maker.0
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}
