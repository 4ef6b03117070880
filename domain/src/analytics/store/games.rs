//! Games, from what they keep by the day.

use sqlx::PgConnection;

use crate::{
    analytics::{calendar::Dates, document::Range},
    error::Result,
    types::{AgentId, TenantId},
};

/// Points of a range, all together.
pub(in crate::analytics) struct Points {
    pub points: i64,
    pub players: i64,
}

pub(in crate::analytics) async fn points_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    dates: Dates,
) -> Result<Points> {
    let points = sqlx::query_as!(
        Points,
        r#"select coalesce(sum(points), 0)::bigint as "points!",
                  count(distinct agent_id) filter (where points <> 0) as "players!"
             from point_days where tenant_id = $1 and day >= $2 and day < $3"#,
        tenant.0,
        dates.from,
        dates.to
    )
    .fetch_one(conn)
    .await?;
    Ok(points)
}

/// Points of each day of a range, those of days without any as well.
pub(in crate::analytics) async fn points_by_day(
    conn: &mut PgConnection,
    tenant: TenantId,
    dates: Dates,
) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select d.day::date::text as "day!", coalesce(sum(p.points), 0)::bigint as "points!"
             from generate_series($2::date::timestamp, $3::date::timestamp - interval '1 day', interval '1 day') as d (day)
             left join point_days p on p.tenant_id = $1 and p.day = d.day::date
            group by d.day
            order by d.day"#,
        tenant.0,
        dates.from,
        dates.to
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.day, row.points)).collect())
}

/// What somebody has earned in a range.
pub(in crate::analytics) struct Earned {
    pub rank: i64,
    pub agent: AgentId,
    pub points: i64,
    pub deeds: i64,
}

/// Those who have earned most, the first so many.
pub(in crate::analytics) async fn leaders(
    conn: &mut PgConnection,
    tenant: TenantId,
    dates: Dates,
    limit: i64,
) -> Result<Vec<Earned>> {
    let rows = sqlx::query_as!(
        Earned,
        r#"select rank() over (order by sum(points) desc) as "rank!", agent_id as "agent: AgentId",
                  sum(points)::bigint as "points!", sum(deeds)::bigint as "deeds!"
             from point_days where tenant_id = $1 and day >= $2 and day < $3
            group by agent_id
           having sum(points) <> 0
            order by 3 desc, 2
            limit $4"#,
        tenant.0,
        dates.from,
        dates.to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What came of a challenge in a range.
pub(in crate::analytics) struct ChallengeFigures {
    pub name: String,
    /// Its days, weeks or months that began in the range and in which somebody has done something.
    pub rounds: i64,
    /// How often somebody took part in one of them, and how often they reached its target.
    pub played: i64,
    pub completed: i64,
}

pub(in crate::analytics) async fn challenges_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    dates: Dates,
    limit: i64,
) -> Result<Vec<ChallengeFigures>> {
    let rows = sqlx::query_as!(
        ChallengeFigures,
        r#"select c.name, s.rounds as "rounds!", s.played as "played!", s.completed as "completed!"
             from challenges c
            cross join lateral (
              select count(distinct o.day) as rounds, count(*) as played, count(o.completed_at) as completed
                from challenge_scores o
               where o.tenant_id = $1 and o.challenge_id = c.id and o.day >= $2 and o.day < $3) s
            where c.tenant_id = $1 and s.played > 0
            order by s.played desc, c.name
            limit $4"#,
        tenant.0,
        dates.from,
        dates.to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many badges of which name were given in a range.
pub(in crate::analytics) async fn badges_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: Range,
    limit: i64,
) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select b.name, count(*) as "given!"
             from badge_awards a join badges b on b.tenant_id = a.tenant_id and b.id = a.badge_id
            where a.tenant_id = $1 and a.at >= $2 and a.at < $3
            group by b.id, b.name
            order by 2 desc, 1
            limit $4"#,
        tenant.0,
        range.from,
        range.to,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.given)).collect())
}
