//! Which months of which tenants go to the archive.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    archive::{manifest::Log, month::Month},
    error::Result,
    types::TenantId,
};

/// The months of the audit log that lie in the database, the oldest first; detached ones too. Their names say which.
pub(in crate::archive) async fn audit_months(conn: &mut PgConnection) -> Result<Vec<Month>> {
    let months = sqlx::query_scalar!(
        r#"select to_date(right(c.relname, 6), 'YYYYMM') as "month!" from pg_class c
            where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname ~ '^audit_log_[0-9]{6}$'
            order by c.relname"#
    )
    .fetch_all(conn)
    .await?;
    Ok(months.into_iter().map(Month::of).collect())
}

/// Tenants after one in the order of ids.
pub(in crate::archive) async fn tenants(
    conn: &mut PgConnection,
    only: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let tenants = sqlx::query_scalar!(
        "select id from tenants where ($1::uuid is null or id = $1) and ($2::uuid is null or id > $2) order by id limit $3",
        only,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// The first day after the months of a tenant's log that are past their keeping. Entries of the audit log are stamped by the
/// machine's clock, so a month that it has not left is never among them, whatever the engine's clock says.
pub(in crate::archive) async fn kept_from(
    conn: &mut PgConnection,
    tenant: TenantId,
    log: Log,
) -> Result<NaiveDate> {
    let first = sqlx::query_scalar!(
        r#"select least(
                    date_trunc('month', (engine.now() - make_interval(days =>
                      case when $2 then keep_audit_days else keep_attempts_days end)) at time zone 'UTC')::date,
                    case when $2 then date_trunc('month', clock_timestamp() at time zone 'UTC')::date end) as "first!"
             from tenants where id = $1"#,
        tenant.0,
        log == Log::AuditLog
    )
    .fetch_one(conn)
    .await?;
    Ok(first)
}

/// Whether a tenant has entries in a month of the audit log.
pub(in crate::archive) async fn has_entries(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
) -> Result<bool> {
    let (from, to) = month.span();
    let any = sqlx::query_scalar!(
        r#"select exists (select from audit_log where tenant_id = $1 and at >= $2 and at < $3) as "any!""#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// How many entries a tenant has in a month of the audit log, and how many of them are not sealed.
pub(in crate::archive) async fn audit_count(
    conn: &mut PgConnection,
    tenant: TenantId,
    month: Month,
) -> Result<(i64, i64)> {
    let (from, to) = month.span();
    let count = sqlx::query!(
        r#"select count(*) as "rows!", count(*) filter (where seq is null) as "open!" from audit_log
            where tenant_id = $1 and at >= $2 and at < $3"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok((count.rows, count.open))
}
