//! What lies in the archive, as it is read.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    archive::{manifest::Log, month::Month},
    error::Result,
    types::TenantId,
};

/// A row of the table.
#[derive(Debug, Clone)]
pub(in crate::archive) struct ArchiveRow {
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub log: String,
    pub month: NaiveDate,
    pub state: String,
    pub refused: Option<String>,
    pub rows: Option<i64>,
    pub first_seq: Option<i64>,
    pub last_seq: Option<i64>,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub bytes: Option<i64>,
    pub manifest: Option<String>,
    pub key_id: Option<Uuid>,
    pub signature: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    pub verified_at: Option<DateTime<Utc>>,
    pub dropped_at: Option<DateTime<Utc>>,
    pub restored_at: Option<DateTime<Utc>>,
}

/// Archives: which, in which order and how many.
macro_rules! archives {
    ($which:literal $(, $value:expr)* $(,)?) => {
        sqlx::query_as!(
            ArchiveRow,
            "select tenant_id, id, log, month, state, refused, rows, first_seq, last_seq, first_at, last_at, bytes, manifest,
                    key_id, signature, created_at, verified_at, dropped_at, restored_at
               from log_archives " + $which
            $(, $value)*
        )
    };
}

/// How far each archive of a tenant is, by log and month.
pub(in crate::archive) async fn states(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<HashMap<(String, NaiveDate), String>> {
    // The newest part of a month is the last one, and so stays.
    let rows = sqlx::query!(
        "select log, month, state from log_archives where tenant_id = $1 order by log, month, part",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.log, row.month), row.state)).collect())
}

pub(in crate::archive) async fn get(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<ArchiveRow>> {
    let row = archives!("where tenant_id = $1 and id = $2", tenant.0, id).fetch_optional(conn).await?;
    Ok(row)
}

/// Archives of a tenant, the newest months first, those before a place.
pub(in crate::archive) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    log: Option<Log>,
    before: Option<(NaiveDate, Uuid)>,
    limit: i64,
) -> Result<Vec<ArchiveRow>> {
    let (month, id) = before.unzip();
    let rows = archives!(
        "where tenant_id = $1 and ($2::text is null or log = $2) and ($3::date is null or (month, id) < ($3, $4))
          order by month desc, id desc limit $5",
        tenant.0,
        log.map(Log::as_str),
        month,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What is planned, or written and not looked at yet, after a place; of all tenants or of one. By tenant and month, so
/// that no month goes before an older one.
pub(in crate::archive) async fn in_state(
    conn: &mut PgConnection,
    (only, state): (Option<Uuid>, &str),
    after: (Uuid, NaiveDate, &str),
    limit: i64,
) -> Result<Vec<ArchiveRow>> {
    let rows = archives!(
        "where state = $1 and ($2::uuid is null or tenant_id = $2) and (tenant_id, month, log) > ($3, $4, $5)
          order by tenant_id, month, log limit $6",
        state,
        only,
        after.0,
        after.1,
        after.2,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Archives of the audit log by which gaps of a chain are bridged: manifests with their signatures, in the order of the chain.
/// Only those that were read back: the rows of others have not left the database.
pub(in crate::archive) async fn of_chain(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<ArchiveRow>> {
    let rows = archives!(
        "where tenant_id = $1 and log = 'audit_log' and state in ('verified', 'dropped') order by first_seq",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Archives of a tenant whose files were read back, after a place, the oldest months of each log first.
pub(in crate::archive) async fn read_back(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: (&str, NaiveDate, Uuid),
    limit: i64,
) -> Result<Vec<ArchiveRow>> {
    let rows = archives!(
        "where tenant_id = $1 and state in ('verified', 'dropped') and (log, month, id) > ($2, $3, $4)
          order by log, month, id limit $5",
        tenant.0,
        after.0,
        after.1,
        after.2,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Archives of a tenant whose rows are shown beside the live ones.
pub(in crate::archive) async fn shown(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<ArchiveRow>> {
    let rows = archives!(
        "where tenant_id = $1 and log = 'audit_log' and restored_at is not null order by month",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Months of a log of which some tenant's rows were read back and are not noted as gone.
pub(in crate::archive) async fn verified_months(conn: &mut PgConnection, log: Log) -> Result<Vec<Month>> {
    let months = sqlx::query_scalar!(
        "select distinct month from log_archives where log = $1 and state = 'verified' order by month",
        log.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(months.into_iter().map(Month::of).collect())
}

/// Archives of a month that were read back and are not noted as gone, of tenants after one of them.
pub(in crate::archive) async fn verified_of(
    conn: &mut PgConnection,
    log: Log,
    month: Month,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ArchiveRow>> {
    let rows = archives!(
        "where log = $1 and month = $2 and state = 'verified' and tenant_id > $3 order by tenant_id limit $4",
        log.as_str(),
        month.first(),
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Rows that were read back, by tenant, of a month.
pub(in crate::archive) async fn archived(
    conn: &mut PgConnection,
    log: Log,
    month: Month,
) -> Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"select tenant_id, rows as "rows!" from log_archives
            where log = $1 and month = $2 and state in ('verified', 'dropped')"#,
        log.as_str(),
        month.first()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.rows)).collect())
}
