//! The table of exports, where they are to end: because of who is in them, or because their time is over.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    analytics::export::GoneWhy,
    error::Result,
    types::{AnalyticsExportId, TenantId},
};

/// Whose keys were destroyed since an instant, at most a million.
pub(in crate::analytics) async fn erased_since(
    conn: &mut PgConnection,
    tenant: TenantId,
    since: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    let erased = sqlx::query_scalar!(
        "select subject_id from erasure_subjects where tenant_id = $1 and destroyed_at >= $2 limit 1000000",
        tenant.0,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(erased)
}

/// The next file in which people may be, behind one, with the bits that stand for them.
pub(in crate::analytics) async fn next_with_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: AnalyticsExportId,
) -> Result<Option<(AnalyticsExportId, Vec<u8>)>> {
    let row = sqlx::query!(
        r#"select id as "id: AnalyticsExportId", people as "people!" from analytics_exports
            where tenant_id = $1 and id > $2 and state = 'ready' and people is not null order by id limit 1"#,
        tenant.0,
        after.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.people)))
}

/// Those that ended because somebody in them was erased or restricted, since a day: their files are to be gone.
pub(in crate::analytics) async fn ended_with_people(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<AnalyticsExportId>> {
    let ended = sqlx::query_scalar!(
        r#"select id as "id: AnalyticsExportId" from analytics_exports
            where tenant_id = $1 and state = 'gone' and gone_why in ('erased', 'restricted')
              and gone_at > engine.now() - interval '1 day'
            order by id limit 1000"#,
        tenant.0
    )
    .fetch_all(conn)
    .await?;
    Ok(ended)
}

/// Exports of all tenants that are to end, and why: their time is over, or their job has ended without a file.
pub(in crate::analytics) async fn over(
    conn: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(TenantId, AnalyticsExportId, GoneWhy)>> {
    let rows = sqlx::query!(
        r#"(select tenant_id as "tenant!: TenantId", id as "id!: AnalyticsExportId", 'expired' as "why!: GoneWhy"
              from analytics_exports where state = 'ready' and expires_at <= engine.now() order by expires_at limit $1)
           union all
           (select e.tenant_id, e.id, 'failed'
              from analytics_exports e
             where e.state = 'writing' and e.created_at < engine.now() - interval '1 hour'
               and not exists (select from engine.jobs j where j.tenant_id = e.tenant_id and j.id = e.job_id)
             order by e.created_at limit $1)"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id, row.why)).collect())
}

/// Exports of all tenants that have been gone for so many days.
pub(in crate::analytics) async fn old(
    conn: &mut PgConnection,
    days: i32,
    limit: i64,
) -> Result<Vec<(TenantId, AnalyticsExportId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant: TenantId", id as "id: AnalyticsExportId" from analytics_exports
            where state = 'gone' and gone_at < engine.now() - make_interval(days => $1) order by gone_at limit $2"#,
        days,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.id)).collect())
}

pub(in crate::analytics) async fn forget(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AnalyticsExportId,
) -> Result<()> {
    sqlx::query!(
        "delete from analytics_exports where tenant_id = $1 and id = $2 and state = 'gone'",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
