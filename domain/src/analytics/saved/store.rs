//! The tables of saved reports, of their recipients, and of what was sent of them.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{DeliveryView, span::Span};
use crate::{
    analytics::{calendar::Dates, document::ReportKind, export::FileFormat},
    error::{Error, Result},
    types::{AnalyticsExportId, ProviderId, SavedReportId, TemplateId, TenantId},
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

/// What a run of the workflow has settled.
pub(in crate::analytics) struct Delivery {
    pub export: AnalyticsExportId,
    pub days: Dates,
    pub zone: String,
    pub sent: bool,
}

/// Held until commit.
pub(in crate::analytics) async fn delivery(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
) -> Result<Option<Delivery>> {
    let row = sqlx::query!(
        r#"select export_id as "export: AnalyticsExportId", from_day, to_day, zone, sent_at
             from report_deliveries where tenant_id = $1 and id = $2 for update"#,
        tenant.0,
        run
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Delivery {
        export: row.export,
        days: Dates { from: row.from_day, to: row.to_day },
        zone: row.zone,
        sent: row.sent_at.is_some(),
    }))
}

pub(in crate::analytics) async fn insert_delivery(
    conn: &mut PgConnection,
    tenant: TenantId,
    (run, report): (Uuid, SavedReportId),
    days: Dates,
    zone: &str,
    export: AnalyticsExportId,
) -> Result<()> {
    sqlx::query!(
        "insert into report_deliveries (tenant_id, id, report_id, from_day, to_day, zone, export_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
        tenant.0,
        run,
        report.0,
        days.from as NaiveDate,
        days.to as NaiveDate,
        zone,
        export.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::analytics) async fn sent(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    messages: i32,
) -> Result<()> {
    sqlx::query!(
        "update report_deliveries set sent_at = engine.now(), messages = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        run,
        messages
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Newest first, those with ids below `before`.
pub(in crate::analytics) async fn deliveries(
    conn: &mut PgConnection,
    tenant: TenantId,
    report: SavedReportId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DeliveryView>> {
    let rows = sqlx::query_as!(
        DeliveryView,
        r#"select id, from_day as "from", to_day as "to", zone, export_id as "export_id: AnalyticsExportId", created_at,
                  sent_at, messages
             from report_deliveries where tenant_id = $1 and report_id = $2 and id < $3 order by id desc limit $4"#,
        tenant.0,
        report.0,
        before.unwrap_or(Uuid::max()),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The newest of each report.
pub(in crate::analytics) async fn newest(
    conn: &mut PgConnection,
    tenant: TenantId,
    reports: &[SavedReportId],
) -> Result<Vec<(SavedReportId, DeliveryView)>> {
    let rows = sqlx::query!(
        r#"select r.report as "report!", d.id, d.from_day, d.to_day, d.zone,
                  d.export_id as "export_id: AnalyticsExportId", d.created_at, d.sent_at, d.messages
             from unnest($2::uuid[]) r (report)
            cross join lateral (
              select * from report_deliveries d where d.tenant_id = $1 and d.report_id = r.report order by d.id desc limit 1) d"#,
        tenant.0,
        &reports.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    let delivery = rows.into_iter().map(|row| {
        let view = DeliveryView {
            id: row.id,
            from: row.from_day,
            to: row.to_day,
            zone: row.zone,
            export_id: row.export_id,
            created_at: row.created_at,
            sent_at: row.sent_at,
            messages: row.messages,
        };
        (SavedReportId(row.report), view)
    });
    Ok(delivery.collect())
}

/// Forgets what was sent long ago, of all tenants. Answers how many.
pub(in crate::analytics) async fn drop_old(conn: &mut PgConnection, days: i32, limit: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "delete from report_deliveries d
          using (select tenant_id, id from report_deliveries
                  where created_at < engine.now() - make_interval(days => $1) order by created_at limit $2) old
          where d.tenant_id = old.tenant_id and d.id = old.id",
        days,
        limit
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}
