//! What routing adds up to over a range of time.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    routing::metrics::{RoutingCount, WaitingTimes},
    types::{RuleId, TenantId},
};

/// Half open.
pub(in crate::routing) type Range = (DateTime<Utc>, DateTime<Utc>);

/// Leads that were made in a range, by the tenth of their score: its number, how many, and how many were converted.
/// What is closed counts by the first score that it had: a later one knows the outcome.
pub(in crate::routing) async fn scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<Vec<(i32, i64, i64)>> {
    let rows = sqlx::query!(
        r#"select least(coalesce(first.total, l.score) / 10, 9)::int as "tenth!", count(*) as "leads!",
                  count(*) filter (where l.status = 'converted') as "converted!"
             from leads l left join lateral (
               select s.total from lead_scores s
                where l.status in ('converted', 'lost') and s.tenant_id = l.tenant_id and s.lead_id = l.id
                order by s.at limit 1) first on true
            where l.tenant_id = $1 and l.created_at >= $2 and l.created_at < $3 and l.score is not null
            group by 1"#,
        tenant.0,
        from,
        to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenth, row.leads, row.converted)).collect())
}

/// What became of leads, by rule, strategy and outcome, the most frequent first.
pub(in crate::routing) async fn counts(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
    limit: i64,
) -> Result<Vec<RoutingCount>> {
    let rows = sqlx::query_as!(
        RoutingCount,
        r#"select rule_id as "rule_id?: RuleId", strategy as "strategy?", outcome as "outcome!",
                  count(*) as "count!"
             from routings where tenant_id = $1 and at >= $2 and at < $3
            group by rule_id, strategy, outcome
            order by count(*) desc, rule_id, strategy, outcome limit $4"#,
        tenant.0,
        from,
        to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How long leads had waited when they were given to somebody, in seconds.
pub(in crate::routing) async fn waiting_times(
    conn: &mut PgConnection,
    tenant: TenantId,
    (from, to): Range,
) -> Result<WaitingTimes> {
    let times = sqlx::query_as!(
        WaitingTimes,
        r#"select count(*) as "assigned!", count(queued_at) as "waited!",
                  percentile_cont(0.5) within group (
                      order by extract(epoch from at - coalesce(queued_at, at))::float8) as "p50_s?",
                  percentile_cont(0.95) within group (
                      order by extract(epoch from at - coalesce(queued_at, at))::float8) as "p95_s?"
             from routings where tenant_id = $1 and at >= $2 and at < $3 and outcome = 'assigned'"#,
        tenant.0,
        from,
        to
    )
    .fetch_one(conn)
    .await?;
    Ok(times)
}
