//! A call that rings at one agent and then at another, or waits again: who did not take it is not asked again for
//! [`AGAIN_S`] seconds, and it stands in the queue where it stood, by the time at which it came in. Whoever had it hears
//! `call.rerouted` and stops ringing, whoever has it next hears `call.incoming`.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::json;

use super::{
    held::{Former, HeldCall},
    locks::Taker,
    minding,
    rules::CallStatus,
    store,
};
use crate::{
    agents::status,
    error::Result,
    events::{Event, EventType},
    routing::{
        for_calls::{Found, Wanted, find},
        sweep,
    },
    tenancy::{self, TenantTx},
    types::{AgentId, TeamId},
};

/// Seconds for which whoever did not take a call is not asked to take the same one: others are, and if there are none,
/// whoever rings knows by then that nobody is at the desk.
pub(super) const AGAIN_S: i32 = 120;
/// Seconds that a call rings where no team says it.
const RING_S: i32 = 20;

/// The clock's time, as the database keeps it.
pub(super) fn now(tx: &TenantTx) -> DateTime<Utc> {
    tx.platform.clock.now().trunc_subsecs(6)
}

/// Until when a call rings that begins to ring now.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn until(tx: &mut TenantTx, team: Option<TeamId>) -> Result<DateTime<Utc>> {
    let (tenant, now) = (tx.tenant, now(tx));
    let team_says = match team {
        Some(team) => store::ring_s(tx.conn(), tenant, team).await?,
        None => None,
    };
    Ok(now + TimeDelta::seconds(team_says.unwrap_or(RING_S).into()))
}

/// What is told to those who had a call until now.
pub(super) fn rerouted(call: &HeldCall, former: Former, why: &str) -> Event {
    let body = json!({
        "direction": call.direction, "status": call.status, "lead_id": call.lead_id, "why": why,
        "from_agent_id": former.agent, "from_team_id": former.team,
        "agent_id": call.agent_id, "to_team_id": call.team_id,
        // Who hears of it: the others hear that it rings or waits.
        "owner_id": former.agent, "team_id": former.team,
    });
    Event::new(EventType::CallRerouted, "call", call.id).with(body)
}

/// Takes a call that rang for long enough from its agent: to the next one, else back to where it waited. Where nobody
/// says whose call it is besides, it rings on. The call is locked.
///
/// # Errors
/// If the database refuses.
pub(super) async fn rung_out(tx: &mut TenantTx, call: &mut HeldCall) -> Result<()> {
    let (tenant, former) = (tx.tenant, Former::of(call));
    let Some(agent) = former.agent else { return Ok(()) };
    let mut but = missed(tx, call).await?;
    but.insert(agent);
    let otherwise = tenancy::store::default_team(tx.conn(), tenant).await?;
    let wanted =
        Wanted { lead: call.lead_id, named: call.team_id, otherwise, but: &but, holder: Some(agent) };
    let found = find(tx, wanted).await?;
    if found == (Found { agent: None, team: None }) {
        call.ring_until = None;
        return store::update(tx.conn(), tenant, call).await;
    }
    store::insert_miss(tx.conn(), tenant, call.id, agent).await?;
    // Where it waits is where it waited: the lead's owner of another team was only asked.
    let team = call.team_id.or(found.team);
    settle(tx, call, former, Found { team, ..found }, "not_answered").await?;
    // They have room for another one, unless they take none.
    sweep::wake_teams_of(tx, &[agent]).await?;
    status::missed_call(tx, agent).await
}

/// Brings a call that waits too long to the team that helps out: to whoever of it can take it, else into its queue.
///
/// # Errors
/// If the database refuses.
pub(super) async fn overflow(tx: &mut TenantTx, call: &mut HeldCall, there: TeamId) -> Result<()> {
    let former = Former::of(call);
    let but = missed(tx, call).await?;
    let wanted = Wanted { lead: call.lead_id, named: Some(there), otherwise: None, but: &but, holder: None };
    let found = find(tx, wanted).await?;
    if found == (Found { agent: None, team: None }) {
        // That team was deleted at this moment.
        return Ok(());
    }
    call.passed.extend(former.team.into_iter().chain([there]).map(|team| team.0));
    settle(tx, call, former, Found { team: Some(there), ..found }, "overflow").await
}

/// Gives a call that rings to another agent, as somebody says, also since when and until when. Both agents are locked.
///
/// # Errors
/// If the database refuses.
pub(super) async fn hand_over(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    taker: Taker,
    (since, until): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> Result<()> {
    let former = Former::of(call);
    (call.agent_id, call.team_id) = (Some(taker.agent), taker.team.or(call.team_id));
    rings(tx, call, since, until).await?;
    tell(tx, call, former, "handed_over").await
}

/// Writes where a call goes, and tells whoever had it and whoever has it.
async fn settle(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    former: Former,
    found: Found,
    why: &'static str,
) -> Result<()> {
    let (tenant, now) = (tx.tenant, now(tx));
    (call.agent_id, call.team_id) = (found.agent, found.team);
    if found.team != former.team {
        call.entered_at = now;
    }
    if found.agent.is_some() {
        let until = until(tx, found.team).await?;
        rings(tx, call, now, Some(until)).await?;
    } else {
        (call.status, call.ringing_at, call.ring_until) = (CallStatus::Queued, None, None);
        store::update(tx.conn(), tenant, call).await?;
        minding::mind(tx, std::slice::from_ref(call)).await?;
    }
    tell(tx, call, former, why).await
}

async fn rings(
    tx: &mut TenantTx,
    call: &mut HeldCall,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<()> {
    let tenant = tx.tenant;
    (call.status, call.ringing_at, call.ring_until) = (CallStatus::Ringing, Some(since), until);
    store::update(tx.conn(), tenant, call).await?;
    minding::mind(tx, std::slice::from_ref(call)).await
}

async fn tell(tx: &mut TenantTx, call: &HeldCall, former: Former, why: &'static str) -> Result<()> {
    let event = |kind| Event::new(kind, "call", call.id).with(call.body());
    let mut told = vec![rerouted(call, former, why)];
    match call.agent_id {
        Some(_) => told.extend([event(EventType::CallRinging), event(EventType::CallIncoming)]),
        None => told.push(event(EventType::CallQueued)),
    }
    tx.emit(&told).await
}

/// Who did not take a call lately.
async fn missed(tx: &mut TenantTx, call: &HeldCall) -> Result<BTreeSet<AgentId>> {
    let tenant = tx.tenant;
    let missed = store::missed(tx.conn(), tenant, &[call.id.0], AGAIN_S).await?;
    Ok(missed.into_iter().map(|(_, agent)| agent).collect())
}
