//! The table of agents.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, postgres::PgQueryResult};

use super::super::{availability::AgentStatus, change::AgentChange, people::NewAgent};
use crate::{
    error::Result,
    types::{AgentId, LeadId, TeamId, TenantId, UserId, Zone},
};

/// What an agent was to be linked to.
pub(in crate::agents) enum Linked {
    Done,
    /// There is no such agent.
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

pub(in crate::agents) async fn insert_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    new: &NewAgent,
    name_sealed: &[u8],
) -> Result<Linked> {
    let put = sqlx::query!(
        "insert into agents (tenant_id, id, team_id, status, capacity, name_sealed, user_id, weight, zone, idle_since)
         values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, 1), $9, case when $10 then engine.now() end)",
        tenant.0,
        id.0,
        new.team_id.map(|team| team.0),
        new.status.as_str(),
        new.capacity,
        name_sealed,
        new.user_id.map(|user| user.0),
        new.weight,
        new.zone.as_ref().map(Zone::as_str),
        new.status == AgentStatus::Available
    )
    .execute(conn)
    .await;
    linked(put)
}

/// The team of an agent, who may be moved to another at any moment.
pub(crate) async fn team_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<Option<TeamId>> {
    let team = sqlx::query_scalar!(
        r#"select team_id as "team_id: TeamId" from agents
            where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(team.flatten())
}

/// What a change must know of the agent it changes.
pub(crate) struct HeldAgent {
    pub id: AgentId,
    pub team: Option<TeamId>,
    /// Who logs in as the agent.
    pub user: Option<UserId>,
    pub status: AgentStatus,
    pub wrap_up_until: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Locks an agent. Whoever locks leads or a team as well has done so before; see `routing::store`.
pub(crate) async fn lock_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<Option<HeldAgent>> {
    let held = sqlx::query_as!(
        HeldAgent,
        r#"select id as "id: AgentId", team_id as "team: TeamId", user_id as "user: UserId",
                  status as "status: AgentStatus", wrap_up_until, version
             from agents where tenant_id = $1 and id = $2 and deleted_at is null for no key update"#,
        tenant.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(held)
}

/// Whether there is such an agent.
pub(crate) async fn is_there(conn: &mut PgConnection, tenant: TenantId, id: AgentId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from agents
            where tenant_id = $1 and id = $2 and deleted_at is null) as "found!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

/// Changes all but the status.
pub(in crate::agents) async fn update_agent(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    change: &AgentChange,
    name_sealed: Option<&[u8]>,
) -> Result<Linked> {
    let done = sqlx::query!(
        "update agents set capacity = coalesce($3, capacity), weight = coalesce($4, weight),
                team_id = case when $5 then $6 else team_id end,
                user_id = case when $7 then $8 else user_id end,
                zone = case when $9 then $10 else zone end,
                name_sealed = coalesce($11, name_sealed), version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0,
        change.capacity,
        change.weight,
        change.team_id.is_some(),
        change.team_id.flatten().map(|team| team.0),
        change.user_id.is_some(),
        change.user_id.flatten().map(|user| user.0),
        change.zone.is_some(),
        change.zone.as_ref().and_then(Option::as_ref).map(Zone::as_str),
        name_sealed
    )
    .execute(conn)
    .await;
    linked(done)
}

/// Gives an agent another status; answers when it ends by itself, which a wrap-up of so many seconds does.
pub(in crate::agents) async fn update_status(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    to: AgentStatus,
    wrap_up_s: i32,
) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        "update agents set status = $3, status_since = engine.now(), version = version + 1,
                idle_since = case when $4 then engine.now() else idle_since end,
                wrap_up_until = case when $5::int > 0 then engine.now() + make_interval(secs => $5::int) end
          where tenant_id = $1 and id = $2 returning wrap_up_until",
        tenant.0,
        id.0,
        to.as_str(),
        to == AgentStatus::Available,
        wrap_up_s
    )
    .fetch_one(conn)
    .await?;
    Ok(until)
}

/// Whether an agent has open leads; they are locked as a whole, so nobody gives them one before this transaction ends.
pub(in crate::agents) async fn has_open_leads(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<bool> {
    let any = sqlx::query_scalar!(
        r#"select exists (select from leads where tenant_id = $1 and owner_id = $2
             and status not in ('converted', 'lost')) as "any!""#,
        tenant.0,
        id.0
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// Takes some of an agent's open leads back: nobody owns them then, and they wait in the queue of their team, if they
/// have one. Answers them.
pub(in crate::agents) async fn give_back(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
    most: i64,
) -> Result<Vec<(LeadId, Option<TeamId>)>> {
    let rows = sqlx::query!(
        r#"with held as (
             select id from leads
              where tenant_id = $1 and owner_id = $2 and status not in ('converted', 'lost')
              order by id limit $3 for update)
           update leads l set owner_id = null, assigned_at = null, version = version + 1, updated_at = engine.now(),
                  waiting_since = case when l.team_id is not null then engine.now() end
             from held where l.tenant_id = $1 and l.id = held.id
           returning l.id as "id!: LeadId", l.team_id as "team: TeamId""#,
        tenant.0,
        id.0,
        most
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.team)).collect())
}

/// Nobody sees the agent any more, and nobody logs in as them; what refers to them stays whole.
pub(in crate::agents) async fn mark_deleted(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: AgentId,
) -> Result<()> {
    sqlx::query!(
        "update agents set deleted_at = engine.now(), user_id = null, team_id = null, version = version + 1
          where tenant_id = $1 and id = $2",
        tenant.0,
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}
