//! How far the log was read for whose figures, and what is in the next part of it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{error::Result, types::TenantId};

/// Tenants, in their order, for whom there is more in the log or in the audit log than was read, for whom nothing ever was,
/// or whose figures are to be counted anew. What is told of suspended tenants waits, as their work does.
pub(in crate::analytics) async fn behind(
    conn: &mut PgConnection,
    after: TenantId,
    limit: i64,
) -> Result<Vec<TenantId>> {
    let rows = sqlx::query_scalar!(
        r#"select t.id as "tenant!: TenantId"
             from tenants t
             left join rollup_positions p on p.tenant_id = t.id
            where t.id > $1 and t.suspended_at is null
              and (p.rebuild_wanted
                   or (select h.seq from engine.log_heads h where h.tenant_id = t.id) > coalesce(p.sequence, -1)
                   or (select max(a.seq) from audit_heads a where a.tenant_id = t.id) > coalesce(p.audit_sequence, 0))
            order by t.id
            limit $2"#,
        after.0,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How far was read for a tenant.
pub(in crate::analytics) struct Position {
    pub sequence: i64,
    pub audit_sequence: i64,
    pub rebuild_wanted: bool,
}

/// Takes hold of a tenant's figures unless somebody else has.
pub(in crate::analytics) async fn try_lock(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<Position>> {
    sqlx::query!(
        "insert into rollup_positions (tenant_id) values ($1) on conflict on constraint rollup_positions_pkey do nothing",
        tenant.0
    )
    .execute(&mut *conn)
    .await?;
    let held = sqlx::query_as!(
        Position,
        "select sequence, audit_sequence, rebuild_wanted from rollup_positions
          where tenant_id = $1 for no key update skip locked",
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// A part of the log: whom it is about.
pub(in crate::analytics) struct Part {
    /// The first and the last place in it; none if there was nothing to read.
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// When the last of it was written.
    pub at: Option<DateTime<Utc>>,
    pub entries: i64,
    pub calls: Vec<Uuid>,
    pub leads: Vec<Uuid>,
    /// The newest place there is.
    pub head: i64,
    pub now: DateTime<Utc>,
}

/// The next part of a tenant's log. Only whom it is about is read, not what it says: figures are those of the rows.
pub(in crate::analytics) async fn next_part(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: i64,
    limit: i64,
) -> Result<Part> {
    let part = sqlx::query_as!(
        Part,
        r#"with part as materialized (
             select o.seq, l.at, l.subject
               from engine.log_order o
               join engine.log l on l.day = o.log_day and l.id = o.log_id
              where o.tenant_id = $1 and o.seq > $2
                and o.seq < $3 + (select min(f.seq) from engine.log_order f where f.tenant_id = $1 and f.seq > $2)
           )
           select min(p.seq) as first, max(p.seq) as last, max(p.at) as at, count(*) as "entries!",
                  coalesce(array_agg(distinct substr(p.subject, 6)::uuid) filter (where p.subject like 'call:%'), '{}')
                    as "calls!",
                  coalesce(array_agg(distinct substr(p.subject, 6)::uuid) filter (where p.subject like 'lead:%'), '{}')
                    as "leads!",
                  coalesce((select h.seq from engine.log_heads h where h.tenant_id = $1), 0) as "head!",
                  engine.now() as "now!"
             from part p"#,
        tenant.0,
        after,
        limit
    )
    .fetch_one(conn)
    .await?;
    Ok(part)
}

/// Counts what some calls and leads come to now. Answers how many of them have changed.
pub(in crate::analytics) async fn take_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    calls: &[Uuid],
    leads: &[Uuid],
) -> Result<i64> {
    let mut changed = 0;
    if !calls.is_empty() {
        let some = sqlx::query_scalar!(r#"select count_calls($1, $2) as "n!""#, tenant.0, calls);
        changed += some.fetch_one(&mut *conn).await?;
    }
    if !leads.is_empty() {
        let some = sqlx::query_scalar!(r#"select count_leads($1, $2) as "n!""#, tenant.0, leads);
        changed += some.fetch_one(conn).await?;
    }
    Ok(changed)
}

/// Notes how far was read, and counts the next part of the audit log. Answers whether there may be more of that.
pub(in crate::analytics) async fn move_on(
    conn: &mut PgConnection,
    tenant: TenantId,
    position: &Position,
    counted_until: DateTime<Utc>,
    most: i32,
) -> Result<bool> {
    let to = sqlx::query_scalar!(
        r#"select count_actions($1, $2, $3) as "to!""#,
        tenant.0,
        position.audit_sequence,
        most
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "update rollup_positions set sequence = $2, audit_sequence = $3, rebuild_wanted = $4,
                counted_until = greatest(counted_until, $5)
          where tenant_id = $1",
        tenant.0,
        position.sequence,
        to,
        position.rebuild_wanted,
        counted_until
    )
    .execute(conn)
    .await?;
    Ok(to >= position.audit_sequence + i64::from(most))
}

/// Up to when a tenant's figures hold: now, where everything that is numbered was read.
pub(in crate::analytics) async fn counted_until(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        r#"select case when p.sequence >= coalesce(h.seq, 0) then engine.now()
                       when isfinite(p.counted_until) then p.counted_until end as "until?"
             from rollup_positions p left join engine.log_heads h on h.tenant_id = p.tenant_id
            where p.tenant_id = $1"#,
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(until.flatten())
}
