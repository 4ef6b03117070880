//! The table of exports, and the reading of all others.

pub(in crate::privacy) mod statement;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::ExportState;
use crate::{
    error::Result,
    privacy::{manifest::Table, person::Person, requests::ExportView},
    types::{ExportId, PrivacyRequestId, SubjectId, TenantId},
};

/// A row of somebody, as it lies.
pub(in crate::privacy) struct Record {
    /// What is plain of it.
    pub facts: Value,
    pub key: Value,
    /// Where its sealed values belong.
    pub row: Uuid,
    pub subject: Option<SubjectId>,
    pub sealed: Vec<Option<Vec<u8>>>,
}

/// The rows of a table that are about somebody, behind the one with this key.
///
/// # Errors
/// If the database does not answer.
pub(in crate::privacy) async fn records(
    conn: &mut PgConnection,
    tenant: TenantId,
    table: &'static Table,
    person: &Person,
    after: Option<&Value>,
    limit: i64,
) -> Result<Vec<Record>> {
    let text = statement::page(table, person.is_staff(), after.is_some());
    let mut query = sqlx::query(AssertSqlSafe(text))
        .bind(tenant.0)
        .bind(person.leads.iter().map(|lead| lead.0).collect::<Vec<_>>())
        .bind(person.users.iter().map(|user| user.0).collect::<Vec<_>>())
        .bind(person.agents.iter().map(|agent| agent.0).collect::<Vec<_>>());
    for index in statement::INDEXES {
        query = query.bind(person.hashes_of(index));
    }
    let rows = query.bind(after.cloned()).bind(limit).fetch_all(conn).await?;
    let read = |row: sqlx::postgres::PgRow| -> Result<Record> {
        Ok(Record {
            facts: row.try_get("facts")?,
            key: row.try_get("key")?,
            row: row.try_get("row")?,
            subject: row.try_get::<Option<Uuid>, _>("subject")?.map(SubjectId),
            sealed: row.try_get("sealed")?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Begins an export, unless one of the request is being made. One whose run has ended without a file is given up.
pub(in crate::privacy) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    (id, request): (ExportId, PrivacyRequestId),
    subject: SubjectId,
    run: Uuid,
) -> Result<bool> {
    sqlx::query!(
        "update privacy_exports e set state = 'gone', gone_at = engine.now()
          where e.tenant_id = $1 and e.request_id = $2 and e.state = 'writing'
            and not exists (select from engine.runs r
                             where r.tenant_id = $1 and r.id = e.run_id and r.finished_at is null)",
        tenant.0,
        request.0
    )
    .execute(&mut *conn)
    .await?;
    let put = sqlx::query!(
        "insert into privacy_exports (tenant_id, id, request_id, subject_id, run_id) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, request_id) where state = 'writing' do nothing",
        tenant.0,
        id.0,
        request.0,
        subject.0,
        run
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// An export as whoever writes or reads it needs it.
pub(super) struct HeldExport {
    pub request: PrivacyRequestId,
    pub subject: SubjectId,
    pub state: ExportState,
    pub file: Option<String>,
    pub key_sealed: Option<Vec<u8>>,
    pub bytes: Option<i64>,
    pub pieces: Option<i32>,
    pub expires_at: Option<DateTime<Utc>>,
}

pub(super) async fn export(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ExportId,
) -> Result<Option<HeldExport>> {
    let row = sqlx::query_as!(
        HeldExport,
        r#"select request_id as "request: PrivacyRequestId", subject_id as "subject: SubjectId",
                  state as "state: ExportState", file, key_sealed, bytes, pieces, expires_at
             from privacy_exports where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// A file that is there.
pub(super) struct Ready<'r> {
    pub file: &'r str,
    pub key_sealed: &'r [u8],
    pub bytes: i64,
    pub pieces: i32,
    pub sha256: &'r [u8],
    pub records: i64,
    pub keep_days: i32,
}

/// Whether it was being written until now.
pub(super) async fn ready(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ExportId,
    file: &Ready<'_>,
) -> Result<bool> {
    let put = sqlx::query!(
        "update privacy_exports
            set state = 'ready', file = $3, key_sealed = $4, bytes = $5, pieces = $6, sha256_hash = $7, records = $8,
                ready_at = engine.now(), expires_at = engine.now() + make_interval(days => $9)
          where tenant_id = $1 and id = $2 and state = 'writing'",
        tenant.0,
        id.0,
        file.file,
        file.key_sealed,
        file.bytes,
        file.pieces,
        file.sha256,
        file.records,
        file.keep_days
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(super) async fn fetched(conn: &mut PgConnection, tenant: TenantId, id: ExportId) -> Result<()> {
    sqlx::query!(
        "update privacy_exports set downloads = downloads + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest exports of a request.
pub(in crate::privacy) async fn of_request(
    conn: &mut PgConnection,
    tenant: TenantId,
    request: PrivacyRequestId,
) -> Result<Vec<ExportView>> {
    let rows = sqlx::query_as!(
        ExportView,
        r#"select id as "id: ExportId", state as "state: ExportState", bytes as size,
                  encode(sha256_hash, 'hex') as sha256, records, created_at, ready_at, expires_at, downloads
             from privacy_exports where tenant_id = $1 and request_id = $2 order by id desc limit 20"#,
        tenant.0,
        request.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Exports of all tenants whose files are to be taken away.
pub(super) async fn expired(conn: &mut PgConnection, limit: i64) -> Result<Vec<(TenantId, ExportId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant: TenantId", id as "id: ExportId" from privacy_exports
            where state = 'ready' and expires_at <= engine.now() order by expires_at limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id)).collect())
}

pub(super) async fn gone(conn: &mut PgConnection, tenant: TenantId, id: ExportId) -> Result<()> {
    sqlx::query!(
        "update privacy_exports set state = 'gone', gone_at = engine.now(), key_sealed = null, file = null
          where tenant_id = $1 and id = $2 and state = 'ready'",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who else a tenant's messages go through: the kinds of its accounts and their channels.
pub(super) async fn recipients(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select distinct kind, channel from providers where tenant_id = $1 and deleted_at is null order by 2, 1 limit 200",
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.channel)).collect())
}

/// What the tenant is called.
pub(super) async fn tenant_name(conn: &mut PgConnection, tenant: TenantId) -> Result<String> {
    Ok(sqlx::query_scalar!("select name from tenants where id = $1", tenant.0).fetch_one(conn).await?)
}

/// Whether there is one that people belong to.
pub(super) async fn is_tenant(conn: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "select k.tenant_id from tenant_keys k where k.tenant_id = $1 and k.purpose = 'index' limit 1",
        tenant.0
    );
    Ok(found.fetch_optional(conn).await?.is_some())
}
