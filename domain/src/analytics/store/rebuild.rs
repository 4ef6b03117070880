//! Counting anew what a tenant has, part by part.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// Where a rebuild stands.
pub(in crate::analytics) struct Standing {
    /// `calls`, `leads` or `days`; none before it has begun, and once it is over.
    pub step: Option<String>,
    pub cursor: Uuid,
    pub day: NaiveDate,
    pub done: i64,
}

/// Waits for a tenant's figures and takes hold of them.
pub(in crate::analytics) async fn lock(conn: &mut PgConnection, tenant: TenantId) -> Result<Standing> {
    sqlx::query!(
        "insert into rollup_positions (tenant_id) values ($1) on conflict on constraint rollup_positions_pkey do nothing",
        tenant.0
    )
    .execute(&mut *conn)
    .await?;
    let standing = sqlx::query_as!(
        Standing,
        "select rebuild_step as step, rebuild_cursor as cursor, rebuild_day as day, rebuild_done as done
           from rollup_positions where tenant_id = $1 for no key update",
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(standing)
}

/// Begins at the first call.
pub(in crate::analytics) async fn begin_rebuild(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "update rollup_positions set rebuild_step = 'calls', rebuild_cursor = $2, rebuild_day = date '1970-01-01',
                rebuild_done = 0, rebuild_wanted = false
          where tenant_id = $1",
        tenant.0,
        Uuid::nil()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes where it stands. Over is no step.
pub(in crate::analytics) async fn advance_rebuild(
    conn: &mut PgConnection,
    tenant: TenantId,
    standing: &Standing,
) -> Result<()> {
    sqlx::query!(
        "update rollup_positions set rebuild_step = $2, rebuild_cursor = $3, rebuild_day = $4, rebuild_done = $5
          where tenant_id = $1",
        tenant.0,
        standing.step,
        standing.cursor,
        standing.day,
        standing.done
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has a rebuild begin anew as soon as one is made. None is going on: what one that was given up has left is forgotten, else
/// only the rest of it would be counted.
pub(in crate::analytics) async fn want_rebuild(conn: &mut PgConnection, tenant: TenantId) -> Result<()> {
    sqlx::query!(
        "update rollup_positions set rebuild_wanted = true, rebuild_step = null where tenant_id = $1",
        tenant.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The next calls in the order of their ids: those that there are, and those that are counted.
pub(in crate::analytics) async fn next_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
             (select id from calls where tenant_id = $1 and id > $2 order by id limit $3)
              union
             (select id from call_counted where tenant_id = $1 and id > $2 order by id limit $3)) both_sides
            order by id limit $3"#,
        tenant.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// The same of leads.
pub(in crate::analytics) async fn next_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
             (select id from leads where tenant_id = $1 and id > $2 order by id limit $3)
              union
             (select id from lead_counted where tenant_id = $1 and id > $2 order by id limit $3)) both_sides
            order by id limit $3"#,
        tenant.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// The next day of UTC of which anything is counted.
pub(in crate::analytics) async fn next_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: NaiveDate,
) -> Result<Option<NaiveDate>> {
    let day = sqlx::query_scalar!(
        "select least(
           (select utc_day(min(at)) from call_counted where tenant_id = $1 and at >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select utc_day(min(at)) from lead_counted where tenant_id = $1 and at >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select utc_day(min(quarter)) from call_totals
             where tenant_id = $1 and quarter >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select utc_day(min(quarter)) from lead_totals
             where tenant_id = $1 and quarter >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select utc_day(min(quarter)) from call_quarters
             where tenant_id = $1 and quarter >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select utc_day(min(quarter)) from lead_quarters
             where tenant_id = $1 and quarter >= ($2::date + 1)::timestamp at time zone 'UTC'),
           (select min(day) from call_days where tenant_id = $1 and day > $2),
           (select min(day) from call_outcomes where tenant_id = $1 and day > $2),
           (select min(day) from lead_days where tenant_id = $1 and day > $2),
           (select min(day) from lead_owners where tenant_id = $1 and day > $2))",
        tenant.0,
        after
    )
    .fetch_one(conn)
    .await?;
    Ok(day)
}

/// Adds a day up anew.
pub(in crate::analytics) async fn count_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    day: NaiveDate,
) -> Result<()> {
    sqlx::query!("select recount_day($1, $2)", tenant.0, day).execute(conn).await?;
    Ok(())
}

/// About how many calls and leads there are to go through, for people to see how far it is.
pub(in crate::analytics) async fn total(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"select coalesce((select sum(calls) from call_days where tenant_id = $1), 0)::bigint
                + coalesce((select sum(leads) from lead_owners where tenant_id = $1), 0)::bigint as "total!""#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}
