//! Agents as they are shown, with what each holds at this moment.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::{availability::AgentStatus, people::Filter};
use crate::{
    access::rows::Rows,
    error::Result,
    types::{AgentId, TeamId, TenantId, UserId},
};

/// A stored agent.
pub(in crate::agents) struct AgentRow {
    pub id: AgentId,
    pub team_id: Option<TeamId>,
    pub user_id: Option<UserId>,
    pub status: AgentStatus,
    pub status_since: DateTime<Utc>,
    pub idle_since: Option<DateTime<Utc>>,
    pub wrap_up_until: Option<DateTime<Utc>>,
    pub capacity: i32,
    pub weight: i32,
    pub zone: Option<String>,
    /// None if it is not for the caller to see.
    pub open_leads: Option<i64>,
    /// Whether they hold less than they may.
    pub has_room: bool,
    pub connected: bool,
    pub version: i64,
    pub name_sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// Agents with ids below `before`, newest first. How many leads one holds is told of those whose leads the caller sees:
/// of themselves, of their team, or of all.
pub(in crate::agents) async fn agents(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter,
    rows: Rows,
    before: Option<AgentId>,
    limit: i64,
) -> Result<Vec<AgentRow>> {
    // The leads of a page are counted once, behind its limit.
    let found = sqlx::query_as!(
        AgentRow,
        r#"select p.id as "id!: AgentId", p.team_id as "team_id?: TeamId", p.user_id as "user_id?: UserId",
                  p.status as "status!: AgentStatus", p.status_since as "status_since!",
                  p.idle_since as "idle_since?", p.wrap_up_until as "wrap_up_until?", p.capacity as "capacity!",
                  p.weight as "weight!", p.zone as "zone?", p.version as "version!",
                  p.name_sealed as "name_sealed!", p.created_at as "created_at!",
                  case when ($8::uuid is null or p.id = $8) and ($9::uuid is null or p.team_id = $9)
                       then p.held end as "open_leads?",
                  p.held < p.capacity as "has_room!", p.connected as "connected!"
             from (select a.*,
                  (select count(*) from leads l where l.tenant_id = a.tenant_id and l.owner_id = a.id
                      and l.owner_id is not null and l.status not in ('converted', 'lost')) as held,
                  exists (select from agent_presence s join engine.nodes n on n.id = s.node
                      where s.tenant_id = a.tenant_id and s.user_id = a.user_id and s.sockets > 0) as connected
             from agents a
            where a.tenant_id = $1 and a.deleted_at is null
              and ($2::uuid is null or a.id = $2) and ($3::uuid is null or a.id < $3)
              and ($5::uuid is null or a.team_id = $5) and ($6::text is null or a.status = $6)
              and ($7::uuid is null or exists (select from agent_skills s
                      where s.tenant_id = a.tenant_id and s.agent_id = a.id and s.skill_id = $7))
            order by a.id desc limit $4) p
            order by p.id desc"#,
        tenant.0,
        filter.id.map(|id| id.0),
        before.map(|id| id.0),
        limit,
        filter.team.map(|id| id.0),
        filter.status.map(AgentStatus::as_str),
        filter.skill.map(|id| id.0),
        rows.owner(),
        rows.team()
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// The names of some agents, sealed; of those who are gone, too, as long as they have one.
pub(in crate::agents) async fn sealed_names(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[AgentId],
) -> Result<Vec<(AgentId, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select id as "id: AgentId", name_sealed from agents where tenant_id = $1 and id = any($2)"#,
        tenant.0,
        &ids.iter().map(|id| id.0).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name_sealed)).collect())
}
