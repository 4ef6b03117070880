//! The table of what was sent of saved reports.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    analytics::{calendar::Dates, saved::DeliveryView},
    error::Result,
    types::{AnalyticsExportId, SavedReportId, TenantId},
};

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
