//! What a tenant says of its processing.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// What is stored.
pub(in crate::processing) struct RecordRow {
    pub id: Uuid,
    pub record_sealed: Vec<u8>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

pub(in crate::processing) async fn record(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<RecordRow>> {
    let row = sqlx::query_as!(
        RecordRow,
        "select id, record_sealed, version, updated_at from processing_records where tenant_id = $1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Locks what a tenant says, begun as this row if it has said nothing yet; answers its id and the version that was there,
/// 0 for none.
pub(in crate::processing) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<(Uuid, i64)> {
    sqlx::query!(
        "insert into processing_records (tenant_id, id, record_sealed, version) values ($1, $2, '', 0)
         on conflict (tenant_id) do nothing",
        tenant.0,
        id
    )
    .execute(&mut *conn)
    .await?;
    let row =
        sqlx::query!("select id, version from processing_records where tenant_id = $1 for update", tenant.0)
            .fetch_one(conn)
            .await?;
    Ok((row.id, row.version))
}

pub(in crate::processing) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    record_sealed: &[u8],
) -> Result<()> {
    sqlx::query!(
        "update processing_records set record_sealed = $2, version = version + 1, updated_at = engine.now()
          where tenant_id = $1",
        tenant.0,
        record_sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What carries the tenant's messages: kinds of providers and their channels.
pub(in crate::processing) async fn carriers(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select distinct kind, channel from providers where tenant_id = $1 order by kind, channel limit 100",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.channel)).collect())
}

/// How many servers outside are told what happens.
pub(in crate::processing) async fn webhooks(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from webhook_endpoints where tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}
