//! Jobs, from the engine's counters by the hour.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{analytics::document::Range, error::Result, types::TenantId};

/// Attempts that came to one thing: how a job ended, or `retrying`.
pub(in crate::analytics) struct JobCount {
    /// The step of time, from 1 on; of a kind always 1.
    pub bucket: i64,
    /// The kind of the jobs, if they are told apart by it.
    pub kind: Option<String>,
    pub what: String,
    pub n: i64,
}

/// By steps of time.
pub(in crate::analytics) async fn jobs_by_time(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
) -> Result<Vec<JobCount>> {
    let (Some(from), Some(to)) = (borders.first(), borders.last()) else { return Ok(Vec::new()) };
    let rows = sqlx::query_as!(
        JobCount,
        r#"select width_bucket(h.hour, $4::timestamptz[])::bigint as "bucket!", null::text as kind, h.what,
                  sum(h.count)::bigint as "n!"
             from engine.tally_hours h
            where h.tenant_id = $1 and h.hour >= $2 and h.hour < $3
              and h.what in ('completed', 'cancelled', 'discarded', 'quarantined', 'retrying')
            group by 1, 3
            order by 1, 3"#,
        tenant.0,
        from,
        to,
        borders
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// By kind, the most frequent first.
pub(in crate::analytics) async fn jobs_by_kind(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: Range,
    limit: i64,
) -> Result<Vec<JobCount>> {
    let rows = sqlx::query_as!(
        JobCount,
        r#"select 1::bigint as "bucket!", l.kind, c.what as "what!", sum(c.n)::bigint as "n!"
             from (select h.lane, h.what, sum(h.count) as n from engine.tally_hours h
                    where h.tenant_id = $1 and h.hour >= $2 and h.hour < $3
                      and h.what in ('completed', 'cancelled', 'discarded', 'quarantined', 'retrying')
                    group by 1, 2) c
             join engine.lanes l on l.id = c.lane
            group by 2, 3
            order by 4 desc, 2, 3
            limit $4"#,
        tenant.0,
        range.from,
        range.to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
