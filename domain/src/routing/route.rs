//! Routing as commands: one lead now, many as a job. Each assignment is one transaction: it locks the
//! lead, checks capacity and moves the team's cursor.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    rules::round_robin,
    store::{self, LeadRow},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::selection::known,
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, ImportId, LeadId, TeamId},
};

const PAGE: i64 = 500;

/// How the agent is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The team's available agents in turn; into the team's queue when all hands are full.
    RoundRobin,
    /// The named agent.
    Direct,
    /// Into the team's queue, for whoever takes it.
    Team,
}

/// Whom leads go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub strategy: Strategy,
    pub team: Option<TeamId>,
    pub agent: Option<AgentId>,
}

/// What became of a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Assigned,
    /// It waits in the team's queue.
    Queued,
    /// It had an owner already.
    Unchanged,
}

/// Where a lead is after routing.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Routed {
    pub lead_id: LeadId,
    pub outcome: Outcome,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
}

/// The job that routes many leads: the unassigned ones of an import, or all of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteLeads {
    pub import: Option<ImportId>,
    pub target: Target,
}

impl JobKind for RouteLeads {
    const KIND: &'static str = "route_leads";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// What a page of leads came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub assigned: usize,
    pub queued: usize,
    /// Nobody could take them, and they were left as they are.
    pub left: usize,
}

/// The step of a workflow that routes one lead, unless it has an owner by then.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteLead {
    pub lead: LeadId,
    pub target: Target,
}

impl JobKind for RouteLead {
    const KIND: &'static str = "route_lead";
    const QUEUE: &'static str = "automation";
}

/// Routes one lead.
///
/// # Errors
/// If lead, team or agent are not there, the named agent cannot take it, or the caller would not see it any more.
pub async fn one(ctx: &Ctx, lead: LeadId, target: Target, reroute: bool) -> Result<Routed> {
    ctx.require(Permission::LeadsRoute)?;
    let mut tx = ctx.begin().await?;
    let row = store::lock_lead(tx.conn(), ctx.tenant, lead).await?;
    if !row.is_some_and(|row| ctx.rows.hold(row.owner_id, row.team_id)) {
        return Err(Error::NotFound("lead"));
    }
    let routed = within(&mut tx, lead, target, reroute).await?;
    if !ctx.rows.hold(routed.owner_id, routed.team_id) {
        return Err(Error::beyond(
            "",
            "you would not see this lead any more; choose somebody whose leads you see",
        ));
    }
    tx.commit().await?;
    Ok(routed)
}

/// The same in a transaction of the caller's.
///
/// # Errors
/// As [`one`].
pub async fn within(tx: &mut TenantTx, lead: LeadId, target: Target, reroute: bool) -> Result<Routed> {
    let tenant = tx.tenant;
    let row = store::lock_lead(tx.conn(), tenant, lead).await?.ok_or(Error::NotFound("lead"))?;
    check(tx, target, "").await?;
    if row.owner_id.is_some() && !reroute {
        let outcome = Outcome::Unchanged;
        return Ok(Routed { lead_id: lead, outcome, owner_id: row.owner_id, team_id: row.team_id });
    }
    let (given, team) = give(tx, target, &[row]).await?;
    let Some((_, owner_id)) = given.first().copied() else {
        return Err(Error::conflict(
            "agent-not-free",
            "the agent is not available or has as many open leads as they may; choose another",
        ));
    };
    tx.audit(&[Entry::new("route", "lead", lead)]).await?;
    let outcome = if owner_id.is_some() { Outcome::Assigned } else { Outcome::Queued };
    Ok(Routed { lead_id: lead, outcome, owner_id, team_id: team })
}

/// Asks for many leads to be routed. Answers the operation.
///
/// # Errors
/// If import, team or agent are not there.
pub async fn many(ctx: &Ctx, import: Option<ImportId>, target: Target) -> Result<Once<Uuid>> {
    ctx.require(Permission::LeadsRoute)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    known(&mut keyed.tx, import).await?;
    check(&mut keyed.tx, target, "").await?;
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &RouteLeads { import, target }).map_err(Error::internal)?;
    let id = job.id;
    keyed.tx.enqueue(&[job]).await?;
    keyed.tx.audit(&[Entry::new("route", "leads", id).detail(json!({ "import_id": import }))]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

/// Routes the next page of a job's leads; answers the last one and what they came to, none at the end.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, job: &RouteLeads, after: Option<LeadId>) -> Result<Option<(LeadId, Tally)>> {
    let mut tx = ctx.begin().await?;
    let rows = store::lock_unassigned(tx.conn(), ctx.tenant, job.import, after, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
    let (given, _) = give(&mut tx, job.target, &rows).await?;
    tx.commit().await?;
    let assigned = given.iter().filter(|(_, owner)| owner.is_some()).count();
    let tally = Tally { assigned, queued: given.len() - assigned, left: rows.len() - given.len() };
    Ok(Some((last, tally)))
}

/// Names what is missing before anything is promised.
pub(crate) async fn check(tx: &mut TenantTx, target: Target, at: &str) -> Result<()> {
    let tenant = tx.tenant;
    match (target.strategy, target.team, target.agent) {
        (Strategy::Direct, None, Some(agent)) => {
            let found = store::agent_team(tx.conn(), tenant, agent).await?;
            found.map(drop).ok_or_else(|| Error::invalid(format!("{at}/agent_id"), "there is no such agent"))
        }
        (Strategy::Direct, ..) => {
            Err(Error::invalid(format!("{at}/agent_id"), "name the agent, and no team, for `direct`"))
        }
        (_, Some(team), None) => {
            let found = store::lock_team(tx.conn(), tenant, team).await?;
            found.map(drop).ok_or_else(|| Error::invalid(format!("{at}/team_id"), "there is no such team"))
        }
        _ => Err(Error::invalid(format!("{at}/team_id"), "name the team, and no agent, for this strategy")),
    }
}

/// Gives locked leads to the target and tells of it. Leads that are not in the answer were left.
async fn give(
    tx: &mut TenantTx,
    target: Target,
    leads: &[LeadRow],
) -> Result<(Vec<(LeadId, Option<AgentId>)>, Option<TeamId>)> {
    let tenant = tx.tenant;
    let (team, given): (_, Vec<_>) = match (target.strategy, target.team) {
        (Strategy::Direct, _) => {
            let agent = target.agent.ok_or_else(|| Error::internal("a direct route without an agent"))?;
            let seats = store::lock_seats(tx.conn(), tenant, None, Some(agent)).await?;
            let free = seats.first().map_or(0, |seat| usize::try_from(seat.free).unwrap_or(0));
            let team = store::agent_team(tx.conn(), tenant, agent).await?.flatten();
            (team, leads.iter().take(free).map(|lead| (lead.id, Some(agent))).collect())
        }
        (Strategy::Team, team) => (team, leads.iter().map(|lead| (lead.id, None)).collect()),
        (Strategy::RoundRobin, Some(team)) => {
            let cursor = store::lock_team(tx.conn(), tenant, team).await?.unwrap_or_default();
            let seats = store::lock_seats(tx.conn(), tenant, Some(team), None).await?;
            let (agents, cursor) = round_robin(&seats, cursor, leads.len());
            store::move_cursor(tx.conn(), tenant, team, cursor).await?;
            let agents = agents.into_iter().map(Some).chain(std::iter::repeat(None));
            (Some(team), leads.iter().map(|lead| lead.id).zip(agents).collect())
        }
        (Strategy::RoundRobin, None) => return Err(Error::internal("a round without a team")),
    };
    store::assign(tx.conn(), tenant, team, &given).await?;
    let told: Vec<Event> = given
        .iter()
        .map(|(lead, owner)| {
            let kind = if owner.is_some() { EventType::LeadAssigned } else { EventType::LeadUpdated };
            Event::new(kind, "lead", lead).with(json!({ "owner_id": owner, "team_id": team }))
        })
        .collect();
    tx.emit(&told).await?;
    Ok((given, team))
}
