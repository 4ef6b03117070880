//! What a step of a call locks besides the call itself, before it changes anything, and in the order that all keep: the
//! lead if the call is over by it, then the teams of whoever has room again, then who has the call and who gets it. Whoever
//! counts the calls of an agent under that lock waits for what is written here.

use super::{
    held::HeldCall,
    rules::CallStatus,
    store::{self, HeldLead},
};
use crate::{
    error::Result,
    routing::{for_calls, sweep},
    tenancy::TenantTx,
    types::{AgentId, TeamId},
};

/// Who has the call from now on, and their team.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    pub agent: AgentId,
    pub team: Option<TeamId>,
}

/// What is locked for a step, and who takes the call by it.
pub(super) struct Locked {
    /// Of a call that is over.
    pub lead: Option<HeldLead>,
    pub taker: Option<Taker>,
}

/// Locks what a step of a locked call leads to, and has the queues swept of those who can be offered something else.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn lock(
    tx: &mut TenantTx,
    call: &HeldCall,
    to: CallStatus,
    taker: Option<Taker>,
) -> Result<Locked> {
    let tenant = tx.tenant;
    let lead = match call.lead_id.filter(|_| to.is_over()) {
        Some(lead) => store::lock_lead(tx.conn(), tenant, lead).await?,
        None => None,
    };
    let agents: Vec<AgentId> = call.agent_id.into_iter().chain(taker.map(|taker| taker.agent)).collect();
    if to.is_over() {
        // The lead may close in this transaction too, so its owner's team as well.
        let owner = lead.as_ref().and_then(|lead| lead.owner);
        let concerned: Vec<AgentId> = agents.iter().copied().chain(owner).collect();
        sweep::wake_teams_of(tx, &concerned).await?;
    } else if let (Some(former), Some(_)) = (call.agent_id, taker) {
        sweep::wake_teams_of(tx, &[former]).await?;
    }
    for_calls::lock_agents(tx, &agents).await?;
    Ok(Locked { lead, taker })
}
