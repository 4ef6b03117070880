//! Reports that were made.

use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    analytics::{
        document::{Range, Report, ReportKind},
        make::MadeReport,
    },
    error::{Error, Result},
    types::TenantId,
};

/// Keeps a report; where its job runs twice, the first stays.
pub(in crate::analytics) async fn put_made(
    conn: &mut PgConnection,
    tenant: TenantId,
    report: &Report,
) -> Result<()> {
    sqlx::query!(
        "insert into reports_made (tenant_id, id, kind, report) values ($1, $2, $3, $4)
         on conflict on constraint reports_made_pkey do nothing",
        tenant.0,
        report.id,
        report.kind.as_str(),
        serde_json::to_value(report).map_err(Error::internal)?
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::analytics) async fn get_made(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Report>> {
    let made = sqlx::query_scalar!(
        r#"select report as "report: Json<Report>" from reports_made where tenant_id = $1 and id = $2"#,
        tenant.0,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(made.map(|Json(report)| report))
}

/// The reports of a tenant with ids below `before`, newest first, without what they say.
pub(in crate::analytics) async fn list_made(
    conn: &mut PgConnection,
    tenant: TenantId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<MadeReport>> {
    let rows = sqlx::query!(
        r#"select id, kind, report -> 'range' as "range!: Json<Range>", report ->> 'zone' as "zone!", made_at
             from reports_made where tenant_id = $1 and id < $2 order by id desc limit $3"#,
        tenant.0,
        before.unwrap_or(Uuid::max()),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = ReportKind::named(&row.kind);
            let kind = kind.ok_or_else(|| Error::internal("a report of unheard-of kind"))?;
            Ok(MadeReport { id: row.id, kind, range: row.range.0, zone: row.zone, made_at: row.made_at })
        })
        .collect()
}

/// Deletes some reports, of all tenants, that were made so many days ago.
pub(crate) async fn drop_made(conn: &mut PgConnection, days: i32, most: i64) -> Result<u64> {
    let dropped = sqlx::query!(
        "delete from reports_made r
          using (select tenant_id, id from reports_made
                  where made_at < engine.now() - make_interval(days => $1) order by made_at limit $2) old
          where r.tenant_id = old.tenant_id and r.id = old.id",
        days,
        most
    )
    .execute(conn)
    .await?;
    Ok(dropped.rows_affected())
}
