//! The table of imports.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::import::{How, ImportView};
use crate::{
    error::{Error, Result},
    types::{ImportId, TenantId},
};

pub(in crate::leads) async fn insert_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ImportId,
    how: How,
    by: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "insert into imports (tenant_id, id, status, dry_run, on_duplicate, created_by)
         values ($1, $2, 'running', $3, $4, $5)",
        tenant.0,
        id.0,
        how.dry_run,
        how.on_duplicate.as_str(),
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says that an import under way lives.
pub(in crate::leads) async fn touch_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
) -> Result<()> {
    let touched = sqlx::query!(
        "update imports set touched_at = engine.now() where tenant_id = $1 and id = $2 and status = 'running'",
        tenant.0,
        import.0
    );
    require_running(touched.execute(conn).await?.rows_affected())
}

/// Refuses what is written of an import that was closed by others: no row of it was hit.
pub(super) fn require_running(hit: u64) -> Result<()> {
    if hit > 0 {
        return Ok(());
    }
    let detail = "the import was given up as lost before its file was over; the rows that its report names are there, \
                  send the rest again";
    Err(Error::conflict("import-over", detail))
}

pub(in crate::leads) async fn close_import(
    conn: &mut PgConnection,
    tenant: TenantId,
    import: ImportId,
    status: &str,
    reason: Option<&str>,
) -> Result<()> {
    let closed = sqlx::query!(
        "update imports set status = $3, reason = $4, finished_at = engine.now()
          where tenant_id = $1 and id = $2 and status = 'running'",
        tenant.0,
        import.0,
        status,
        reason
    );
    require_running(closed.execute(conn).await?.rows_affected())
}

/// Closes those that have been silent for long, and answers which.
pub(in crate::leads) async fn close_lost_imports(
    conn: &mut PgConnection,
) -> Result<Vec<(TenantId, ImportId)>> {
    let closed = sqlx::query!(
        r#"update imports set status = 'interrupted', finished_at = engine.now(),
                reason = 'the server was lost on the way; the rows before are there, send the rest again'
          where status = 'running' and touched_at < engine.now() - interval '5 minutes'
          returning tenant_id as "tenant: TenantId", id as "id: ImportId""#
    )
    .fetch_all(conn)
    .await?;
    Ok(closed.into_iter().map(|row| (row.tenant, row.id)).collect())
}

/// Newest first; of those that somebody has begun, if anybody is named.
pub(in crate::leads) async fn imports(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<ImportId>,
    by: Option<Uuid>,
    before: Option<ImportId>,
    limit: i64,
) -> Result<Vec<ImportView>> {
    let rows = sqlx::query_as!(
        ImportView,
        r#"select id as "id: ImportId", status, dry_run, on_duplicate, created, updated, duplicates, rejected, reason,
                  created_by, created_at, finished_at
             from imports
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or created_by = $3)
              and ($4::uuid is null or id < $4)
            order by id desc limit $5"#,
        tenant.0,
        only.map(|id| id.0),
        by,
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
