//! Jobs, from the engine's counters by the hour.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{error::Result, types::TenantId};

/// Attempts that came to one thing: how a job ended, or `retrying`.
pub(in crate::analytics) struct JobCount {
    /// The step of time, from 1 on.
    pub bucket: i64,
    /// The kind of the jobs; none if their lane is gone.
    pub kind: Option<String>,
    pub what: String,
    pub n: i64,
}

/// By steps of time and by kind, in one reading of the counters: there are as many of them as hours, lanes, processes and
/// durations, and what they come to is little.
pub(in crate::analytics) async fn jobs_by_time(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
    limit: i64,
) -> Result<Vec<JobCount>> {
    let (Some(from), Some(to)) = (borders.first(), borders.last()) else { return Ok(Vec::new()) };
    let rows = sqlx::query_as!(
        JobCount,
        r#"select c.bucket as "bucket!", l.kind as "kind?", c.what as "what!", sum(c.n)::bigint as "n!"
             from (select width_bucket(h.hour, $4::timestamptz[])::bigint as bucket, h.lane, h.what, sum(h.count) as n
                     from engine.tally_hours h
                    where h.tenant_id = $1 and h.hour >= $2 and h.hour < $3
                      and h.what in ('completed', 'cancelled', 'discarded', 'quarantined', 'retrying')
                    group by 1, 2, 3) c
             left join engine.lanes l on l.id = c.lane
            group by 1, 2, 3
            order by 1, 2, 3
            limit $5"#,
        tenant.0,
        from,
        to,
        borders,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
