//! The table of exports.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    analytics::export::{ExportView, FileState, GoneWhy},
    ctx::Actor,
    error::Result,
    types::{AnalyticsExportId, TenantId},
};

/// One to be written.
pub(in crate::analytics) struct NewRow<'r> {
    pub id: AnalyticsExportId,
    pub what: &'r str,
    pub format: &'r str,
    pub spec: &'r Value,
    pub personal: bool,
    pub job: Uuid,
    pub keep_hours: i32,
    pub run: Option<Uuid>,
}

pub(in crate::analytics) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    new: &NewRow<'_>,
    by: Actor,
) -> Result<()> {
    sqlx::query!(
        "insert into analytics_exports (tenant_id, id, what, format, spec, personal, asked_by_kind, asked_by, job_id,
                                        keep_hours, run_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.0,
        new.id.0,
        new.what,
        new.format,
        new.spec,
        new.personal,
        by.kind(),
        by.id(),
        new.job,
        new.keep_hours,
        new.run
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives those up whose jobs have ended without a file. Answers which they were.
pub(in crate::analytics) async fn give_up_of(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<AnalyticsExportId>> {
    let given_up = sqlx::query_scalar!(
        r#"update analytics_exports e set state = 'gone', gone_at = engine.now(), gone_why = 'failed'
            where e.tenant_id = $1 and e.state = 'writing'
              and not exists (select from engine.jobs j where j.tenant_id = $1 and j.id = e.job_id)
           returning e.id as "id: AnalyticsExportId""#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(given_up)
}

/// How many are being written for somebody who has asked: what is sent waits in its own queue of runs.
pub(in crate::analytics) async fn count_open(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let open = sqlx::query_scalar!(
        r#"select count(*) as "count!" from analytics_exports
            where tenant_id = $1 and state = 'writing' and run_id is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(open)
}

/// How many files are kept for somebody who has asked, counted up to `most`.
pub(in crate::analytics) async fn count_kept(
    conn: &mut PgConnection,
    tenant: TenantId,
    most: i64,
) -> Result<i64> {
    let kept = sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from (select from analytics_exports
                    where tenant_id = $1 and state = 'ready' and run_id is null and expires_at > engine.now() limit $2) kept"#,
        tenant.0,
        most
    )
    .fetch_one(conn)
    .await?;
    Ok(kept)
}

/// What a job is to write.
pub(in crate::analytics) struct Taken {
    pub what: String,
    pub attempt: i32,
    pub format: String,
    pub spec: Value,
    pub personal: bool,
}

/// Begins an attempt at an export; none if it is not to be written any more. What an attempt before is late with does not
/// count from then on.
pub(in crate::analytics) async fn take(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
) -> Result<Option<Taken>> {
    let taken = sqlx::query_as!(
        Taken,
        "update analytics_exports set attempt = attempt + 1
          where tenant_id = $1 and id = $2 and state = 'writing' returning what, attempt, format, spec, personal",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(taken)
}

/// The database's clock, in the transaction that reads the rows.
pub(in crate::analytics) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select engine.now() as "now!""#).fetch_one(conn).await?)
}

/// A file that is there.
pub(in crate::analytics) struct Ready<'r> {
    pub attempt: i32,
    pub snapshot_at: DateTime<Utc>,
    pub file: &'r str,
    pub key_sealed: &'r [u8],
    pub bytes: i64,
    pub pieces: i32,
    pub sha256: &'r str,
    pub rows: i64,
    pub people: Option<&'r [u8]>,
}

/// Whether this attempt may still say so: nobody has begun another, and nobody was erased meanwhile.
pub(in crate::analytics) async fn ready(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
    file: &Ready<'_>,
) -> Result<bool> {
    let put = sqlx::query!(
        "update analytics_exports
            set state = 'ready', snapshot_at = $4, file = $5, key_sealed = $6, bytes = $7, pieces = $8, sha256 = $9,
                rows = $10, people = $11, ready_at = engine.now(),
                expires_at = engine.now() + make_interval(hours => keep_hours)
          where tenant_id = $1 and id = $2 and state = 'writing' and attempt = $3",
        tenant.0,
        id.0,
        file.attempt,
        file.snapshot_at,
        file.file,
        file.key_sealed,
        file.bytes,
        file.pieces,
        file.sha256,
        file.rows,
        file.people
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// An export as whoever reads its file needs it.
pub(in crate::analytics) struct Held {
    pub what: String,
    pub format: String,
    pub personal: bool,
    pub state: FileState,
    pub file: Option<String>,
    pub key_sealed: Option<Vec<u8>>,
    pub bytes: Option<i64>,
    pub pieces: Option<i32>,
    pub snapshot_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

pub(in crate::analytics) async fn held(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
) -> Result<Option<Held>> {
    let row = sqlx::query_as!(
        Held,
        r#"select what, format, personal, state as "state: FileState", file, key_sealed, bytes, pieces, snapshot_at,
                  expires_at
             from analytics_exports where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Counts that it was fetched; `false` if it is gone.
pub(in crate::analytics) async fn fetched(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
) -> Result<bool> {
    let counted = sqlx::query!(
        "update analytics_exports set downloads = downloads + 1 where tenant_id = $1 and id = $2 and state = 'ready'",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(counted.rows_affected() == 1)
}

/// Newest first, those with ids below `before`.
pub(in crate::analytics) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<AnalyticsExportId>,
    state: Option<FileState>,
    before: Option<AnalyticsExportId>,
    limit: i64,
) -> Result<Vec<ExportView>> {
    let rows = sqlx::query_as!(
        ExportView,
        r#"select id as "id: AnalyticsExportId", what, format, state as "state: FileState", personal, asked_by,
                  job_id as operation_id, rows, bytes as size, sha256, snapshot_at, created_at, ready_at, expires_at,
                  gone_at, gone_why as "gone_why: GoneWhy", downloads
             from analytics_exports
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::text is null or state = $3)
              and id < $4
            order by id desc limit $5"#,
        tenant.0,
        id.map(|id| id.0),
        state as Option<FileState>,
        before.map_or(Uuid::max(), |id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Ends an export: nobody fetches its file from now on, nor finishes it. `false` if it had ended.
pub(in crate::analytics) async fn end(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
    why: GoneWhy,
) -> Result<bool> {
    let ended = sqlx::query!(
        "update analytics_exports
            set state = 'gone', gone_at = engine.now(), gone_why = $3, file = null, key_sealed = null, people = null
          where tenant_id = $1 and id = $2 and state <> 'gone'",
        tenant.0,
        id.0,
        why as GoneWhy
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends an export that its newest attempt, this one, does not write to its end. `false` if it has ended, or there is a newer one.
pub(in crate::analytics) async fn give_up(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
    attempt: i32,
) -> Result<bool> {
    let ended = sqlx::query!(
        "update analytics_exports set state = 'gone', gone_at = engine.now(), gone_why = 'failed'
          where tenant_id = $1 and id = $2 and state = 'writing' and attempt = $3",
        tenant.0,
        id.0,
        attempt
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// What the tenant is called.
pub(in crate::analytics) async fn tenant_name(conn: &mut PgConnection, tenant: TenantId) -> Result<String> {
    Ok(sqlx::query_scalar!("select name from tenants where id = $1", tenant.0).fetch_one(conn).await?)
}
