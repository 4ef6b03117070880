//! The tables of saved reports and of their recipients; `deliveries` of what was sent of them.

mod deliveries;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub(in crate::analytics) use self::deliveries::{
    deliveries, delivery, drop_old, insert_delivery, newest, sent,
};
use super::span::Span;
use crate::{
    analytics::{document::ReportKind, export::FileFormat},
    error::{Error, Result},
    types::{ProviderId, SavedReportId, TemplateId, TenantId},
};

/// A saved report as it lies.
pub(in crate::analytics) struct Row {
    pub id: SavedReportId,
    pub name: String,
    kind: String,
    format: String,
    span: String,
    pub zone: Option<String>,
    pub crontab: Option<String>,
    pub schedule_id: Option<Uuid>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    pub personal: bool,
    pub created_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Row {
    pub(in crate::analytics) fn kind(&self) -> Result<ReportKind> {
        ReportKind::named(&self.kind).ok_or_else(|| unknown(&self.kind))
    }

    pub(in crate::analytics) fn span(&self) -> Result<Span> {
        Span::named(&self.span).ok_or_else(|| unknown(&self.span))
    }

    pub(in crate::analytics) fn format(&self) -> Result<FileFormat> {
        FileFormat::named(&self.format).ok_or_else(|| unknown(&self.format))
    }
}

fn unknown(word: &str) -> Error {
    Error::internal(format!("a saved report says {word}"))
}

/// What is said of one.
pub(in crate::analytics) struct Put<'p> {
    pub name: &'p str,
    pub kind: &'p str,
    pub format: &'p str,
    pub span: &'p str,
    pub zone: Option<&'p str>,
    pub crontab: Option<&'p str>,
    pub provider: Option<ProviderId>,
    pub template: Option<TemplateId>,
    pub personal: bool,
}

/// `false` if its name is taken.
pub(in crate::analytics) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SavedReportId,
    put: &Put<'_>,
    by: Option<Uuid>,
) -> Result<bool> {
    let made = sqlx::query!(
        "insert into saved_reports (tenant_id, id, name, kind, format, span, zone, crontab, provider_id, template_id,
                                    personal, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict on constraint saved_reports_name_key do nothing",
        tenant.0,
        id.0,
        put.name,
        put.kind,
        put.format,
        put.span,
        put.zone,
        put.crontab,
        put.provider.map(|id| id.0),
        put.template.map(|id| id.0),
        put.personal,
        by
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

pub(in crate::analytics) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SavedReportId,
    put: &Put<'_>,
) -> Result<()> {
    sqlx::query!(
        "update saved_reports
            set name = $3, kind = $4, format = $5, span = $6, zone = $7, crontab = $8, provider_id = $9, template_id = $10,
                personal = $11, schedule_id = case when $8::text is not null then schedule_id end, version = version + 1,
                updated_at = engine.now()
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        put.name,
        put.kind,
        put.format,
        put.span,
        put.zone,
        put.crontab,
        put.provider.map(|id| id.0),
        put.template.map(|id| id.0),
        put.personal
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::analytics) async fn set_schedule(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SavedReportId,
    schedule: Option<Uuid>,
) -> Result<()> {
    sqlx::query!(
        "update saved_reports set schedule_id = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        schedule
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::analytics) async fn delete(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SavedReportId,
) -> Result<()> {
    sqlx::query!("delete from saved_reports where tenant_id = $1 and id = $2", tenant.0, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::analytics) async fn count(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from saved_reports where tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(in crate::analytics) async fn is_name_taken(
    conn: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<bool> {
    let taken = sqlx::query_scalar!(
        r#"select exists (select from saved_reports where tenant_id = $1 and name = $2) as "taken!""#,
        tenant.0,
        name
    )
    .fetch_one(conn)
    .await?;
    Ok(taken)
}

/// Keeps one as it is until the commit.
pub(in crate::analytics) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: SavedReportId,
) -> Result<Option<Row>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: SavedReportId", name, kind, format, span, zone, crontab, schedule_id,
                  provider_id as "provider_id: ProviderId", template_id as "template_id: TemplateId", personal, created_by,
                  version,
                  created_at, updated_at
             from saved_reports where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Newest first, those with ids below `before`.
pub(in crate::analytics) async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Option<SavedReportId>,
    before: Option<SavedReportId>,
    limit: i64,
) -> Result<Vec<Row>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: SavedReportId", name, kind, format, span, zone, crontab, schedule_id,
                  provider_id as "provider_id: ProviderId", template_id as "template_id: TemplateId", personal, created_by,
                  version,
                  created_at, updated_at
             from saved_reports
            where tenant_id = $1 and ($2::uuid is null or id = $2) and id < $3 order by id desc limit $4"#,
        tenant.0,
        id.map(|id| id.0),
        before.map_or(Uuid::max(), |id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Somebody whom a report is sent to.
pub(in crate::analytics) struct RecipientRow {
    pub id: Uuid,
    pub report: SavedReportId,
    pub to_sealed: Vec<u8>,
    pub to_index: Vec<u8>,
}

/// In the order in which they were named.
pub(in crate::analytics) async fn recipients(
    conn: &mut PgConnection,
    tenant: TenantId,
    reports: &[SavedReportId],
) -> Result<Vec<RecipientRow>> {
    let rows = sqlx::query_as!(
        RecipientRow,
        r#"select id, report_id as "report: SavedReportId", to_sealed, to_index from saved_report_recipients
            where tenant_id = $1 and report_id = any($2) order by id"#,
        tenant.0,
        &reports.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(in crate::analytics) async fn insert_recipient(
    conn: &mut PgConnection,
    tenant: TenantId,
    report: SavedReportId,
    (id, sealed, index): (Uuid, &[u8], &[u8]),
) -> Result<()> {
    sqlx::query!(
        "insert into saved_report_recipients (tenant_id, id, report_id, to_sealed, to_index) values ($1, $2, $3, $4, $5)",
        tenant.0,
        id,
        report.0,
        sealed,
        index
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::analytics) async fn drop_recipients(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<()> {
    sqlx::query!("delete from saved_report_recipients where tenant_id = $1 and id = any($2)", tenant.0, ids)
        .execute(conn)
        .await?;
    Ok(())
}
