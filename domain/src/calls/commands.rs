//! Calls as commands: begin one, take it from step to step, say what it came to.

use serde_json::json;

use super::{
    call::{CallDisposition, CallEnd, CallTaker, CallView, Direction, NewCall, bounds, said},
    effects::{self, Stage},
    held::HeldCall,
    incoming::{self, Begin, lead_of, seen_team},
    locks::{self, Locked, Taker},
    noted::note,
    read::one,
    ringing,
    rules::{CallStatus, Refusal, Step, step},
    store,
};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    agents::{self, availability::AgentStatus},
    audit::Entry,
    error::{Error, Result},
    leads::{
        lead::{self, subject},
        merged,
    },
    privacy::restriction,
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, CallId, E164, LeadId, Text},
    vault::Vault,
};

/// What somebody says of a call.
pub enum Act {
    Ring(CallTaker),
    Answer(CallTaker),
    End(CallEnd),
    Dispose(CallDisposition),
}

/// Begins a call. An incoming one is offered to somebody at once, or waits.
///
/// # Errors
/// If lead, agent or team are not there, the lead of an outgoing call is restricted, no number is known, nothing says whose agents take it, or the caller would not
/// see the call.
pub async fn create(ctx: &Ctx, new: NewCall) -> Result<Once<CallId>> {
    ctx.require(Permission::CallsWrite)?;
    let incoming = new.direction == Direction::Inbound;
    if incoming && new.agent_id.is_some() {
        let detail = "incoming calls are routed; name a team, or ring the call to somebody afterwards";
        return Err(Error::invalid("/agent_id", detail));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let (named, known) = match new.lead_id {
        Some(lead) => named(ctx, tx, lead).await?,
        None => (None, None),
    };
    let number = new.number.or(known);
    let number = number
        .ok_or_else(|| Error::invalid("/number", "name the number, or a lead that has a phone number"))?;
    let lead = match named {
        Some(lead) => Some(lead),
        None => lead_of(ctx, tx, &number, incoming).await?,
    };
    if !incoming
        && let Some(lead) = lead
        && restriction::is_restricted(tx, lead).await?
    {
        return Err(restriction::forbids());
    }
    let agent = new.agent_id.or(own_agent(ctx)).filter(|_| !incoming);
    let begin = Begin {
        direction: new.direction,
        number,
        lead,
        agent,
        team: new.team_id,
        otherwise: None,
        source: None,
        live: true,
        since: ctx.now(),
        at: "",
    };
    let call = incoming::begin(ctx, tx, begin).await?;
    if let Some(named) = named
        && call.lead_id != Some(named)
    {
        // It was deleted at this moment, or merged into one that the caller may not see.
        let Some(lead) = call.lead_id else { return Err(no_lead()) };
        merged::by_now(tx, lead, ctx.rows).await?.ok_or_else(no_lead)?;
    }
    let id = call.id;
    if store::lock(tx.conn(), ctx.tenant, id, ctx.rows).await?.is_none() {
        return Err(Error::beyond("", "you would not see this call; name an agent or a lead of yours"));
    }
    keyed.commit(id, 201, location(id)).await
}

/// What a lead that was named is by now, and its phone number.
async fn named(ctx: &Ctx, tx: &mut TenantTx, mut lead: LeadId) -> Result<(Option<LeadId>, Option<E164>)> {
    loop {
        lead = merged::by_now(tx, lead, ctx.rows).await?.ok_or_else(no_lead)?;
        // One that has gone between the two looks is looked for again.
        if let Some(sealed) = store::phone(tx.conn(), ctx.tenant, lead, ctx.rows).await? {
            return Ok((Some(lead), opened(tx, lead, sealed).await?));
        }
    }
}

async fn opened(tx: &mut TenantTx, id: LeadId, sealed: Option<Vec<u8>>) -> Result<Option<E164>> {
    let Some(sealed) = sealed else { return Ok(None) };
    let tenant = tx.tenant;
    let keys = Vault::subjects(tx, &[subject(id)]).await?;
    let phone = keys.open(&lead::place(tenant, "phone_sealed", id), &sealed)?;
    phone.map(|phone| phone.parse().map_err(Error::internal)).transpose()
}

fn no_lead() -> Error {
    Error::invalid("/lead_id", "there is no such lead")
}

/// The agent of whoever sees only the leads of one.
fn own_agent(ctx: &Ctx) -> Option<AgentId> {
    match ctx.rows {
        Rows::Own(agent) => agent,
        Rows::All | Rows::Team(_) => None,
    }
}

fn location(id: CallId) -> String {
    format!("/api/v1/calls/{id}")
}

/// Takes a call a step further, or says what it came to.
///
/// # Errors
/// If there is no such call, it is further already or not as far, a value is out of its bounds, or whoever is to take it
/// cannot.
pub async fn act(ctx: &Ctx, id: CallId, act: Act) -> Result<CallView> {
    ctx.require(Permission::CallsWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(_) => return one(ctx, id).await,
    };
    let tx = &mut keyed.tx;
    let mut call = store::lock(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("call"))?;
    let verb = match act {
        Act::Ring(taker) => {
            ring(ctx, tx, &mut call, taker.agent_id).await?;
            "ring"
        }
        Act::Answer(taker) => {
            let to = onward(&call, Step::Answer)?;
            let locked = take_over(ctx, tx, &call, to, taker.agent_id).await?;
            effects::go(tx, &mut call, &locked, Stage { to, at: ctx.now(), outcome: None }).await?;
            "answer"
        }
        Act::End(end) => {
            end_it(ctx, tx, &mut call, end).await?;
            "end"
        }
        Act::Dispose(told) => {
            bounds(told.satisfaction, None, told.value_cents)?;
            said(Some(told.outcome))?;
            if !call.status.is_over() {
                let detail = format!("the call is {}; end it first", call.status.as_str());
                return Err(Error::conflict("call-state", detail));
            }
            if call.outcome.is_some_and(|outcome| !outcome.is_by_itself()) {
                let detail = "it was said already what the call came to; notes can still be changed";
                return Err(Error::conflict("call-disposed", detail));
            }
            note(ctx, tx, &mut call, told.notes, None, told.satisfaction).await?;
            effects::dispose(tx, &mut call, told.outcome, told.value_cents).await?;
            "dispose"
        }
    };
    let detail = json!({ "status": call.status, "agent_id": call.agent_id, "outcome": call.outcome });
    tx.audit(&[Entry::new(verb, "call", id).detail(detail)]).await?;
    keyed.commit((), 200, location(id)).await?;
    one(ctx, id).await
}

/// Rings a call at somebody; an incoming one that rings already may go on to another agent.
async fn ring(ctx: &Ctx, tx: &mut TenantTx, call: &mut HeldCall, asked: Option<AgentId>) -> Result<()> {
    let incoming = call.direction == Direction::Inbound;
    let another = asked.is_some() && call.agent_id.is_some() && asked != call.agent_id;
    if incoming && another && call.status == CallStatus::Ringing {
        let locked = take_over(ctx, tx, call, CallStatus::Ringing, asked).await?;
        let Some(taker) = locked.taker else { return Ok(()) };
        let until = ringing::until(tx, taker.team.or(call.team_id)).await?;
        let since = ringing::now(tx);
        return ringing::hand_over(tx, call, taker, (since, Some(until))).await;
    }
    let to = onward(call, Step::Ring)?;
    let locked = take_over(ctx, tx, call, to, asked).await?;
    if incoming {
        let team = locked.taker.and_then(|taker| taker.team).or(call.team_id);
        call.ring_until = Some(ringing::until(tx, team).await?);
    }
    let at = ringing::now(tx);
    effects::go(tx, call, &locked, Stage { to, at, outcome: None }).await
}

async fn end_it(ctx: &Ctx, tx: &mut TenantTx, call: &mut HeldCall, end: CallEnd) -> Result<()> {
    bounds(end.satisfaction, end.recording.as_ref().map(Text::as_str), end.value_cents)?;
    said(end.outcome)?;
    if end.value_cents.is_some() && end.outcome.is_none() {
        return Err(Error::invalid("/value_cents", "say the outcome as well"));
    }
    let to = onward(call, Step::End)?;
    note(ctx, tx, call, end.notes, end.recording.as_ref().map(Text::as_str), end.satisfaction).await?;
    let outcome = end.outcome.map(|outcome| (outcome, end.value_cents));
    effects::end(tx, call, (to, ctx.now()), outcome).await
}

fn onward(call: &HeldCall, what: Step) -> Result<CallStatus> {
    step(call.status, what).map_err(|refusal| {
        let now = call.status.as_str();
        let detail = match refusal {
            Refusal::Already => format!("the call is {now} already"),
            Refusal::Past => format!("the call is {now}, and does not go back"),
        };
        Error::conflict("call-state", detail)
    })
}

/// Locks what a step leads to, and says who has the call from then on: who is named, else the caller's own agent, else who
/// has it. One who takes it from somebody or from a queue must be free for it.
async fn take_over(
    ctx: &Ctx,
    tx: &mut TenantTx,
    call: &HeldCall,
    to: CallStatus,
    asked: Option<AgentId>,
) -> Result<Locked> {
    let Some(agent) = asked.or(own_agent(ctx)).or(call.agent_id) else {
        return Err(Error::invalid("/agent_id", "say who takes the call"));
    };
    if call.agent_id == Some(agent) {
        return locks::lock(tx, call, to, None).await;
    }
    let team = seen_team(ctx, tx, agent, "").await?;
    let locked = locks::lock(tx, call, to, Some(Taker { agent, team })).await?;
    let held = agents::store::lock_agent(tx.conn(), ctx.tenant, agent).await?;
    let held = held.ok_or_else(|| Error::invalid("/agent_id", "there is no such agent"))?;
    let busy = store::voice(tx.conn(), ctx.tenant, &[agent.0]).await?;
    let has_room = busy.iter().all(|(_, live, most)| live < most);
    if held.status != AgentStatus::Available || !has_room {
        let detail = "the agent is not available or has as many calls as they may; choose another";
        return Err(Error::conflict("agent-not-free", detail));
    }
    Ok(Locked { taker: Some(Taker { agent, team: held.team }), ..locked })
}
