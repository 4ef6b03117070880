//! Commands on agents: make them and see them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{
    availability::{AgentStatus, by_hand, is_free},
    change::{bounds, named_team, refused, relink},
    shifts::{AgentShift, is_on_shift},
    store,
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now},
    audit::Entry,
    error::{Error, Result},
    routing::sweep,
    tenancy::{self, Begun, Once, TenantTx},
    types::{AgentId, SkillId, SubjectId, TeamId, TenantId, Text, UserId, Zone},
    vault::{Personal, Place, Vault, mask, personal::reveal},
};

/// An agent to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    #[schema(value_type = String)]
    pub name: Text<200>,
    pub team_id: Option<TeamId>,
    /// `offline` if not said; `on_call` and `wrap_up` come later.
    #[serde(default)]
    #[schema(required = false)]
    pub status: AgentStatus,
    /// Open leads the agent may hold at a time, 0 to 100,000.
    pub capacity: i32,
    /// Their share where work is given out by weight: 1 to 100, 1 if not said.
    pub weight: Option<i32>,
    /// A name of the IANA time zone database that shifts are read in; the tenant's own if not said.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub zone: Option<Zone>,
    /// Who logs in as this agent: whoever sees only their own leads sees the agent's.
    pub user_id: Option<UserId>,
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
    pub status: AgentStatus,
    pub status_since: DateTime<Utc>,
    /// Since when they wait for work, if they became available ever.
    pub idle_since: Option<DateTime<Utc>>,
    /// When a wrap-up ends by itself; null if it does not.
    pub wrap_up_until: Option<DateTime<Utc>>,
    pub capacity: i32,
    pub weight: i32,
    /// Null is the tenant's own.
    pub zone: Option<String>,
    /// Open leads assigned at this moment. Null for whoever sees only their own leads or their team's, of agents besides
    /// themselves or outside of that team.
    pub open_leads: Option<i64>,
    /// Whether their shifts say that they work at this moment; whoever has none always does.
    pub on_shift: bool,
    /// Whether they can be given a lead at this moment: available, on shift and below their capacity.
    pub is_free: bool,
    /// Whether a socket of their user is open.
    pub connected: bool,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Which agents to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub id: Option<AgentId>,
    pub team: Option<TeamId>,
    pub status: Option<AgentStatus>,
    pub skill: Option<SkillId>,
}

/// # Errors
/// If team or user are unknown, the user is an agent already, or a value is out of bounds.
pub async fn create(ctx: &Ctx, new: NewAgent) -> Result<Once<AgentId>> {
    ctx.require(Permission::AgentsWrite)?;
    ctx.require_all_rows()?;
    bounds(Some(new.capacity), new.weight)?;
    if new.status == AgentStatus::WrapUp || by_hand(AgentStatus::Offline, new.status).is_err() {
        return Err(Error::invalid("/status", "`offline`, `available` or `break` to begin with"));
    }
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
    // Whoever brings room has the queue swept; the locks of teams come before those of agents.
    if let Some(team) = new.team_id.filter(|_| new.status == AgentStatus::Available) {
        sweep::wake_team(&mut keyed.tx, team).await?;
    }
    named_team(&mut keyed.tx, new.team_id).await?;
    refused(&store::insert_agent(keyed.tx.conn(), ctx.tenant, id, &new, &name).await?)?;
    keyed.tx.audit(&[Entry::new("create", "agent", id)]).await?;
    keyed.commit(id, 201, format!("/api/v1/agents/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, filter: &Filter, before: Option<AgentId>, limit: i64) -> Result<Vec<AgentView>> {
    ctx.require(Permission::AgentsRead)?;
    read(ctx, filter, before, limit).await
}

/// # Errors
/// If there is no such agent.
pub async fn get(ctx: &Ctx, id: AgentId) -> Result<AgentView> {
    ctx.require(Permission::AgentsRead)?;
    one(ctx, id).await
}

/// One agent for whoever has just changed them.
pub(super) async fn one(ctx: &Ctx, id: AgentId) -> Result<AgentView> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    read(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("agent"))
}

async fn read(ctx: &Ctx, filter: &Filter, before: Option<AgentId>, limit: i64) -> Result<Vec<AgentView>> {
    let mut tx = ctx.begin().await?;
    let rows = store::agents(tx.conn(), ctx.tenant, filter, ctx.rows, before, limit).await?;
    let ids: Vec<AgentId> = rows.iter().map(|row| row.id).collect();
    let subjects: Vec<SubjectId> = ids.iter().map(|id| SubjectId(id.0)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let mut shifts: HashMap<AgentId, Vec<AgentShift>> = HashMap::new();
    for (agent, shift) in store::shifts(tx.conn(), ctx.tenant, &ids).await? {
        shifts.entry(agent).or_default().push(shift);
    }
    let home = tenancy::store::zone(tx.conn(), ctx.tenant).await?;
    let now = ctx.now();
    rows.into_iter()
        .map(|row| {
            let name = keys.open(&name_place(ctx.tenant, row.id), &row.name_sealed)?;
            let shifts = shifts.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            let on_shift = is_on_shift(shifts, zone(row.zone.as_deref(), &home), now);
            Ok(AgentView {
                id: row.id,
                name: ctx.seen(name, mask::name),
                team_id: row.team_id,
                user_id: row.user_id,
                status: row.status,
                status_since: row.status_since,
                idle_since: row.idle_since,
                wrap_up_until: row.wrap_up_until,
                capacity: row.capacity,
                weight: row.weight,
                zone: row.zone,
                open_leads: row.open_leads,
                on_shift,
                is_free: is_free(row.status, on_shift, row.has_room),
                connected: row.connected,
                version: row.version,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// The names of some agents as the caller may see them; one whose name is gone has none here.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn names(ctx: &Ctx, tx: &mut TenantTx, ids: &[AgentId]) -> Result<HashMap<AgentId, String>> {
    let rows = store::sealed_names(tx.conn(), ctx.tenant, ids).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|(id, _)| SubjectId(id.0)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut names = HashMap::new();
    for (id, sealed) in rows {
        let plain = keys.open(&name_place(ctx.tenant, id), &sealed)?;
        if let Some(name) = ctx.seen(plain, mask::name) {
            names.insert(id, name.expose().clone());
        }
    }
    Ok(names)
}

/// The zone that shifts are read in: the agent's, else the tenant's. One that this build's database does not know any
/// more is read as UTC.
pub(crate) fn zone(own: Option<&str>, home: &str) -> Tz {
    own.unwrap_or(home).parse().unwrap_or(Tz::UTC)
}

pub(super) fn name_place(tenant: TenantId, agent: AgentId) -> Place {
    Place { tenant, table: "agents", column: "name_sealed", row: agent.0 }
}
