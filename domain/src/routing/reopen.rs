//! Closed leads that open again: whoever had them may be gone by now, or have their hands full.

use serde_json::json;

use super::{store, sweep::wake_team};
use crate::{
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{AgentId, LeadId, TeamId},
};

/// Settles who has a lead that was closed and is open now; it is locked. Its owner keeps it if they are there and have
/// room for it, else it begins to wait in its team's queue; if the team is gone too, nobody has it. Answers who.
///
/// # Errors
/// If there is no such lead, or the database does not answer.
pub(crate) async fn lead_opens(tx: &mut TenantTx, id: LeadId) -> Result<(Option<AgentId>, Option<TeamId>)> {
    let tenant = tx.tenant;
    let lead = store::lead(tx.conn(), tenant, id).await?.ok_or(Error::NotFound("lead"))?;
    let mut team = lead.team_id;
    if let Some(named) = team
        && store::lock_teams(tx.conn(), tenant, &[named.0]).await?.is_empty()
    {
        team = None;
    }
    let mut owner = lead.owner_id;
    if let Some(agent) = owner
        && !store::lock_for_one_more(tx.conn(), tenant, agent, id).await?
    {
        owner = None;
    }
    store::reopen(tx.conn(), tenant, id, owner, team).await?;
    store::leave_queues(tx.conn(), tenant, &[id.0]).await?;
    if let (None, Some(team)) = (owner, team) {
        let told = json!({ "owner_id": null, "team_id": team });
        tx.emit(&[Event::new(EventType::LeadQueued, "lead", id).with(told)]).await?;
        wake_team(tx, team).await?;
    }
    Ok((owner, team))
}
