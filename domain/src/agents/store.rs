//! The tables of teams and agents.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, postgres::PgQueryResult};

use super::{
    people::{AgentChange, NewAgent},
    teams::TeamView,
};
use crate::{
    error::Result,
    types::{AgentId, TeamId, TenantId, UserId},
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

/// What an agent was to be linked to.
pub(super) enum Linked {
    Done,
    /// There is no such team, or no such agent.
    NotFound,
    /// The user is another agent already.
    Taken,
}

fn linked(done: sqlx::Result<PgQueryResult>) -> Result<Linked> {
    match done {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("agents_user_key") => {
            Ok(Linked::Taken)
        }
        done => Ok(if done?.rows_affected() == 1 { Linked::Done } else { Linked::NotFound }),
    }
}

pub(super) async fn insert_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    new: &NewAgent,
    name_sealed: &[u8],
) -> Result<Linked> {
    let put = sqlx::query!(
        "insert into agents (tenant_id, id, team_id, status, capacity, name_sealed, user_id)
         select $1, $2, $3, $4, $5, $6, $7
          where $3::uuid is null or exists (select from teams where tenant_id = $1 and id = $3)",
        tenant.0,
        id.0,
        new.team_id.map(|team| team.0),
        new.status.as_str(),
        new.capacity,
        name_sealed,
        new.user_id.map(|user| user.0)
    )
    .execute(conn)
    .await;
    linked(put)
}

/// The team of an agent, who may be moved to another at any moment.
pub(super) async fn team_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<Option<TeamId>> {
    let team = sqlx::query_scalar!(
        r#"select team_id as "team_id: TeamId" from agents where tenant_id = $1 and id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(team.flatten())
}

/// The team of an agent and the user behind them, the row locked.
pub(super) async fn lock_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<Option<(Option<TeamId>, Option<UserId>)>> {
    let row = sqlx::query!(
        r#"select team_id as "team: TeamId", user_id as "user: UserId" from agents
            where tenant_id = $1 and id = $2 for no key update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.team, row.user)))
}

pub(super) async fn update_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    change: &AgentChange,
) -> Result<Linked> {
    let done = sqlx::query!(
        "update agents set status = coalesce($3, status), capacity = coalesce($4, capacity),
                team_id = case when $5 then $6 else team_id end,
                user_id = case when $7 then $8 else user_id end, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.status.map(super::people::Status::as_str),
        change.capacity,
        change.team_id.is_some(),
        change.team_id.flatten().map(|team| team.0),
        change.user_id.is_some(),
        change.user_id.flatten().map(|user| user.0)
    )
    .execute(conn)
    .await;
    linked(done)
}

/// A stored agent.
pub(super) struct AgentRow {
    pub id: AgentId,
    pub team_id: Option<TeamId>,
    pub user_id: Option<UserId>,
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
        r#"select a.id as "id: AgentId", a.team_id as "team_id: TeamId", a.user_id as "user_id: UserId", a.status, a.capacity, a.version,
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
