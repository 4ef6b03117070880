//! Boards and figures, read from the sums that are kept.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId},
};

/// A line of a board.
pub(super) struct Line {
    pub rank: i64,
    pub id: Uuid,
    /// Of a team.
    pub name: Option<String>,
    pub points: i64,
}

/// The first day, and the first one after it.
type Range = (NaiveDate, NaiveDate);
type After = Option<(i64, Uuid)>;

/// Agents by what they earned on some days, in any team or in one.
pub(super) async fn agents_of_days(
    conn: &mut PgConnection,
    tenant: TenantId,
    (first, next): Range,
    team: Option<TeamId>,
    after: After,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Line,
        r#"select s.rank as "rank!", s.id as "id!", null as name, s.points as "points!"
             from (select rank() over (order by sum(points) desc) as rank, agent_id as id, sum(points)::bigint as points
                     from point_days
                    where tenant_id = $1 and day >= $2 and day < $3 and ($4::uuid is null or team_id = $4)
                    group by agent_id having sum(points) > 0) s
            where $5::bigint is null or s.points < $5 or (s.points = $5 and s.id > $6::uuid)
            order by s.points desc, s.id limit $7"#,
        tenant.0,
        first,
        next,
        team.map(|team| team.0),
        after.map(|place| place.0),
        after.map(|place| place.1),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Agents by what they have ever earned, in any team or in one.
pub(super) async fn agents(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Option<TeamId>,
    after: After,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Line,
        r#"select s.rank as "rank!", s.id as "id!", null as name, s.points as "points!"
             from (select rank() over (order by u.points desc) as rank, u.id, u.points
                     from (select agent_id as id, lifetime as points from point_totals
                            where tenant_id = $1 and $2::uuid is null
                           union all
                           select agent_id, points from point_team_totals
                            where tenant_id = $1 and team_id = $2) u
                    where u.points > 0) s
            where $3::bigint is null or s.points < $3 or (s.points = $3 and s.id > $4::uuid)
            order by s.points desc, s.id limit $5"#,
        tenant.0,
        team.map(|team| team.0),
        after.map(|place| place.0),
        after.map(|place| place.1),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Teams by what was earned in them on some days.
pub(super) async fn teams_of_days(
    conn: &mut PgConnection,
    tenant: TenantId,
    (first, next): Range,
    after: After,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Line,
        r#"select s.rank as "rank!", s.id as "id!", t.name as "name?", s.points as "points!"
             from (select rank() over (order by sum(points) desc) as rank, team_id as id, sum(points)::bigint as points
                     from point_days
                    where tenant_id = $1 and day >= $2 and day < $3
                      and team_id <> '00000000-0000-0000-0000-000000000000'
                    group by team_id having sum(points) > 0) s
             left join teams t on t.tenant_id = $1 and t.id = s.id and t.deleted_at is null
            where $4::bigint is null or s.points < $4 or (s.points = $4 and s.id > $5::uuid)
            order by s.points desc, s.id limit $6"#,
        tenant.0,
        first,
        next,
        after.map(|place| place.0),
        after.map(|place| place.1),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Teams by what was ever earned in them.
pub(super) async fn teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: After,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Line,
        r#"select s.rank as "rank!", s.id as "id!", t.name as "name?", s.points as "points!"
             from (select rank() over (order by sum(points) desc) as rank, team_id as id, sum(points)::bigint as points
                     from point_team_totals where tenant_id = $1
                    group by team_id having sum(points) > 0) s
             left join teams t on t.tenant_id = $1 and t.id = s.id and t.deleted_at is null
            where $2::bigint is null or s.points < $2 or (s.points = $2 and s.id > $3::uuid)
            order by s.points desc, s.id limit $4"#,
        tenant.0,
        after.map(|place| place.0),
        after.map(|place| place.1),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Points, deeds and people of some days; of one agent if one is named.
pub(super) async fn earned(
    conn: &mut PgConnection,
    tenant: TenantId,
    (first, next): Range,
    agent: Option<AgentId>,
) -> Result<(i64, i64, i64)> {
    let row = sqlx::query!(
        r#"select coalesce(sum(points), 0)::bigint as "points!", coalesce(sum(deeds), 0)::bigint as "deeds!",
                  count(distinct agent_id) as "players!"
             from point_days
            where tenant_id = $1 and day >= $2 and day < $3 and ($4::uuid is null or agent_id = $4)"#,
        tenant.0,
        first,
        next,
        agent.map(|agent| agent.0)
    )
    .fetch_one(conn)
    .await?;
    Ok((row.points, row.deeds, row.players))
}

/// What all have, and what goes on.
pub(super) struct Sums {
    pub lifetime: i64,
    pub spent: i64,
    pub balance: i64,
    pub players: i64,
    pub badges: i64,
    pub challenges: i64,
    pub competitions: i64,
    /// Redemptions that wait to be settled, counted up to 1,000.
    pub redemptions: i64,
}

pub(super) async fn sums(conn: &mut PgConnection, tenant: TenantId) -> Result<Sums> {
    let sums = sqlx::query_as!(
        Sums,
        r#"select t.lifetime as "lifetime!", t.spent as "spent!", t.balance as "balance!", t.players as "players!",
                  (select coalesce(sum(n), 0)::bigint from badge_counts where tenant_id = $1) as "badges!",
                  (select count(*) from challenges where tenant_id = $1 and retired_at is null
                      and starts_at <= engine.now() and (ends_at is null or ends_at > engine.now())) as "challenges!",
                  (select count(*) from competitions where tenant_id = $1 and closed_at is null and cancelled_at is null
                      and starts_at <= engine.now()) as "competitions!",
                  (select count(*) from (select from redemptions where tenant_id = $1 and state = 'placed' limit 1000) r)
                    as "redemptions!"
             from (select coalesce(sum(lifetime), 0)::bigint as lifetime, coalesce(sum(spent), 0)::bigint as spent,
                          coalesce(sum(balance), 0)::bigint as balance, count(*) as players
                     from point_totals where tenant_id = $1) t"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(sums)
}

/// The rank of somebody with so many lifetime points.
pub(super) async fn rank(conn: &mut PgConnection, tenant: TenantId, lifetime: i64) -> Result<i64> {
    let above = sqlx::query_scalar!(
        r#"select count(*) as "above!" from point_totals where tenant_id = $1 and lifetime > $2"#,
        tenant.0,
        lifetime
    )
    .fetch_one(conn)
    .await?;
    Ok(above + 1)
}

/// The badges of an agent, and how many of each, those of which they have the most first; 200 at most.
pub(super) async fn badges(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Vec<super::stats::BadgeCount>> {
    let rows = sqlx::query_as!(
        super::stats::BadgeCount,
        r#"select c.badge_id as "badge_id: crate::types::BadgeId", b.name, c.n as count
             from badge_counts c join badges b on b.tenant_id = c.tenant_id and b.id = c.badge_id
            where c.tenant_id = $1 and c.agent_id = $2
            order by c.n desc, c.badge_id limit 200"#,
        tenant.0,
        agent.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
