//! Many leads at once, in the transaction of somebody who holds their locks: given to one agent, taken from whoever has
//! them, or opened again. What holds for one lead holds for each.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::{
    ground::Ground,
    moves::{self, Move},
    reopen, route, store,
    strategies::{Strategy, Target},
    sweep,
};
use crate::{
    error::Result,
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{AgentId, LeadId, TeamId},
};

/// Refuses an agent who is not there, told at this place of the request.
///
/// # Errors
/// If there is no such agent, or the database does not answer.
pub(crate) async fn check(tx: &mut TenantTx, agent: AgentId, at: &str) -> Result<()> {
    route::check(tx, Some(named(agent)), at).await
}

fn named(agent: AgentId) -> Target {
    Target { strategy: Strategy::Direct, team: None, agent: Some(agent), skill: None, min_level: None }
}

/// Gives leads to an agent for as long as that one is available, on shift and has room, in the order of their ids.
/// Answers those that were given; the others stay where they are.
///
/// # Errors
/// If the agent is gone by now, or the database does not answer.
pub(crate) async fn give(tx: &mut TenantTx, leads: &[LeadId], agent: AgentId) -> Result<Vec<LeadId>> {
    check(tx, agent, "/action").await?;
    let tenant = tx.tenant;
    let rows = store::lock_leads(tx.conn(), tenant, &ids(leads)).await?;
    let mut ground = Ground::of(tx, &rows, Some(named(agent)), true).await?;
    let (mut given, mut former) = (Vec::new(), Vec::new());
    for row in &rows {
        if let Some(to) = Move::of(row, &ground.decide(row)?) {
            given.push(to);
            former.extend(row.owner_id);
        }
    }
    if given.is_empty() {
        return Ok(Vec::new());
    }
    moves::write(tx, &given, &ground.floor).await?;
    sweep::wake_teams_of(tx, &former).await?;
    Ok(given.iter().map(|to| to.lead).collect())
}

/// Takes leads from whoever has them: each waits in its team's queue from now on, or is nobody's if it has no team.
/// Answers those that somebody had.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn take(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    let back = store::take_back(tx.conn(), tenant, &ids(leads)).await?;
    let told: Vec<Event> = back
        .iter()
        .map(|taken| {
            let kind = if taken.team.is_some() { EventType::LeadQueued } else { EventType::LeadUpdated };
            let former = taken.owner;
            let told = json!({ "owner_id": null, "team_id": taken.team, "former_agent_id": former });
            Event::new(kind, "lead", taken.lead).with(told)
        })
        .collect();
    tx.emit(&told).await?;
    let former: Vec<Uuid> = back.iter().map(|taken| taken.owner.0).collect();
    let mut teams: BTreeSet<TeamId> = back.iter().filter_map(|taken| taken.team).collect();
    teams.extend(store::teams_of(tx.conn(), tenant, &former).await?);
    sweep::wake_teams(tx, teams).await?;
    Ok(back.iter().map(|taken| taken.lead).collect())
}

/// A lead, its owner and its team.
pub(crate) type Placed = (LeadId, Option<AgentId>, Option<TeamId>);

/// Settles who has leads that were closed and are open now, as [`reopen::lead_opens`] does for one. All teams are locked
/// first, then all agents, so that it waits for nobody who waits for it. Answers who has them from now on.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn open(tx: &mut TenantTx, leads: &[Placed]) -> Result<Vec<Placed>> {
    if leads.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant;
    let agents: Vec<Uuid> = leads.iter().filter_map(|(_, owner, _)| owner.map(|agent| agent.0)).collect();
    let teams: Vec<Uuid> = leads.iter().filter_map(|(_, _, team)| team.map(|team| team.0)).collect();
    store::lock_teams(tx.conn(), tenant, &teams).await?;
    store::lock_agents(tx.conn(), tenant, &agents).await?;
    let mut placed = Vec::with_capacity(leads.len());
    for (lead, _, _) in leads {
        let (owner, team) = reopen::lead_opens(tx, *lead).await?;
        placed.push((*lead, owner, team));
    }
    Ok(placed)
}

fn ids(leads: &[LeadId]) -> Vec<Uuid> {
    leads.iter().map(|lead| lead.0).collect()
}
