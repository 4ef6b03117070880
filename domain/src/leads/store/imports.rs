//! The tables of imports and of the rows they left out.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::import::{ImportView, Rejection};
use crate::{
    error::Result,
    types::{ImportId, TenantId},
};

pub(in crate::leads) async fn insert_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ImportId,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into imports (tenant_id, id, status, created_by) values ($1, $2, 'running', $3)",
        tenant.0,
        id.0,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn insert_rejections(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    rejections: &[Rejection],
) -> Result<()> {
    sqlx::query!(
        r#"insert into import_rejections (tenant_id, import_id, line, "column", reason)
           select $1, $2, * from unnest($3::bigint[], $4::text[], $5::text[])"#,
        tenant.0,
        import.0,
        &rejections.iter().map(|row| row.line).collect::<Vec<_>>(),
        &rejections.iter().map(|row| row.column.clone()).collect::<Vec<_>>() as _,
        &rejections.iter().map(|row| row.reason.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn count_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    accepted: usize,
    rejected: usize,
) -> Result<()> {
    sqlx::query!(
        "update imports set accepted = accepted + $3, rejected = rejected + $4, touched_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        import.0,
        i64::try_from(accepted).unwrap_or(i64::MAX),
        i64::try_from(rejected).unwrap_or(i64::MAX),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn close_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    status: &str,
    reason: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update imports set status = $3, reason = $4, finished_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        import.0,
        status,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::leads) async fn close_lost_imports(conn: &mut PgConnection) -> Result<u64> {
    let closed = sqlx::query!(
        "update imports set status = 'interrupted', finished_at = engine.now(),
                reason = 'the server was lost on the way; the rows before are there, send the rest again'
          where status = 'running' and touched_at < engine.now() - interval '5 minutes'"
    )
    .execute(conn)
    .await?;
    Ok(closed.rows_affected())
}

pub(in crate::leads) async fn import(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ImportId,
) -> Result<Option<ImportView>> {
    let row = sqlx::query_as!(
        ImportView,
        r#"select id as "id: ImportId", status, accepted, rejected, reason, created_at, finished_at
             from imports where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(in crate::leads) async fn rejections(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    after: i64,
    limit: i64,
) -> Result<Vec<Rejection>> {
    let rows = sqlx::query_as!(
        Rejection,
        r#"select line, "column", reason from import_rejections
            where tenant_id = $1 and import_id = $2 and line > $3 order by line limit $4"#,
        tenant.0,
        import.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
