//! The tables of who has scored what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::{
    error::{Error, Result},
    gamification::Metric,
    types::{AgentId, CompetitionId, TeamId, TenantId},
};

/// A team of a competition that is open.
pub(in crate::gamification::competitions) struct Open {
    pub id: CompetitionId,
    pub metric: Metric,
    pub team: TeamId,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub joined_at: DateTime<Utc>,
}

/// The teams of competitions that are open, and lie around any instant from the first to the last.
pub(in crate::gamification::competitions) async fn open(
    conn: &mut PgConnection,
    tenant: TenantId,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
) -> Result<Vec<Open>> {
    let rows = sqlx::query!(
        r#"select c.id as "id: CompetitionId", c.metric, t.team_id as "team: TeamId", c.starts_at, c.ends_at, t.joined_at
             from competitions c
             join competition_teams t on t.tenant_id = c.tenant_id and t.competition_id = c.id
            where c.tenant_id = $1 and c.closed_at is null and c.cancelled_at is null
              and c.starts_at <= $3 and c.ends_at > $2"#,
        tenant.0,
        first,
        last
    )
    .fetch_all(conn)
    .await?;
    let mut open = Vec::with_capacity(rows.len());
    for row in rows {
        let unknown = || Error::internal("a competition of a kind that this build does not know");
        open.push(Open {
            id: row.id,
            metric: Metric::named(&row.metric).ok_or_else(unknown)?,
            team: row.team,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            joined_at: row.joined_at,
        });
    }
    Ok(open)
}

/// Adds to what people have scored for their teams.
pub(in crate::gamification::competitions) async fn add_scores(
    conn: &mut PgConnection,
    tenant: TenantId,
    scores: &BTreeMap<(CompetitionId, AgentId, TeamId), i64>,
) -> Result<()> {
    if scores.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into competition_scores as s (tenant_id, competition_id, agent_id, team_id, score)
         select $1, u.competition, u.agent, u.team, u.amount
           from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[]) as u (competition, agent, team, amount)
         on conflict on constraint competition_scores_pkey do update set score = s.score + excluded.score",
        tenant.0,
        &scores.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &scores.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &scores.keys().map(|key| key.2.0).collect::<Vec<_>>(),
        &scores.values().copied().collect::<Vec<_>>()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update competition_teams t set score = t.score + u.amount
           from (select competition, team, sum(amount)::bigint as amount
                   from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as v (competition, team, amount)
                  group by competition, team) u
          where t.tenant_id = $1 and t.competition_id = u.competition and t.team_id = u.team",
        tenant.0,
        &scores.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &scores.keys().map(|key| key.2.0).collect::<Vec<_>>(),
        &scores.values().copied().collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How a team stands.
pub(in crate::gamification::competitions) struct StandingRow {
    pub rank: i64,
    pub team_id: TeamId,
    pub name: Option<String>,
    pub score: i64,
    pub players: i64,
}

/// The standings: as they were frozen, else as they are.
pub(in crate::gamification::competitions) async fn standings(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<Vec<StandingRow>> {
    let rows = sqlx::query_as!(
        StandingRow,
        r#"select coalesce(t.final_rank, rank() over (order by t.score desc)) as "rank!", t.team_id as "team_id!: TeamId",
                  n.name as "name?", coalesce(t.final_score, t.score) as "score!",
                  (select count(*) from competition_scores s
                    where s.tenant_id = t.tenant_id and s.competition_id = t.competition_id
                      and s.team_id = t.team_id and s.score > 0) as "players!"
             from competition_teams t
             left join teams n on n.tenant_id = t.tenant_id and n.id = t.team_id and n.deleted_at is null
            where t.tenant_id = $1 and t.competition_id = $2
            order by 1, t.team_id limit 200"#,
        tenant.0,
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// What somebody has scored for a team.
pub(in crate::gamification::competitions) struct ContributionRow {
    pub rank: i64,
    pub agent_id: AgentId,
    pub team_id: TeamId,
    pub score: i64,
}

pub(in crate::gamification::competitions) async fn contributions(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    team: Option<TeamId>,
    after: Option<(i64, AgentId, TeamId)>,
    limit: i64,
) -> Result<Vec<ContributionRow>> {
    let rows = sqlx::query_as!(
        ContributionRow,
        r#"select s.rank as "rank!", s.agent_id as "agent_id!: AgentId", s.team_id as "team_id!: TeamId",
                  s.score as "score!"
             from (select rank() over (order by score desc) as rank, agent_id, team_id, score from competition_scores
                    where tenant_id = $1 and competition_id = $2 and ($3::uuid is null or team_id = $3)) s
            where $4::bigint is null or s.score < $4
               or (s.score = $4 and (s.agent_id, s.team_id) > ($5::uuid, $6::uuid))
            order by s.score desc, s.agent_id, s.team_id limit $7"#,
        tenant.0,
        id.0,
        team.map(|team| team.0),
        after.map(|place| place.0),
        after.map(|place| place.1.0),
        after.map(|place| place.2.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
