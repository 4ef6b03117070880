//! Agents who go.

use serde_json::json;

use super::{
    availability::AgentStatus,
    change::relink,
    status::{self, Why, in_call},
    store::{self, HeldAgent},
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now},
    audit::Entry,
    calls,
    error::{Error, Result},
    events::{Event, EventType},
    routing::sweep,
    tenancy::TenantTx,
    types::{AgentId, TeamId},
};

/// Leads that are given back in one transaction.
const PAGE: i64 = 500;

/// Takes an agent out of the house. With `requeue` their open leads go back first, each into the queue of its team; the
/// agent is offline from then on, so that none come after. What is closed keeps its owner, for the reports.
///
/// # Errors
/// If there is no such agent, a call rings at them or is theirs, they still have open leads, a routing rule names them, or their user
/// holds more than the caller.
pub async fn delete(ctx: &Ctx, id: AgentId, requeue: bool) -> Result<()> {
    ctx.require(Permission::AgentsDelete)?;
    if requeue {
        ctx.require(Permission::LeadsRoute)?;
        sign_off(ctx, id).await?;
        while give_back(ctx, id).await? > 0 {}
    }
    let mut tx = ctx.begin().await?;
    let held = lock_for_good(ctx, &mut tx, id).await?;
    if !requeue {
        ctx.expect_version("agent", None, held.version)?;
    }
    if store::has_open_leads(tx.conn(), ctx.tenant, id).await? {
        let detail = "the agent has open leads; route them to others first, or send `?requeue=true`";
        return Err(Error::conflict("agent-has-leads", detail));
    }
    refuse_needed(&mut tx, id).await?;
    status::set(&mut tx, &held, AgentStatus::Offline, Why::Deleted).await?;
    store::mark_deleted(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "agent", id).notice()]).await?;
    tx.commit().await
}

/// Locks an agent who is to go, and whom the caller may send away.
async fn lock_for_good(ctx: &Ctx, tx: &mut TenantTx, id: AgentId) -> Result<HeldAgent> {
    let now = held_now(ctx, tx, Permission::AgentsDelete).await?;
    now.require_all_rows()?;
    store::lock_agent_whole(tx.conn(), ctx.tenant, id).await?;
    let held = store::lock_agent(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("agent"))?;
    if held.status == AgentStatus::OnCall {
        return Err(in_call());
    }
    if let Some(user) = held.user {
        relink(&now, tx, user).await?;
    }
    Ok(held)
}

async fn refuse_needed(tx: &mut TenantTx, id: AgentId) -> Result<()> {
    let tenant = tx.tenant;
    if calls::store::has_open_calls(tx.conn(), tenant, id).await? {
        let detail = "a call rings at the agent or is theirs; ring it to somebody else or end it, then delete the agent";
        return Err(Error::conflict("agent-in-call", detail));
    }
    if store::is_agent_in_rules(tx.conn(), tenant, id).await? {
        return Err(Error::conflict("agent-in-use", "a routing rule names this agent; change that first"));
    }
    Ok(())
}

async fn sign_off(ctx: &Ctx, id: AgentId) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let held = lock_for_good(ctx, &mut tx, id).await?;
    // Here and not at the end: to be signed off is another version.
    ctx.expect_version("agent", None, held.version)?;
    // Before anything is given back; a rule that comes later is found at the end.
    refuse_needed(&mut tx, id).await?;
    status::set(&mut tx, &held, AgentStatus::Offline, Why::Deleted).await?;
    tx.commit().await
}

/// Gives a page of leads back, and has the queues swept that they wait in; answers how many.
async fn give_back(ctx: &Ctx, id: AgentId) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let back = store::give_back(tx.conn(), ctx.tenant, id, PAGE).await?;
    if back.is_empty() {
        return Ok(0);
    }
    let entries: Vec<Entry> = back.iter().map(|(lead, _)| Entry::new("route", "lead", lead)).collect();
    let told: Vec<Event> = back
        .iter()
        .map(|(lead, team)| {
            let kind = if team.is_some() { EventType::LeadQueued } else { EventType::LeadUpdated };
            Event::new(kind, "lead", lead).with(json!({
                "owner_id": null, "team_id": team, "former_agent_id": id, "former_team_id": team,
            }))
        })
        .collect();
    tx.audit(&entries).await?;
    tx.emit(&told).await?;
    let teams: Vec<TeamId> = back.iter().filter_map(|(_, team)| *team).collect();
    sweep::wake_teams(&mut tx, teams).await?;
    tx.commit().await?;
    Ok(back.len())
}
