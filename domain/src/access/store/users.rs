//! The table of users.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    access::{
        demand::Standing,
        rights::Rights,
        rows::{RowScope, Rows},
    },
    error::Result,
    types::{AgentId, RoleId, SessionId, TeamId, TenantId, UserId},
};

pub(in crate::access) struct UserRow {
    pub id: UserId,
    pub password_hash: String,
}

/// What a user may do.
#[derive(Clone, Copy)]
pub(in crate::access) struct Grants {
    pub version: i64,
    pub rights: Rights,
    pub rows: Rows,
    /// Requests a second of the tenant.
    pub pace: Option<u32>,
    /// What gives the rights.
    pub role: RoleId,
    /// They have to set a second factor up before they may do anything else.
    pub enrols: bool,
    /// The first transaction that was not over when this was read, and the history that its number is of.
    pub since: i64,
    pub era: i64,
}

pub(in crate::access) struct UserFacts {
    pub id: UserId,
    pub role: String,
    pub email_sealed: Vec<u8>,
    pub name_sealed: Vec<u8>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

pub(in crate::access) struct NewUser<'a> {
    pub id: UserId,
    pub role: RoleId,
    pub email_sealed: &'a [u8],
    pub email_index: &'a [u8],
    pub name_sealed: &'a [u8],
    pub password_hash: &'a str,
}

pub(in crate::access) async fn has_users(conn: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    let any =
        sqlx::query_scalar!(r#"select exists (select from users where tenant_id = $1) as "any!""#, tenant.0)
            .fetch_one(conn)
            .await?;
    Ok(any)
}

/// `false` if the e-mail address is taken.
pub(in crate::access) async fn insert_user(
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

pub(in crate::access) async fn user_by_email(
    conn: &mut PgConnection,
    tenant: TenantId,
    email_index: &[u8],
) -> Result<Option<UserRow>> {
    let row = sqlx::query_as!(
        UserRow,
        r#"select id as "id: UserId", password_hash from users
            where tenant_id = $1 and email_index = $2 and disabled_at is null"#,
        tenant.0,
        email_index
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The version of what a user may do; none if they may not come in.
pub(in crate::access) async fn version_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<i64>> {
    Ok(user_grants(conn, tenant, user, None).await?.map(|grants| grants.version))
}

/// What a user may do who may come in, by a session that is open if one is named.
pub(in crate::access) async fn user_grants(
    conn: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    session: Option<SessionId>,
) -> Result<Option<Grants>> {
    let row = sqlx::query!(
        r#"select u.permission_version, u.role_id as "role: RoleId", r.name, r.built_in, r.permissions,
                  r.scope as "scope: RowScope", a.id as "agent?: AgentId", a.team_id as "team?: TeamId",
                  t.requests_per_s, t.second_factor_required as "demanded!",
                  exists (select from second_factors f
                    where f.tenant_id = u.tenant_id and f.user_id = u.id and f.confirmed_at is not null) as "confirmed!",
                  pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "since!",
                  (select e.era from access_era e) as "era!"
           from users u
           join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
           join tenants t on t.id = u.tenant_id
           left join agents a on a.tenant_id = u.tenant_id and a.user_id = u.id
           left join sessions s on s.tenant_id = u.tenant_id and s.id = $3 and s.user_id = u.id and s.ended_at is null
          where u.tenant_id = $1 and u.id = $2 and u.disabled_at is null and t.suspended_at is null
            and ($3::uuid is null or s.id is not null)"#,
        tenant.0,
        user.0,
        session.map(|id| id.0)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let held = Rights::of_role(&row.name, row.built_in, &row.permissions, row.scope);
        let standing = Standing { demanded: row.demanded, confirmed: row.confirmed };
        let by_login = session.is_some();
        let rights = Rights { permissions: standing.leaves(by_login, held.permissions), ..held };
        Grants {
            version: row.permission_version,
            rights,
            enrols: standing.only_enrols(by_login),
            rows: Rows::of(rights.scope, row.agent, row.team),
            pace: row.requests_per_s.and_then(|pace| u32::try_from(pace).ok()),
            role: row.role,
            since: row.since,
            era: row.era,
        }
    }))
}

/// Which users.
#[derive(Default)]
pub(in crate::access) struct Which<'a> {
    pub only: Option<UserId>,
    pub role: Option<&'a str>,
    pub disabled: Option<bool>,
    pub email_index: Option<&'a [u8]>,
}

/// Users that fit with ids below `before`, newest first.
pub(in crate::access) async fn users(
    conn: &mut PgConnection,
    tenant: TenantId,
    which: &Which<'_>,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserFacts>> {
    let rows = sqlx::query_as!(
        UserFacts,
        r#"select u.id as "id: UserId", r.name as role, u.email_sealed, u.name_sealed,
                  u.permission_version as version, u.created_at, u.disabled_at
             from users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            where u.tenant_id = $1 and ($2::uuid is null or u.id = $2) and ($3::uuid is null or u.id < $3)
              and ($5::text is null or r.name = $5) and ($6::bool is null or (u.disabled_at is not null) = $6)
              and ($7::bytea is null or u.email_index = $7)
            order by u.id desc limit $4"#,
        tenant.0,
        which.only.map(|id| id.0),
        before.map(|id| id.0),
        limit,
        which.role,
        which.disabled,
        which.email_index
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What a change must know of the user it changes.
pub(crate) struct HeldUser {
    pub role: RoleId,
    pub role_name: String,
    pub rights: Rights,
    pub disabled: bool,
    pub version: i64,
}

/// Locks a user.
pub(in crate::access) async fn lock_user(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: UserId,
) -> Result<Option<HeldUser>> {
    let row = sqlx::query!(
        r#"select r.id as "role: RoleId", r.name, r.built_in, r.permissions, r.scope as "scope: RowScope",
                  u.disabled_at is not null as "disabled!", u.permission_version as version
             from users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
            where u.tenant_id = $1 and u.id = $2 for update of u"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| HeldUser {
        role: row.role,
        rights: Rights::of_role(&row.name, row.built_in, &row.permissions, row.scope),
        role_name: row.name,
        disabled: row.disabled,
        version: row.version,
    }))
}

/// Gives a user a role, lets them in or keeps them out; what they may do is another version then.
pub(in crate::access) async fn update_user(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: UserId,
    role: RoleId,
    disabled: bool,
) -> Result<()> {
    sqlx::query!(
        "update users set role_id = $3, permission_version = permission_version + 1,
                disabled_at = case when $4 then coalesce(disabled_at, clock_timestamp()) end
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        role.0,
        disabled
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody with this built-in role may come in.
pub(in crate::access) async fn anyone_is(
    conn: &mut PgConnection,
    tenant: TenantId,
    role: &str,
) -> Result<bool> {
    let any = sqlx::query_scalar!(
        r#"select exists (
             select from users u join roles r on r.tenant_id = u.tenant_id and r.id = u.role_id
              where u.tenant_id = $1 and u.disabled_at is null and r.built_in and r.name = $2) as "any!""#,
        tenant.0,
        role
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// What all who have a role may do is another version; answers who they are.
pub(in crate::access) async fn bump_users_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    role: RoleId,
) -> Result<Vec<UserId>> {
    let users = sqlx::query_scalar!(
        r#"update users set permission_version = permission_version + 1
            where tenant_id = $1 and role_id = $2 returning id as "id: UserId""#,
        tenant.0,
        role.0
    )
    .fetch_all(conn)
    .await?;
    Ok(users)
}
