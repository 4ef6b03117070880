//! Calls, added up.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Group;
use crate::{
    analytics::{calendar::Cut, cubes::Asked, cubes::Dimension},
    error::Result,
    types::TenantId,
};

/// All calls by steps of time.
pub(in crate::analytics) async fn all_calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
) -> Result<Vec<Group>> {
    let (since, until) = super::spans(borders);
    let rows = sqlx::query!(
        r#"select b.place as "bucket!", g.sums as "sums!"
             from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as b (since, until, place)
            cross join lateral (
              select array[sum(t.calls), sum(t.answered), sum(t.handled), sum(t.offered), sum(t.lost), sum(t.in_time),
                           sum(t.offered - t.lost), sum(t.wait_ms), sum(t.talk_ms), sum(t.converted), sum(t.rated),
                           sum(t.rating), sum(t.value_cents)]::bigint[] as sums
                from call_totals t
               where t.tenant_id = $1 and t.quarter >= b.since and t.quarter < b.until
              having sum(t.calls) <> 0) g
            order by 1"#,
        tenant.0,
        &since,
        &until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Group::of_step(row.bucket, row.sums)).collect())
}

/// Calls by steps of time, and by direction and team where that is asked for.
pub(in crate::analytics) async fn calls_by_time(
    conn: &mut PgConnection,
    tenant: TenantId,
    borders: &[DateTime<Utc>],
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let (since, until) = super::spans(borders);
    let rows = sqlx::query!(
        r#"select b.place as "bucket!", g.direction as "direction?", g.team as "team?", g.sums as "sums!"
             from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as b (since, until, place)
            cross join lateral (
              select case when $4::bool then q.direction end as direction,
                     case when $5::bool then q.team_id end as team,
                     array[sum(q.calls), sum(q.answered), sum(q.handled), sum(q.offered), sum(q.lost), sum(q.in_time),
                           sum(q.offered - q.lost), sum(q.wait_ms), sum(q.talk_ms), sum(q.converted), sum(q.rated),
                           sum(q.rating), sum(q.value_cents)]::bigint[] as sums
                from call_quarters q
               where q.tenant_id = $1 and q.quarter >= b.since and q.quarter < b.until
                 and ($6::text is null or q.direction = $6) and ($7::uuid is null or q.team_id = $7)
               group by 1, 2
              having sum(q.calls) <> 0) g
            order by 1, 2, 3
            limit $8"#,
        tenant.0,
        &since,
        &until,
        asked.by(Dimension::Direction),
        asked.by(Dimension::Team),
        asked.text(Dimension::Direction),
        asked.id(Dimension::Team) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await?;
    let group = |bucket, direction, team, sums| Group {
        bucket,
        keys: [direction, super::text(team), None, None],
        sums,
    };
    Ok(rows.into_iter().map(|row| group(row.bucket, row.direction, row.team, row.sums)).collect())
}

/// Calls of a range by direction, team and agent, as far as that is asked for.
pub(in crate::analytics) async fn calls_by_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case when $8::bool then c.direction end as direction, case when $9::bool then c.team_id end as team,
                  case when $10::bool then c.agent_id end as agent,
                  array[sum(c.calls), sum(c.answered), sum(c.handled), sum(c.offered), sum(c.lost), sum(c.in_time),
                        sum(c.offered - c.lost), sum(c.wait_ms), sum(c.talk_ms), sum(c.converted), sum(c.rated),
                        sum(c.rating), sum(c.value_cents)]::bigint[] as "sums!"
             from (select d.direction, d.team_id, d.agent_id, d.calls, d.answered, d.handled, d.offered, d.lost, d.in_time,
                          d.wait_ms, d.talk_ms, d.converted, d.rated, d.rating, d.value_cents
                     from call_days d where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select o.direction, o.team_id, o.agent_id, 1, o.answered, o.handled, o.offered, o.lost, o.in_time,
                          o.wait_ms, o.talk_ms, o.converted, o.rated, o.rating, o.value_cents
                     from call_counted o
                    where o.tenant_id = $1 and (o.at >= $4 and o.at < $5 or o.at >= $6 and o.at < $7)) c
            where ($11::text is null or c.direction = $11) and ($12::uuid is null or c.team_id = $12)
              and ($13::uuid is null or c.agent_id = $13)
            group by 1, 2, 3
           having sum(c.calls) <> 0
            order by 1, 2, 3
            limit $14"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        asked.by(Dimension::Direction),
        asked.by(Dimension::Team),
        asked.by(Dimension::Agent),
        asked.text(Dimension::Direction),
        asked.id(Dimension::Team) as Option<Uuid>,
        asked.id(Dimension::Agent) as Option<Uuid>,
        limit
    )
    .fetch_all(conn)
    .await?;
    let group = |direction, team, agent, sums| Group {
        bucket: 1,
        keys: [direction, super::text(team), super::text(agent), None],
        sums,
    };
    Ok(rows.into_iter().map(|row| group(row.direction, row.team, row.agent, row.sums)).collect())
}

/// How many calls of a range have come to what, by direction and team where that is asked for.
pub(in crate::analytics) async fn call_outcomes(
    conn: &mut PgConnection,
    tenant: TenantId,
    cut: Cut,
    asked: &Asked,
    limit: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select case when $8::bool then c.direction end as direction, case when $9::bool then c.team_id end as team,
                  case when $10::bool then nullif(c.outcome, '') end as outcome, sum(c.calls)::bigint as "calls!"
             from (select d.direction, d.team_id, d.outcome, d.calls
                     from call_outcomes d where d.tenant_id = $1 and d.day >= $2 and d.day < $3
                    union all
                   select o.direction, o.team_id, o.outcome, 1 from call_counted o
                    where o.tenant_id = $1 and (o.at >= $4 and o.at < $5 or o.at >= $6 and o.at < $7)) c
            where ($11::text is null or c.direction = $11) and ($12::uuid is null or c.team_id = $12)
              and ($13::text is null or c.outcome = $13)
            group by 1, 2, 3
           having sum(c.calls) <> 0
            order by 1, 2, 3
            limit $14"#,
        tenant.0,
        cut.days.0,
        cut.days.1,
        cut.head.from,
        cut.head.to,
        cut.tail.from,
        cut.tail.to,
        asked.by(Dimension::Direction),
        asked.by(Dimension::Team),
        asked.by(Dimension::Outcome),
        asked.text(Dimension::Direction),
        asked.id(Dimension::Team) as Option<Uuid>,
        asked.text(Dimension::Outcome),
        limit
    )
    .fetch_all(conn)
    .await?;
    let group = |direction, team, outcome, calls| Group {
        bucket: 1,
        keys: [direction, super::text(team), outcome, None],
        sums: vec![calls],
    };
    Ok(rows.into_iter().map(|row| group(row.direction, row.team, row.outcome, row.calls)).collect())
}
