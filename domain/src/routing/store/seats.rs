//! Teams and agents, as far as leads are given to them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    error::Result,
    types::{AgentId, LeadId, SkillId, TeamId, TenantId},
};

/// The teams of these that there are and their cursors; their rows are locked until commit, in the order of their ids.
pub(in crate::routing) async fn lock_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
) -> Result<Vec<(TeamId, i64)>> {
    let rows = sqlx::query!(
        r#"select id as "id: TeamId", cursor from teams where tenant_id = $1 and id = any($2) and deleted_at is null
            order by id for no key update"#,
        tenant.0,
        teams
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.cursor)).collect())
}

/// The same to look at only.
pub(in crate::routing) async fn cursors(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
) -> Result<Vec<(TeamId, i64)>> {
    let rows = sqlx::query!(
        r#"select id as "id: TeamId", cursor from teams
            where tenant_id = $1 and id = any($2) and deleted_at is null"#,
        tenant.0,
        teams
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.cursor)).collect())
}

/// The teams that these agents are in.
pub(in crate::routing) async fn teams_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[Uuid],
) -> Result<Vec<TeamId>> {
    let teams = sqlx::query_scalar!(
        r#"select distinct team_id as "team_id!: TeamId" from agents
            where tenant_id = $1 and id = any($2) and team_id is not null and deleted_at is null"#,
        tenant.0,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(teams)
}

/// Available agents of these teams or with these ids; their rows are locked until commit, in the order of the round.
pub(in crate::routing) async fn lock_available(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
    agents: &[Uuid],
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select id from agents
          where tenant_id = $1 and (team_id = any($2) or id = any($3)) and status = 'available'
            and deleted_at is null
          order by ordinal for no key update",
        tenant.0,
        teams,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// The same to look at only.
pub(in crate::routing) async fn available(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
    agents: &[Uuid],
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "select id from agents
          where tenant_id = $1 and (team_id = any($2) or id = any($3)) and status = 'available'
            and deleted_at is null",
        tenant.0,
        teams,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// An agent as a decision looks at them.
pub(in crate::routing) struct SeatRow {
    pub agent: AgentId,
    pub team: Option<TeamId>,
    pub ordinal: i64,
    pub open: i64,
    pub capacity: i64,
    pub idle_since: Option<DateTime<Utc>>,
    pub weight: i32,
    pub credit: i64,
    /// The agent's own, or the tenant's.
    pub zone: String,
    /// Whether they were found available, and are not elsewhere since.
    pub available: bool,
}

/// The agents that were found available, and those who are named. Leads are counted in a statement of its own, after
/// the locks, so that the count sees every assignment that was waited for.
pub(in crate::routing) async fn seats(
    conn: &mut PgConnection,
    tenant: TenantId,
    available: &[Uuid],
    named: &[Uuid],
) -> Result<Vec<SeatRow>> {
    let rows = sqlx::query_as!(
        SeatRow,
        r#"select a.id as "agent!: AgentId", a.team_id as "team?: TeamId", a.ordinal as "ordinal!",
                  (select count(*) from leads l where l.tenant_id = a.tenant_id and l.owner_id = a.id
                      and l.owner_id is not null and l.status not in ('converted', 'lost')) as "open!",
                  a.capacity::bigint as "capacity!", a.idle_since as "idle_since?", a.weight as "weight!",
                  coalesce((select t.credit from agent_turns t where t.tenant_id = a.tenant_id
                      and t.team_id = a.team_id and t.agent_id = a.id), 0) as "credit!",
                  coalesce(a.zone, (select t.zone from tenants t where t.id = a.tenant_id)) as "zone!",
                  (a.id = any($2) and a.status = 'available') as "available!"
             from agents a
            where a.tenant_id = $1 and (a.id = any($2) or a.id = any($3)) and a.deleted_at is null"#,
        tenant.0,
        available,
        named
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether an agent can have one lead besides the other open ones they hold; their row is locked until commit. As in
/// [`seats`], leads are counted after the lock.
pub(in crate::routing) async fn lock_for_one_more(
    conn: &mut PgConnection,
    tenant: TenantId,
    agent: AgentId,
    lead: LeadId,
) -> Result<bool> {
    let capacity = sqlx::query_scalar!(
        "select capacity from agents
          where tenant_id = $1 and id = $2 and deleted_at is null for no key update",
        tenant.0,
        agent.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(capacity) = capacity else { return Ok(false) };
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from leads
            where tenant_id = $1 and owner_id = $2 and owner_id is not null and id <> $3
              and status not in ('converted', 'lost')"#,
        tenant.0,
        agent.0,
        lead.0
    )
    .fetch_one(conn)
    .await?;
    Ok(open < i64::from(capacity))
}

/// Which skills agents have.
pub(in crate::routing) async fn skills(
    conn: &mut PgConnection,
    tenant: TenantId,
    agents: &[Uuid],
) -> Result<Vec<(AgentId, SkillId, i16)>> {
    let rows = sqlx::query!(
        r#"select agent_id as "agent!: AgentId", skill_id as "skill!: SkillId", level as "level!"
             from agent_skills where tenant_id = $1 and agent_id = any($2)"#,
        tenant.0,
        agents
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.agent, row.skill, row.level)).collect())
}

/// Whether there are the team, the agent and the skill that somebody names; what is not named is there.
pub(in crate::routing) async fn are_known(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Option<TeamId>,
    agent: Option<AgentId>,
    skill: Option<SkillId>,
) -> Result<(bool, bool, bool)> {
    let known = sqlx::query!(
        r#"select ($2::uuid is null or exists (select from teams
                    where tenant_id = $1 and id = $2 and deleted_at is null)) as "team!",
                  ($3::uuid is null or exists (select from agents
                    where tenant_id = $1 and id = $3 and deleted_at is null)) as "agent!",
                  ($4::uuid is null or exists (select from skills where tenant_id = $1 and id = $4)) as "skill!""#,
        tenant.0,
        team.map(|id| id.0),
        agent.map(|id| id.0),
        skill.map(|id| id.0)
    )
    .fetch_one(conn)
    .await?;
    Ok((known.team, known.agent, known.skill))
}
