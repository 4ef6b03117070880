//! Whose data was opened for whom.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// What one of the tenant's was shown.
pub(in crate::processing) struct Row<'a> {
    pub id: Uuid,
    /// Kind and id.
    pub actor: (&'static str, Option<Uuid>),
    pub exported: bool,
    pub subjects: &'a [Uuid],
    pub missed: i64,
}

pub(in crate::processing) async fn put(
    conn: &mut PgConnection,
    tenant: TenantId,
    (first_at, last_at): (DateTime<Utc>, DateTime<Utc>),
    row: &Row<'_>,
) -> Result<()> {
    sqlx::query!(
        "insert into personal_reads (tenant_id, id, first_at, last_at, actor_kind, actor_id, exported, subjects, missed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant.0,
        row.id,
        first_at,
        last_at,
        row.actor.0,
        row.actor.1,
        row.exported,
        row.subjects,
        row.missed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops what is past its keeping, over all tenants: so many rows at the most; answers how many.
pub(crate) async fn drop_old(conn: &mut PgConnection, days: i32, limit: i64) -> Result<u64> {
    let gone = sqlx::query!(
        "delete from personal_reads
          where (tenant_id, id) in (select tenant_id, id from personal_reads
                                     where last_at < engine.now() - make_interval(days => $1)
                                     order by last_at limit $2)",
        days,
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
