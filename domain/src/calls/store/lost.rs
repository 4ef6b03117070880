//! Calls of which nothing was heard for so many hours: since they began, rang or were answered last.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{CallId, TenantId},
};

/// Tenants that have some.
pub(in crate::calls) async fn tenants_with_silent(
    conn: &mut PgConnection,
    hours: i32,
    limit: i64,
) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        r#"select distinct tenant_id as "tenant!: TenantId" from calls
            where status in ('queued', 'ringing', 'answered')
              and started_at < (select engine.now()) - make_interval(hours => $1)
              and coalesce(answered_at, ringing_at, started_at) < (select engine.now()) - make_interval(hours => $1)
            limit $2"#,
        hours,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(tenants)
}

/// Which these are of a tenant.
pub(in crate::calls) async fn silent(
    conn: &mut PgConnection,
    tenant: TenantId,
    hours: i32,
    limit: i64,
) -> Result<Vec<CallId>> {
    let calls = sqlx::query_scalar!(
        r#"select id as "id!: CallId" from calls
            where tenant_id = $1 and status in ('queued', 'ringing', 'answered')
              and started_at < (select engine.now()) - make_interval(hours => $2)
              and coalesce(answered_at, ringing_at, started_at) < (select engine.now()) - make_interval(hours => $2)
            order by started_at limit $3"#,
        tenant.0,
        hours,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(calls)
}

/// Whether one of them still is; it is locked.
pub(in crate::calls) async fn is_silent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CallId,
    hours: i32,
) -> Result<bool> {
    let silent = sqlx::query_scalar!(
        r#"select coalesce(answered_at, ringing_at, started_at)
                  < engine.now() - make_interval(hours => $3) as "silent!"
             from calls where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0,
        hours
    )
    .fetch_one(conn)
    .await?;
    Ok(silent)
}
