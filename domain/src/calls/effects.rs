//! What each step of a call brings with it: what its agent is doing, what is known of its lead, and what is told.

use chrono::{DateTime, Utc};
use engine::NewJob;
use serde_json::json;

use super::{
    call::{CallOutcome, Direction},
    held::HeldCall,
    minding,
    ringing::{self, Former},
    rules::CallStatus,
    store,
};
use crate::{
    agents::status,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{
        self,
        activities::{self, Activity, ActivityKind},
        lead::Status,
    },
    routing::sweep,
    scoring::apply::{ScoreLead, Why},
    tenancy::TenantTx,
    types::{AgentId, LeadId, TeamId},
    workflows::of_lead,
};

/// Who has the call from now on, and their team.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    pub agent: AgentId,
    pub team: Option<TeamId>,
}

/// Brings a call that is locked to where a step leads, at an instant of the past.
///
/// # Errors
/// If the agent was moved to another team at this moment, or the database refuses.
pub(super) async fn go(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    to: CallStatus,
    at: DateTime<Utc>,
    taker: Option<Taker>,
) -> Result<()> {
    let tenant = tx.tenant;
    let at = at.max(call.started_at);
    let former = Former::of(call);
    let rang = call.status == CallStatus::Ringing && call.agent_id.is_some();
    let elsewhere = rang && taker.is_some_and(|taker| call.agent_id != Some(taker.agent));
    if let Some(taker) = taker {
        call.agent_id = Some(taker.agent);
        call.team_id = taker.team.or(call.team_id);
    }
    match to {
        CallStatus::Queued => {}
        CallStatus::Ringing => call.ringing_at = Some(at),
        CallStatus::Answered => call.answered_at = Some(at),
        CallStatus::Ended => {
            // That it was answered may become known after its end.
            let ended = call.ended_at.unwrap_or(at);
            call.answered_at = Some(call.answered_at.unwrap_or(at).min(ended));
            call.ended_at = Some(ended);
        }
        CallStatus::Missed | CallStatus::Abandoned => call.ended_at = Some(at),
    }
    if to != CallStatus::Ringing {
        call.ring_until = None;
    }
    // What was said for want of anything better does not hold of a call that somebody has answered after all.
    if to == CallStatus::Ended {
        call.outcome = call.outcome.filter(|outcome| !outcome.is_by_itself());
    }
    call.status = to;
    store::update(tx.conn(), tenant, call).await?;
    if elsewhere {
        tx.emit(&[ringing::rerouted(call, former, "answered_elsewhere")]).await?;
    }
    match to {
        CallStatus::Queued => Ok(()),
        CallStatus::Ringing => rings(tx, call).await,
        CallStatus::Answered => {
            if let Some(agent) = call.agent_id {
                status::call_begins(tx, agent).await?;
            }
            tell(tx, call, EventType::CallAnswered).await
        }
        CallStatus::Ended => has_ended(tx, call).await,
        CallStatus::Missed | CallStatus::Abandoned => {
            if let Some(agent) = call.agent_id {
                // They can be offered another one.
                sweep::wake_teams_of(tx, &[agent]).await?;
            }
            tell(tx, call, EventType::CallMissed).await
        }
    }
}

async fn tell(tx: &mut TenantTx, call: &HeldCall, kind: EventType) -> Result<()> {
    tx.emit(&[Event::new(kind, "call", call.id).with(call.body())]).await
}

async fn rings(tx: &mut TenantTx, call: &HeldCall) -> Result<()> {
    tell(tx, call, EventType::CallRinging).await?;
    if call.direction == Direction::Inbound && call.agent_id.is_some() {
        tell(tx, call, EventType::CallIncoming).await?;
    }
    minding::mind(tx, std::slice::from_ref(call)).await
}

/// Somebody has spoken with the lead.
async fn has_ended(tx: &mut TenantTx, call: &HeldCall) -> Result<()> {
    let tenant = tx.tenant;
    let lead = match call.lead_id {
        Some(lead) => store::lock_lead(tx.conn(), tenant, lead).await?,
        None => None,
    };
    // All teams in the order of their ids, before the agent: the lead may close in this transaction too.
    let owner = lead.as_ref().and_then(|lead| lead.owner);
    let concerned: Vec<AgentId> = call.agent_id.into_iter().chain(owner).collect();
    sweep::wake_teams_of(tx, &concerned).await?;
    if let (Some(lead), Some(ended)) = (&lead, call.ended_at) {
        let spoke = Activity::of(ActivityKind::Call).about("call", call.id.0).then(ended);
        activities::record(tx, lead.id, &spoke).await?;
        score(tx, lead.id).await?;
    }
    if let Some(agent) = call.agent_id {
        status::call_ends(tx, agent).await?;
    }
    tell(tx, call, EventType::CallEnded).await?;
    match lead {
        Some(lead) => of_lead::replied(tx, lead.id, &json!({ "call_id": call.id })).await,
        None => Ok(()),
    }
}

async fn score(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let job = ScoreLead { lead, why: Why::Called };
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &job).map_err(Error::internal)?;
    tx.enqueue(&[job.about(format!("lead:{lead}"))]).await.map(drop)
}

/// Writes what a call that is over came to: of one that converted its lead closes.
///
/// # Errors
/// If the database refuses.
pub(super) async fn dispose(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    outcome: CallOutcome,
    value_cents: Option<i64>,
    at: DateTime<Utc>,
) -> Result<()> {
    let tenant = tx.tenant;
    (call.outcome, call.value_cents) = (Some(outcome), value_cents);
    store::dispose(tx.conn(), tenant, call.id, (outcome, value_cents), at).await?;
    if let (CallOutcome::Converted, Some(lead)) = (outcome, call.lead_id) {
        leads::status::close(tx, lead, Status::Converted).await?;
    }
    let told = Event::new(EventType::CallCompleted, "call", call.id).with(call.whole_body());
    tx.emit(&[told]).await
}
