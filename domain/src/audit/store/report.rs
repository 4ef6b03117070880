//! What the report adds up over a range of time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    audit::report::{ActorEntries, RightsChange, RouteDenials},
    error::Result,
    types::TenantId,
};

/// Half open.
pub(in crate::audit) type Range = (DateTime<Utc>, DateTime<Utc>);

/// Numbers of one walk over the range.
pub(in crate::audit) struct Totals {
    pub entries: i64,
    pub logins: i64,
    pub logins_denied: i64,
    pub notices: i64,
    pub warnings: i64,
    pub criticals: i64,
    pub audit_reads: i64,
    pub audit_exports: i64,
    pub audit_verifications: i64,
    pub operator_looks: i64,
    pub unsealed: i64,
    pub first_seq: Option<i64>,
    pub last_seq: Option<i64>,
}

pub(in crate::audit) async fn totals(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<Totals> {
    let totals = sqlx::query_as!(
        Totals,
        r#"select count(*) as "entries!",
                  count(*) filter (where action = 'login' and outcome = 'done') as "logins!",
                  count(*) filter (where action = 'login' and outcome = 'denied') as "logins_denied!",
                  count(*) filter (where severity = 'notice') as "notices!",
                  count(*) filter (where severity = 'warning') as "warnings!",
                  count(*) filter (where severity = 'critical') as "criticals!",
                  count(*) filter (where resource = 'audit_log' and action = 'read') as "audit_reads!",
                  count(*) filter (where resource = 'audit_log' and action = 'export') as "audit_exports!",
                  count(*) filter (where resource = 'audit_log' and action = 'verify') as "audit_verifications!",
                  count(*) filter (where actor_kind = 'operator' and action = 'look') as "operator_looks!",
                  count(*) filter (where seq is null) as "unsealed!",
                  min(seq) as first_seq, max(seq) as last_seq
             from audit_log where tenant_id = $1 and at >= $2 and at < $3"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(totals)
}

/// Refusals by route, the most frequent first. Those that were only counted stand in entries of `routes`.
pub(in crate::audit) async fn denials(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
    limit: i64,
) -> Result<Vec<RouteDenials>> {
    let routes = sqlx::query_as!(
        RouteDenials,
        r#"select route as "route!", sum(times)::bigint as "count!"
             from (select coalesce(resource_id, '') as route, 1::bigint as times
                     from audit_log
                    where tenant_id = $1 and at >= $2 and at < $3 and severity is not null
                      and action = 'access' and resource = 'route' and outcome = 'denied'
                    union all
                   select counted.key, counted.value::bigint
                     from audit_log cross join lateral jsonb_each_text(detail -> 'routes') as counted
                    where tenant_id = $1 and at >= $2 and at < $3 and severity is not null
                      and action = 'access' and resource = 'routes' and outcome = 'denied') as denied
            group by route order by 2 desc, 1 limit $4"#,
        tenant.0,
        from,
        to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(routes)
}

/// Changes of who may do what.
pub(in crate::audit) async fn changes(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<Vec<RightsChange>> {
    let changes = sqlx::query_as!(
        RightsChange,
        r#"select resource, action, count(*) as "count!"
             from audit_log
            where tenant_id = $1 and at >= $2 and at < $3 and outcome = 'done'
              and resource in ('user', 'password', 'password_link', 'second_factor', 'role', 'api_key', 'tenant')
              and action in ('create', 'update', 'delete', 'suspend', 'readmit')
            group by resource, action order by resource, action"#,
        tenant.0,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(changes)
}

/// Who has the most entries, the busiest first.
pub(in crate::audit) async fn actors(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
    limit: i64,
) -> Result<Vec<ActorEntries>> {
    let actors = sqlx::query_as!(
        ActorEntries,
        r#"select actor_kind, actor_id as "actor_id!", count(*) as "count!"
             from audit_log where tenant_id = $1 and at >= $2 and at < $3 and actor_id is not null
            group by actor_kind, actor_id order by 3 desc, 1, 2 limit $4"#,
        tenant.0,
        from,
        to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(actors)
}
