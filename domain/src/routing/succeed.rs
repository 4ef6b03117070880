//! Two leads that become one: where nobody has the one that stays, it takes the place of the other.

use serde_json::json;

use super::{
    store::{self, LeadRow},
    sweep::wake_team,
};
use crate::{
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{AgentId, LeadId},
};

/// Gives a lead that has neither an owner nor a team the place of one that is about to go; both are locked. Its owner
/// has it from now on, with the room that the other one took; whoever had a closed one has it if they have room, as if
/// that one opened again. Else it waits in the team's queue, for as long as the other has waited there. Answers whether
/// the room of the other is taken.
///
/// # Errors
/// If one of them is not there, or the database does not answer.
pub(crate) async fn lead_succeeds(tx: &mut TenantTx, heir: LeadId, gone: LeadId) -> Result<bool> {
    let tenant = tx.tenant;
    let lead = store::lead(tx.conn(), tenant, heir).await?.ok_or(Error::NotFound("lead"))?;
    let other = store::lead(tx.conn(), tenant, gone).await?.ok_or(Error::NotFound("lead"))?;
    if is_placed(&lead) || !is_placed(&other) {
        return Ok(false);
    }
    let (mut owner, mut team) = (other.owner_id, other.team_id);
    if !lead.is_open {
        // For the reports: it takes nobody's room.
        store::succeed(tx.conn(), tenant, (heir, gone), owner, team).await?;
        return Ok(false);
    }
    if let Some(named) = team
        && store::lock_teams(tx.conn(), tenant, &[named.0]).await?.is_empty()
    {
        team = None;
    }
    if let Some(agent) = owner
        && !takes_it(tx, agent, &other).await?
    {
        owner = None;
    }
    store::succeed(tx.conn(), tenant, (heir, gone), owner, team).await?;
    let told = json!({ "owner_id": owner, "team_id": team });
    match (owner, team) {
        (Some(_), _) => tx.emit(&[Event::new(EventType::LeadAssigned, "lead", heir).with(told)]).await?,
        (None, Some(team)) => {
            tx.emit(&[Event::new(EventType::LeadQueued, "lead", heir).with(told)]).await?;
            wake_team(tx, team).await?;
        }
        (None, None) => {}
    }
    Ok(true)
}

fn is_placed(lead: &LeadRow) -> bool {
    lead.owner_id.is_some() || lead.team_id.is_some()
}

/// Whether whoever had a lead can have another one in its place; their row is locked until commit.
async fn takes_it(tx: &mut TenantTx, agent: AgentId, before: &LeadRow) -> Result<bool> {
    let tenant = tx.tenant;
    let has_room = store::lock_for_one_more(tx.conn(), tenant, agent, before.id).await?;
    let (_, is_there, _) = store::are_known(tx.conn(), tenant, None, Some(agent), None).await?;
    // One may hold more than one's capacity, but nobody is given more.
    Ok(is_there && (has_room || before.is_open))
}
