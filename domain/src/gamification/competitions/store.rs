//! The tables of competitions, of their teams, and of who has scored what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{CompetitionState, CompetitionView, NewCompetition};
use crate::{
    error::{Error, Result},
    gamification::Metric,
    types::{AgentId, BadgeId, CompetitionId, TeamId, TenantId, Text},
};

pub(super) async fn count_open(conn: &mut PgConnection, tenant: TenantId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from competitions
            where tenant_id = $1 and closed_at is null and cancelled_at is null"#,
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    new: &NewCompetition,
    (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    sqlx::query!(
        "insert into competitions (tenant_id, id, name, description, metric, starts_at, ends_at, prize_points, badge_id)
         values ($1, $2, $3, coalesce($4, ''), $5, $6, $7, $8, $9)",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        new.metric.as_str(),
        starts_at,
        ends_at,
        new.prize_points,
        new.badge_id.map(|badge| badge.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    new: &NewCompetition,
    ends_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update competitions set name = $3, description = coalesce($4, ''), ends_at = $5, prize_points = $6, badge_id = $7,
                version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        new.name.as_str(),
        new.description.as_ref().map(Text::as_str),
        ends_at,
        new.prize_points,
        new.badge_id.map(|badge| badge.0)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn cancel(conn: &mut PgConnection, tenant: TenantId, id: CompetitionId) -> Result<()> {
    sqlx::query!(
        "update competitions set cancelled_at = engine.now(), version = version + 1 where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The version of a competition, its row locked.
pub(super) async fn lock(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar!(
        "select version from competitions where tenant_id = $1 and id = $2 for no key update",
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(version)
}

/// Has teams take part from an instant on; answers how many did not yet.
pub(super) async fn add_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    teams: &[TeamId],
    from: DateTime<Utc>,
) -> Result<u64> {
    let done = sqlx::query!(
        "insert into competition_teams (tenant_id, competition_id, team_id, joined_at)
         select $1, $2, u.team, $4 from unnest($3::uuid[]) as u (team)
         on conflict on constraint competition_teams_pkey do nothing",
        tenant.0,
        id.0,
        &teams.iter().map(|team| team.0).collect::<Vec<_>>(),
        from
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

struct CompetitionRow {
    id: CompetitionId,
    name: String,
    description: String,
    metric: String,
    state: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    prize_points: i32,
    badge_id: Option<BadgeId>,
    teams: i64,
    closed_at: Option<DateTime<Utc>>,
    rewarded_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
}

impl CompetitionRow {
    fn view(self) -> Result<CompetitionView> {
        let unknown = || Error::internal("a competition of a kind that this build does not know");
        Ok(CompetitionView {
            id: self.id,
            name: self.name,
            description: self.description,
            metric: Metric::named(&self.metric).ok_or_else(unknown)?,
            state: CompetitionState::named(&self.state).ok_or_else(unknown)?,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            prize_points: self.prize_points,
            badge_id: self.badge_id,
            teams: self.teams,
            closed_at: self.closed_at,
            rewarded_at: self.rewarded_at,
            cancelled_at: self.cancelled_at,
            version: self.version,
            created_at: self.created_at,
        })
    }
}

pub(super) async fn competitions(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<CompetitionId>,
    before: Option<CompetitionId>,
    limit: i64,
) -> Result<Vec<CompetitionView>> {
    let rows = sqlx::query_as!(
        CompetitionRow,
        r#"select c.id as "id: CompetitionId", c.name, c.description, c.metric, c.starts_at, c.ends_at, c.prize_points,
                  c.badge_id as "badge_id: BadgeId", c.closed_at, c.rewarded_at, c.cancelled_at, c.version, c.created_at,
                  case when c.cancelled_at is not null then 'cancelled' when c.closed_at is not null then 'closed'
                       when engine.now() < c.starts_at then 'scheduled' when engine.now() < c.ends_at then 'running'
                       else 'ending' end as "state!",
                  (select count(*) from competition_teams t
                    where t.tenant_id = c.tenant_id and t.competition_id = c.id) as "teams!"
             from competitions c
            where c.tenant_id = $1 and ($2::uuid is null or c.id = $2) and ($3::uuid is null or c.id < $3)
            order by c.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(CompetitionRow::view).collect()
}

/// The competition that ends next, else the one that was closed last.
pub(super) async fn foremost(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<CompetitionId>> {
    let next = sqlx::query_scalar!(
        r#"select id as "id: CompetitionId" from competitions
            where tenant_id = $1 and closed_at is null and cancelled_at is null order by ends_at, id limit 1"#,
        tenant.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    if next.is_some() {
        return Ok(next);
    }
    let last = sqlx::query_scalar!(
        r#"select id as "id: CompetitionId" from competitions
            where tenant_id = $1 and closed_at is not null order by closed_at desc, id desc limit 1"#,
        tenant.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(last)
}

/// A team of a competition that is open.
pub(super) struct Open {
    pub id: CompetitionId,
    pub metric: Metric,
    pub team: TeamId,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub joined_at: DateTime<Utc>,
}

/// The teams of competitions that are open, and lie around any instant from the first to the last.
pub(super) async fn open(
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
pub(super) async fn add_scores(
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

/// Freezes the standings of one that is open and locked; answers how many teams it has, and which has won if it is one.
pub(super) async fn freeze(
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
pub(super) async fn unrewarded(
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

pub(super) async fn note_rewarded(
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

/// How a team stands.
pub(super) struct StandingRow {
    pub rank: i64,
    pub team_id: TeamId,
    pub name: Option<String>,
    pub score: i64,
    pub players: i64,
}

/// The standings: as they were frozen, else as they are.
pub(super) async fn standings(
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
                      and s.team_id = t.team_id) as "players!"
             from competition_teams t
             left join teams n on n.tenant_id = t.tenant_id and n.id = t.team_id
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
pub(super) struct ContributionRow {
    pub rank: i64,
    pub agent_id: AgentId,
    pub team_id: TeamId,
    pub score: i64,
}

pub(super) async fn contributions(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: CompetitionId,
    team: Option<TeamId>,
    after: Option<(i64, AgentId)>,
    limit: i64,
) -> Result<Vec<ContributionRow>> {
    let rows = sqlx::query_as!(
        ContributionRow,
        r#"select s.rank as "rank!", s.agent_id as "agent_id!: AgentId", s.team_id as "team_id!: TeamId",
                  s.score as "score!"
             from (select rank() over (order by score desc) as rank, agent_id, team_id, score from competition_scores
                    where tenant_id = $1 and competition_id = $2 and ($3::uuid is null or team_id = $3)) s
            where $4::bigint is null or s.score < $4 or (s.score = $4 and s.agent_id > $5::uuid)
            order by s.score desc, s.agent_id limit $6"#,
        tenant.0,
        id.0,
        team.map(|team| team.0),
        after.map(|place| place.0),
        after.map(|place| place.1.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
