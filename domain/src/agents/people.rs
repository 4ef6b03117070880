//! Commands on agents.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store;
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now, roles::tell_of, users::reach},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    routing::sweep,
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, SubjectId, TeamId, TenantId, Text, UserId, nullable},
    vault::{Personal, Place, Vault, mask, personal::reveal},
};

/// What an agent is doing. Only `available` agents are given leads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Offline,
    Available,
    OnCall,
    WrapUp,
    Break,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Available => "available",
            Self::OnCall => "on_call",
            Self::WrapUp => "wrap_up",
            Self::Break => "break",
        }
    }
}

const MOST: i32 = 100_000;

/// An agent to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    #[schema(value_type = String)]
    pub name: Text<200>,
    pub team_id: Option<TeamId>,
    #[serde(default)]
    pub status: Status,
    /// Open leads the agent may hold at a time, 0 to 100,000.
    pub capacity: i32,
    /// Who logs in as this agent: whoever sees only their own leads sees the agent's.
    pub user_id: Option<UserId>,
}

/// What to change; absent fields stay.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    pub status: Option<Status>,
    pub capacity: Option<i32>,
    /// Null takes the agent out of their team.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub team_id: Option<Option<TeamId>>,
    /// Who logs in as this agent. Null takes the link away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<UserId>)]
    pub user_id: Option<Option<UserId>>,
}

/// An agent as colleagues see them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AgentView {
    pub id: AgentId,
    /// None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Personal<String>>,
    pub team_id: Option<TeamId>,
    pub user_id: Option<UserId>,
    pub status: String,
    pub capacity: i32,
    /// Open leads assigned at this moment.
    pub open_leads: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If team or user are unknown, the user is an agent already, or the capacity is out of bounds.
pub async fn create(ctx: &Ctx, new: NewAgent) -> Result<Once<AgentId>> {
    ctx.require(Permission::AgentsWrite)?;
    ctx.require_all_rows()?;
    capacity(new.capacity)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = AgentId(ctx.id());
    let subject = SubjectId(id.0);
    let keys = Vault::make_subjects(&mut keyed.tx, &[subject]).await?;
    let name = keys.seal(&ctx.platform, subject, &name_place(ctx.tenant, id), new.name.as_str())?;
    if let Some(user) = new.user_id {
        let now = held_now(ctx, &mut keyed.tx, Permission::AgentsWrite).await?;
        relink(&now, &mut keyed.tx, user).await?;
    }
    let put = store::insert_agent(keyed.tx.conn(), ctx.tenant, id, &new, &name).await?;
    refused(&put, || Error::invalid("/team_id", "there is no such team"))?;
    if let Some(team) = new.team_id.filter(|_| new.status == Status::Available) {
        sweep::wake_team(&mut keyed.tx, team).await?;
    }
    keyed.tx.audit(&[Entry::new("create", "agent", id)]).await?;
    keyed.commit(id, 201, format!("/api/v1/agents/{id}")).await
}

/// Lets a user be linked to an agent, or not any more: one who holds nothing beyond the caller's rights.
async fn relink(ctx: &Ctx, tx: &mut TenantTx, user: UserId) -> Result<()> {
    match reach(ctx, tx, user).await {
        Err(Error::NotFound(_)) => return Err(Error::invalid("/user_id", "there is no such user")),
        reached => drop(reached?),
    }
    tell_of(tx, user).await
}

/// Why an agent could not be written as wished.
fn refused(put: &store::Linked, missing: impl FnOnce() -> Error) -> Result<()> {
    match put {
        store::Linked::Done => Ok(()),
        store::Linked::NotFound => Err(missing()),
        store::Linked::Taken => {
            Err(Error::conflict("user-is-agent", "this user is another agent; take that link away first"))
        }
    }
}

/// Changes an agent. Status alone needs less than the rest; whoever sees only some leads says it of their agents.
///
/// # Errors
/// If agent, team or user are unknown, the user is another agent, the capacity is out of bounds, or the agent is
/// beyond what the caller sees.
pub async fn change(ctx: &Ctx, id: AgentId, change: AgentChange) -> Result<AgentView> {
    let rights = change.team_id.is_some() || change.user_id.is_some();
    let needed =
        if rights || change.capacity.is_some() { Permission::AgentsWrite } else { Permission::AgentsStatus };
    ctx.require(needed)?;
    change.capacity.map_or(Ok(()), capacity)?;
    let mut tx = ctx.begin().await?;
    let now = if rights { held_now(ctx, &mut tx, needed).await? } else { ctx.clone() };
    if rights {
        now.require_all_rows()?;
    }
    // Whoever brings room has the queue swept; the locks of teams come before those of agents.
    let brings_room =
        change.status == Some(Status::Available) || change.capacity.is_some() || change.team_id.is_some();
    let before = store::team_of(tx.conn(), ctx.tenant, id).await?;
    if brings_room {
        sweep::wake_teams(&mut tx, before.into_iter().chain(change.team_id.flatten())).await?;
    }
    let (team, user) = store::lock_agent(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("agent"))?;
    if !now.rows.hold(Some(id), team) {
        return Err(Error::beyond(
            "",
            "you see the leads of other agents only; ask somebody who sees this one's",
        ));
    }
    if brings_room && team != before {
        return Err(Error::conflict("agent-moved", "the agent was moved at this moment; ask again"));
    }
    if let Some(Some(team)) = change.team_id
        && store::teams(tx.conn(), ctx.tenant, Some(team), None, 1).await?.is_empty()
    {
        return Err(Error::invalid("/team_id", "there is no such team"));
    }
    if change.user_id.is_some() {
        for user in [user, change.user_id.flatten()].into_iter().flatten().collect::<BTreeSet<_>>() {
            relink(&now, &mut tx, user).await?;
        }
    } else if let Some(user) = user.filter(|_| rights) {
        tell_of(&mut tx, user).await?;
    }
    let put = store::update_agent(tx.conn(), ctx.tenant, id, &change).await?;
    refused(&put, || Error::NotFound("agent"))?;
    let entry = Entry::new("update", "agent", id);
    tx.audit(&[if rights {
        // Whose leads somebody sees has changed.
        entry.detail(json!({ "team_id": change.team_id, "user_id": change.user_id })).notice()
    } else {
        entry
    }])
    .await?;
    if let Some(status) = change.status {
        let event = Event::new(EventType::AgentStatusChanged, "agent", id);
        tx.emit(&[event.with(json!({ "status": status }))]).await?;
    }
    tx.commit().await?;
    read(ctx, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("agent"))
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<AgentId>, limit: i64) -> Result<Vec<AgentView>> {
    ctx.require(Permission::AgentsRead)?;
    read(ctx, None, before, limit).await
}

/// # Errors
/// If there is no such agent.
pub async fn get(ctx: &Ctx, id: AgentId) -> Result<AgentView> {
    ctx.require(Permission::AgentsRead)?;
    read(ctx, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("agent"))
}

async fn read(
    ctx: &Ctx,
    only: Option<AgentId>,
    before: Option<AgentId>,
    limit: i64,
) -> Result<Vec<AgentView>> {
    let mut tx = ctx.begin().await?;
    let rows = store::agents(tx.conn(), ctx.tenant, only, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| SubjectId(row.id.0)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let name = keys.open(&name_place(ctx.tenant, row.id), &row.name_sealed)?;
            Ok(AgentView {
                id: row.id,
                name: ctx.seen(name, mask::name),
                team_id: row.team_id,
                user_id: row.user_id,
                status: row.status,
                capacity: row.capacity,
                open_leads: row.open_leads,
                version: row.version,
                created_at: row.created_at,
            })
        })
        .collect()
}

fn capacity(capacity: i32) -> Result<()> {
    if (0..=MOST).contains(&capacity) { Ok(()) } else { Err(Error::invalid("/capacity", "0 to 100000")) }
}

fn name_place(tenant: TenantId, agent: AgentId) -> Place {
    Place { tenant, table: "agents", column: "name_sealed", row: agent.0 }
}
