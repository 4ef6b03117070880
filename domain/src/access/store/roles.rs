//! The table of roles.

use sqlx::PgConnection;

use crate::{
    access::{rights::Rights, roles::RoleView, rows::RowScope},
    error::Result,
    types::{RoleId, TenantId},
};

/// A role to be written. One of the four holds what this build says, and nothing is written down of it.
pub(in crate::access) async fn insert_role(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RoleId,
    name: &str,
    own: Option<Rights>,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into roles (tenant_id, id, name, built_in, permissions, scope) values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint roles_name_key do nothing",
        tenant.0,
        id.0,
        name,
        own.is_none(),
        &own.map(|held| held.permissions.names()).unwrap_or_default(),
        own.map(|held| held.scope).unwrap_or_default().as_str()
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Roles with ids below `before`, newest first; or the one asked for.
pub(in crate::access) async fn roles(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<RoleId>,
    before: Option<RoleId>,
    limit: i64,
) -> Result<Vec<RoleView>> {
    let rows = sqlx::query!(
        r#"select id as "id: RoleId", name, built_in, permissions, scope as "scope: RowScope", version from roles
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let held = Rights::of_role(&row.name, row.built_in, &row.permissions, row.scope);
            RoleView {
                id: row.id,
                permissions: held.permissions.names(),
                scope: held.scope,
                name: row.name,
                built_in: row.built_in,
                version: row.version,
            }
        })
        .collect())
}

/// The role of a name, which stays as long as the transaction does.
pub(in crate::access) async fn role_by_name(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<(RoleId, Rights)>> {
    let row = sqlx::query!(
        r#"select id as "id: RoleId", built_in, permissions, scope as "scope: RowScope" from roles
            where tenant_id = $1 and name = $2 for key share"#,
        tenant.0,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, Rights::of_role(name, row.built_in, &row.permissions, row.scope))))
}

/// Locks a role, also against being given; answers whether it is one of the four, what it holds, and its version.
pub(in crate::access) async fn lock_role(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RoleId,
) -> Result<Option<(bool, Rights, i64)>> {
    let row = sqlx::query!(
        r#"select name, built_in, permissions, scope as "scope: RowScope", version from roles
            where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let held = Rights::of_role(&row.name, row.built_in, &row.permissions, row.scope);
        (row.built_in, held, row.version)
    }))
}

/// `false` if the name is taken.
pub(in crate::access) async fn update_role(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RoleId,
    name: &str,
    held: Rights,
) -> Result<bool> {
    let put = sqlx::query!(
        "update roles set name = $3, permissions = $4, scope = $5, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        name,
        &held.permissions.names(),
        held.scope.as_str()
    )
    .execute(conn)
    .await;
    match put {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("roles_name_key") => Ok(false),
        put => Ok(put?.rows_affected() == 1),
    }
}

/// `false` if somebody has it.
pub(in crate::access) async fn delete_role(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: RoleId,
) -> Result<bool> {
    let done = sqlx::query!(
        "delete from roles r where r.tenant_id = $1 and r.id = $2
            and not exists (select from users u where u.tenant_id = r.tenant_id and u.role_id = r.id)",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks one of the four.
pub(in crate::access) async fn lock_role_named(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<()> {
    sqlx::query_scalar!(
        "select id from roles where tenant_id = $1 and name = $2 and built_in for no key update",
        tenant.0,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}
