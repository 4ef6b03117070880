//! What things are called that figures are told apart by. Those that are gone keep their names.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// The name and the zone of a tenant.
pub(in crate::analytics) async fn tenant(conn: &mut PgConnection, id: TenantId) -> Result<(String, String)> {
    let row = sqlx::query!("select name, zone from tenants where id = $1", id.0).fetch_one(conn).await?;
    Ok((row.name, row.zone))
}

pub(in crate::analytics) async fn teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<String, String>> {
    let rows =
        sqlx::query!("select id, name from teams where tenant_id = $1 and id = any($2)", tenant.0, ids)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
}

pub(in crate::analytics) async fn providers(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<String, String>> {
    let rows =
        sqlx::query!("select id, name from providers where tenant_id = $1 and id = any($2)", tenant.0, ids)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.id.to_string(), row.name)).collect())
}

/// By name, locale and version, so that two of one name are told apart.
pub(in crate::analytics) async fn templates(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        "select id, name, locale, version from templates where tenant_id = $1 and id = any($2)",
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?;
    let named = |name: String, locale: &str, version: i32| {
        let locale = if locale.is_empty() { String::new() } else { format!(" {locale}") };
        format!("{name}{locale}, version {version}")
    };
    Ok(rows.into_iter().map(|row| (row.id.to_string(), named(row.name, &row.locale, row.version))).collect())
}
