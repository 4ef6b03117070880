//! What is written once, at the end of a competition.

use sqlx::PgConnection;

use crate::{
    error::Result,
    types::{AgentId, BadgeId, CompetitionId, TeamId, TenantId},
};

/// Freezes the standings of one that is open and locked; answers how many teams it has, and which has won if it is one.
pub(in crate::gamification::competitions) async fn freeze(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<(i64, Option<TeamId>)> {
    sqlx::query!(
        "update competition_teams t set final_score = r.score, final_rank = r.rank
           from (select team_id, score, rank() over (order by score desc)::int as rank
                   from competition_teams where tenant_id = $1 and competition_id = $2) r
          where t.tenant_id = $1 and t.competition_id = $2 and t.team_id = r.team_id and t.final_rank is null",
        tenant.0,
        id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update competitions set closed_at = engine.now(), ends_at = greatest(least(ends_at, engine.now()),
                starts_at + interval '1 microsecond'), version = version + 1
          where tenant_id = $1 and id = $2 and closed_at is null",
        tenant.0,
        id.0
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"select team_id as "team: TeamId", final_rank as "rank!", final_score as "score!" from competition_teams
            where tenant_id = $1 and competition_id = $2 order by final_rank, team_id"#,
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    let first: Vec<TeamId> =
        rows.iter().filter(|row| row.rank == 1 && row.score > 0).map(|row| row.team).collect();
    let teams = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok((teams, first.first().copied().filter(|_| first.len() == 1)))
}

/// Those who have scored for a team that has won and were not given what that brings.
pub(in crate::gamification::competitions) async fn unrewarded(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    points: bool,
    badge: Option<BadgeId>,
    limit: i64,
) -> Result<Vec<AgentId>> {
    let winners = sqlx::query_scalar!(
        r#"select distinct s.agent_id as "agent: AgentId"
             from competition_teams t
             join competition_scores s on s.tenant_id = t.tenant_id and s.competition_id = t.competition_id
                  and s.team_id = t.team_id and s.score > 0
            where t.tenant_id = $1 and t.competition_id = $2 and t.final_rank = 1 and t.final_score > 0
              and (($3 and not exists (select from point_entries p where p.tenant_id = $1
                          and p.key = 'competition:' || $2::text || ':' || s.agent_id::text))
                or (not $3 and $4::uuid is not null and not exists (select from badge_awards w where w.tenant_id = $1
                          and w.badge_id = $4 and w.agent_id = s.agent_id and w.occasion in ('', $2::text))))
            order by 1 limit $5"#,
        tenant.0,
        id.0,
        points,
        badge.map(|badge| badge.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(winners)
}

pub(in crate::gamification::competitions) async fn note_rewarded(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<()> {
    sqlx::query!(
        "update competitions set rewarded_at = engine.now() where tenant_id = $1 and id = $2 and rewarded_at is null",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
