//! The tables of teams and agents.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    people::{AgentChange, NewAgent},
    teams::TeamView,
};
use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId},
};

/// `false` if the name is taken.
pub(super) async fn insert_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: TeamId,
    name: &str,
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into teams (tenant_id, id, name) values ($1, $2, $3)
         on conflict on constraint teams_name_key do nothing",
        tenant.0,
        id.0,
        name
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

pub(super) async fn teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<TeamId>,
    before: Option<TeamId>,
    limit: i64,
) -> Result<Vec<TeamView>> {
    let rows = sqlx::query_as!(
        TeamView,
        r#"select id as "id: TeamId", name, created_at from teams
            where tenant_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id < $3)
            order by id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// `false` if there is no such team.
pub(super) async fn insert_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    new: &NewAgent,
    name_sealed: &[u8],
) -> Result<bool> {
    let put = sqlx::query!(
        "insert into agents (tenant_id, id, team_id, status, capacity, name_sealed)
         select $1, $2, $3, $4, $5, $6
          where $3::uuid is null or exists (select from teams where tenant_id = $1 and id = $3)",
        tenant.0,
        id.0,
        new.team_id.map(|team| team.0),
        new.status.as_str(),
        new.capacity,
        name_sealed
    )
    .execute(conn)
    .await?;
    Ok(put.rows_affected() == 1)
}

/// `false` if there is no such agent.
pub(super) async fn update_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    change: &AgentChange,
) -> Result<bool> {
    let done = sqlx::query!(
        "update agents set status = coalesce($3, status), capacity = coalesce($4, capacity),
                team_id = case when $5 then $6 else team_id end, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.status.map(super::people::Status::as_str),
        change.capacity,
        change.team_id.is_some(),
        change.team_id.flatten().map(|team| team.0)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A stored agent.
pub(super) struct AgentRow {
    pub id: AgentId,
    pub team_id: Option<TeamId>,
    pub status: String,
    pub capacity: i32,
    pub open_leads: i64,
    pub version: i64,
    pub name_sealed: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

pub(super) async fn agents(
    conn: &mut PgConnection,
    tenant: TenantId,
    only: Option<AgentId>,
    before: Option<AgentId>,
    limit: i64,
) -> Result<Vec<AgentRow>> {
    let rows = sqlx::query_as!(
        AgentRow,
        r#"select a.id as "id: AgentId", a.team_id as "team_id: TeamId", a.status, a.capacity, a.version,
                  a.name_sealed, a.created_at,
                  (select count(*) from leads l where l.tenant_id = a.tenant_id and l.owner_id = a.id
                      and l.status not in ('converted', 'lost')) as "open_leads!"
             from agents a
            where a.tenant_id = $1 and ($2::uuid is null or a.id = $2) and ($3::uuid is null or a.id < $3)
            order by a.id desc limit $4"#,
        tenant.0,
        only.map(|id| id.0),
        before.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
