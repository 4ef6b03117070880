//! What each step of a call brings with it: what its agent is doing, what is known of its lead, and what is told.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::NewJob;
use serde_json::json;

use super::{
    call::{Direction, place},
    held::{Former, HeldCall},
    locks::{Locked, lock},
    minding,
    outcome::CallOutcome,
    ringing,
    rules::CallStatus,
    store::{self, HeldLead},
};
use crate::{
    agents::status,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{
        self,
        activities::{self, Activity, ActivityKind},
        contacts::Contacts,
        lead::Status,
    },
    scoring::apply::{ScoreLead, Why},
    tenancy::TenantTx,
    types::{E164, LeadId},
    vault::Vault,
    workflows::of_lead,
};

/// Where a step leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub to: CallStatus,
    /// An instant of the past.
    pub at: DateTime<Utc>,
    /// What the call came to, if that is said with it; it is written by [`dispose`].
    pub outcome: Option<CallOutcome>,
}

/// Brings a call that is locked to where a step leads. One that is answered may be put through to somebody else.
///
/// # Errors
/// If the agent was moved to another team at this moment, or the database refuses.
pub(super) async fn go(tx: &mut TenantTx, call: &mut HeldCall, locked: &Locked, stage: Stage) -> Result<()> {
    let (tenant, former, was) = (tx.tenant, Former::of(call), call.status);
    let at = stage.at.max(call.started_at);
    if let Some(taker) = locked.taker {
        call.agent_id = Some(taker.agent);
        call.team_id = taker.team.or(call.team_id);
    }
    // Whose call it is not any more.
    let left = former.agent.filter(|agent| call.agent_id != Some(*agent));
    match stage.to {
        CallStatus::Queued => {}
        CallStatus::Ringing => call.ringing_at = Some(at),
        CallStatus::Answered => {
            call.answered_at = call.answered_at.or(Some(at));
            call.talks_since = Some(at);
        }
        CallStatus::Ended => {
            // That it was answered may become known after its end.
            let ended = call.ended_at.unwrap_or(at);
            call.answered_at = Some(call.answered_at.unwrap_or(at).min(ended));
            call.ended_at = Some(ended);
        }
        CallStatus::Missed | CallStatus::Abandoned => call.ended_at = Some(at),
    }
    if stage.to != CallStatus::Ringing {
        call.ring_until = None;
    }
    // What was said for want of anything better does not hold of a call that somebody has answered after all.
    if stage.to == CallStatus::Ended {
        call.outcome = call.outcome.filter(|outcome| !outcome.is_by_itself());
    }
    call.status = stage.to;
    store::update(tx.conn(), tenant, call).await?;
    if was == CallStatus::Ringing && left.is_some() {
        tx.emit(&[ringing::rerouted(call, former, "answered_elsewhere")]).await?;
    }
    if let (CallStatus::Answered, Some(agent)) = (was, left) {
        status::call_ends(tx, agent).await?;
    }
    match stage.to {
        CallStatus::Queued => Ok(()),
        CallStatus::Ringing => rings(tx, call, former).await,
        CallStatus::Answered => {
            if let Some(agent) = call.agent_id {
                status::call_begins(tx, agent).await?;
            }
            tell(tx, call, former, EventType::CallAnswered).await
        }
        CallStatus::Ended => {
            has_ended(tx, call, locked.lead.as_ref()).await?;
            tell(tx, call, former, EventType::CallEnded).await?;
            // A call of which nobody says what it came to was a word with the lead: it was answered.
            let is_reply = stage.outcome.or(call.outcome).is_none_or(CallOutcome::is_reply);
            if is_reply { replied(tx, call).await } else { Ok(()) }
        }
        CallStatus::Missed | CallStatus::Abandoned => tell(tx, call, former, EventType::CallMissed).await,
    }
}

/// Ends a call that is locked, with what it came to and what was sold, if that is known.
///
/// # Errors
/// If the agent was moved to another team at this moment, or the database refuses.
pub(super) async fn end(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    (to, at): (CallStatus, DateTime<Utc>),
    said: Option<(CallOutcome, Option<i64>)>,
) -> Result<()> {
    let locked = lock(tx, call, to, None).await?;
    go(tx, call, &locked, Stage { to, at, outcome: said.map(|(outcome, _)| outcome) }).await?;
    match said {
        Some((outcome, value_cents)) => dispose(tx, call, outcome, value_cents).await,
        None => Ok(()),
    }
}

async fn tell(tx: &mut TenantTx, call: &HeldCall, former: Former, kind: EventType) -> Result<()> {
    tx.emit(&[Event::new(kind, "call", call.id).with(call.body_after(former))]).await
}

async fn rings(tx: &mut TenantTx, call: &HeldCall, former: Former) -> Result<()> {
    tell(tx, call, former, EventType::CallRinging).await?;
    if call.direction == Direction::Inbound && call.agent_id.is_some() {
        // For whoever is to pick it up, and nobody else.
        tx.emit(&[Event::new(EventType::CallIncoming, "call", call.id).with(call.body())]).await?;
    }
    minding::mind(tx, std::slice::from_ref(call)).await
}

/// Somebody has spoken with the lead.
async fn has_ended(tx: &mut TenantTx, call: &HeldCall, lead: Option<&HeldLead>) -> Result<()> {
    if let (Some(lead), Some(ended)) = (lead, call.ended_at) {
        let spoke = Activity::of(ActivityKind::Call).about("call", call.id.0).then(ended);
        activities::record(tx, lead.id, &spoke).await?;
        score(tx, lead.id).await?;
    }
    match call.agent_id {
        Some(agent) => status::call_ends(tx, agent).await,
        None => Ok(()),
    }
}

async fn score(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let job = ScoreLead { lead, why: Why::Called };
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &job).map_err(Error::internal)?;
    tx.enqueue(&[job.about(format!("lead:{lead}"))]).await.map(drop)
}

/// The runs that wait for a word of the lead go on, and so do the sequences of all leads with the number.
async fn replied(tx: &mut TenantTx, call: &HeldCall) -> Result<()> {
    let (tenant, vault) = (tx.tenant, Arc::clone(&tx.platform.vault));
    let sealed = store::number_sealed(tx.conn(), tenant, call.id).await?;
    let keys = Vault::subjects(tx, &[call.subject_id]).await?;
    let number = keys.shown(&place(tenant, "number_sealed", call.id), &sealed);
    let number = number.and_then(|number| number.parse::<E164>().ok());
    let index = vault.tenant_keys(tx.conn(), tenant).await?;
    let by = Contacts::of(&index, number.as_ref(), None);
    of_lead::replied(tx, call.lead_id, &by, &json!({ "call_id": call.id })).await
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
) -> Result<()> {
    let (tenant, now) = (tx.tenant, tx.platform.clock.now());
    // Said by somebody who knows better: it was a word with the lead after all.
    let late = call.outcome.is_some_and(|before| !before.is_reply()) && outcome.is_reply();
    (call.outcome, call.value_cents) = (Some(outcome), value_cents);
    store::dispose(tx.conn(), tenant, call.id, (outcome, value_cents), now).await?;
    if let (CallOutcome::Converted, Some(lead)) = (outcome, call.lead_id) {
        leads::status::close(tx, lead, Status::Converted).await?;
    }
    if late && call.status == CallStatus::Ended {
        replied(tx, call).await?;
    }
    let told = Event::new(EventType::CallCompleted, "call", call.id).with(call.whole_body());
    tx.emit(&[told]).await
}
