//! What was done by an erasure, and how far it is.

use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{ErasureId, TenantId},
};

/// Adds to what was done.
pub(in crate::privacy::erasure) async fn add_count(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    what: &str,
    deed: &str,
    n: usize,
) -> Result<()> {
    if n == 0 {
        return Ok(());
    }
    sqlx::query!(
        "insert into erasure_counts as c (tenant_id, erasure_id, what, deed, n) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, erasure_id, what, deed) do update set n = c.n + excluded.n",
        tenant.0,
        id.0,
        what,
        deed,
        i64::try_from(n).unwrap_or(i64::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was done: to what, what, and how often.
pub(in crate::privacy::erasure) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        "select what, deed, n from erasure_counts where tenant_id = $1 and erasure_id = $2 order by what, deed",
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.what, row.deed, row.n)).collect())
}

/// Notes how far the tables were gone through; from none on all of them are gone through once more.
pub(in crate::privacy::erasure) async fn note_place(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    place: Option<&str>,
    cursor: Option<&[String]>,
) -> Result<()> {
    sqlx::query!(
        "update erasures set place = $3, cursor = $4 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        place,
        cursor
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::privacy::erasure) async fn finish(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
    certificate: &Value,
) -> Result<()> {
    sqlx::query!(
        "update erasures set state = 'done', finished_at = engine.now(), certificate = $3, place = null, cursor = null
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        certificate
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::privacy::erasure) async fn certificate(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ErasureId,
) -> Result<Option<Option<Value>>> {
    let found = sqlx::query_scalar!(
        "select certificate from erasures where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(found)
}
