//! What phone systems tell of calls. Each webhook is taken in once; what comes late, twice or in another order than it
//! happened only ever moves a call forward.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::{Direction, bounds, said},
    effects::{self, Stage},
    held::HeldCall,
    incoming::{self, Begin, lead_of, seen_team},
    locks::{self, Taker},
    noted::note,
    outcome::CallOutcome,
    ringing,
    rules::{CallStatus, Step, told},
    store,
};
use crate::{
    Ctx,
    access::rows::Rows,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    moment::Moment,
    tenancy::TenantTx,
    types::{AgentId, CallSourceId, E164, TeamId, Text},
};

/// What a phone system tells, in the form of Standard Webhooks. Fields that are not known are passed over.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct CallNotice {
    /// `call.started`, `call.ringing`, `call.answered` or `call.ended`; others are taken in and change nothing.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened; now if not said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub timestamp: Option<Moment>,
    /// A call, as `CallFacts` has it.
    #[schema(value_type = CallFacts)]
    pub data: Value,
}

/// A call as the phone system knows it.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct CallFacts {
    /// What the phone system calls it, always the same for one call.
    #[schema(value_type = String)]
    pub call_id: Text<200>,
    /// `inbound` if not said.
    pub direction: Option<Direction>,
    /// The other end, in E.164; needed once.
    #[schema(value_type = Option<String>)]
    pub number: Option<E164>,
    /// Whose agents take it, unless the lead's owner can. If it is not said the routing rules decide, and where none does
    /// the default team of the phone system or of the tenant. A call that comes to no team at all is over at once, with
    /// the outcome `no_team`.
    pub team_id: Option<TeamId>,
    /// Who takes it or has answered it, if the phone system has chosen.
    pub agent_id: Option<AgentId>,
    /// With its end: what it came to.
    pub outcome: Option<CallOutcome>,
    /// 1 to 5, as the customer says.
    pub satisfaction: Option<i16>,
    /// Where the recording is: an https address.
    #[schema(value_type = Option<String>)]
    pub recording: Option<Text<2000>>,
}

/// Takes a webhook in that its source has signed; one that was taken in before changes nothing.
///
/// # Errors
/// If the body does not fit, names what is not there, or the database refuses; the sender tries again then.
pub async fn take(ctx: &Ctx, source: CallSourceId, webhook: &str, body: &[u8]) -> Result<()> {
    let notice: CallNotice = serde_json::from_slice(body).map_err(|error| unfit("", &error))?;
    let what = match notice.kind.as_str() {
        "call.started" => None,
        "call.ringing" => Some(Step::Ring),
        "call.answered" => Some(Step::Answer),
        "call.ended" => Some(Step::End),
        _ => return Ok(()),
    };
    let facts: CallFacts = serde_json::from_value(notice.data).map_err(|error| unfit("/data", &error))?;
    bounds(facts.satisfaction, facts.recording.as_ref().map(Text::as_str), None)
        .and_then(|()| said(facts.outcome))
        .map_err(|error| error.below("/data"))?;
    let mut tx = ctx.begin().await?;
    if !store::take_in(tx.conn(), ctx.tenant, source, webhook).await? {
        return Ok(());
    }
    store::lock_external(tx.conn(), ctx.tenant, source, facts.call_id.as_str()).await?;
    let known = store::by_external(tx.conn(), ctx.tenant, source, facts.call_id.as_str()).await?;
    let known = match known {
        Some(id) => store::lock(tx.conn(), ctx.tenant, id, Rows::All).await?,
        None => None,
    };
    let at = notice.timestamp.map_or(ctx.now(), |at| at.utc().min(ctx.now()));
    // As the database keeps it.
    let at = at.trunc_subsecs(6);
    let mut call = match known {
        Some(call) => call,
        None => begin(ctx, &mut tx, source, &facts, (what, at)).await?,
    };
    go_on(ctx, &mut tx, &mut call, (what, at), &facts).await?;
    tx.commit().await
}

fn unfit(at: &str, error: &serde_json::Error) -> Error {
    Error::invalid(at, format!("the body does not fit: {error}"))
}

/// A call that is heard of for the first time. One that is answered or over by now is offered to nobody.
async fn begin(
    ctx: &Ctx,
    tx: &mut TenantTx,
    source: CallSourceId,
    facts: &CallFacts,
    (what, at): (Option<Step>, DateTime<Utc>),
) -> Result<HeldCall> {
    let Some(number) = facts.number.clone() else {
        return Err(Error::invalid("/data/number", "this call is new; name the number of the other end"));
    };
    let begin = Begin {
        direction: facts.direction.unwrap_or(Direction::Inbound),
        lead: lead_of(ctx, tx, &number, true).await?,
        number,
        agent: facts.agent_id,
        team: facts.team_id,
        otherwise: store::default_team(tx.conn(), ctx.tenant, source).await?,
        source: Some((source, facts.call_id.as_str().to_owned())),
        live: matches!(what, None | Some(Step::Ring)),
        since: at,
        at: "/data",
    };
    incoming::begin(ctx, tx, begin).await
}

/// Takes a call as far as is told, with what is said besides.
async fn go_on(
    ctx: &Ctx,
    tx: &mut TenantTx,
    call: &mut HeldCall,
    (what, at): (Option<Step>, DateTime<Utc>),
    facts: &CallFacts,
) -> Result<()> {
    let noted =
        note(ctx, tx, call, None, facts.recording.as_ref().map(Text::as_str), facts.satisfaction).await?;
    let earlier = set_back(call, what, at);
    let onward = onward(call, what, at, facts.agent_id);
    if let Some(to) = onward {
        let taker = taker(ctx, tx, call, facts.agent_id).await?;
        let locked = locks::lock(tx, call, to, taker).await?;
        match taker {
            // It rings at another agent's now, for as long as the phone system says.
            Some(taker) if to == CallStatus::Ringing && call.status == CallStatus::Ringing => {
                ringing::hand_over(tx, call, taker, (at, None)).await?;
            }
            _ => effects::go(tx, call, &locked, Stage { to, at, outcome: facts.outcome }).await?,
        }
    } else if earlier {
        store::update(tx.conn(), ctx.tenant, call).await?;
    }
    let outcome = facts.outcome.filter(|_| call.status.is_over() && is_open(call.outcome));
    if let Some(outcome) = outcome {
        effects::dispose(tx, call, outcome, None).await?;
    }
    if (noted || earlier) && onward.is_none() && outcome.is_none() {
        tx.emit(&[Event::new(EventType::CallUpdated, "call", call.id).with(call.body())]).await?;
    }
    if noted || earlier || onward.is_some() || outcome.is_some() {
        let detail = json!({ "status": call.status, "agent_id": call.agent_id, "outcome": call.outcome });
        tx.audit(&[Entry::new("update", "call", call.id).detail(detail)]).await?;
    }
    Ok(())
}

/// Takes back what was thought to be later for want of knowing better: that the call began, or that it was answered.
/// Answers whether anything was.
fn set_back(call: &mut HeldCall, what: Option<Step>, at: DateTime<Utc>) -> bool {
    let mut earlier = at < call.started_at;
    call.started_at = call.started_at.min(at);
    if what == Some(Step::Answer) && call.answered_at.is_some_and(|answered| at < answered) {
        call.answered_at = Some(at);
        earlier = true;
    }
    earlier
}

/// Where a call is taken by what is told; none if it stays. One that rings may go on to another agent, and one that is
/// answered may be put through to one: what is told of it late does not bring it back.
fn onward(
    call: &HeldCall,
    what: Option<Step>,
    at: DateTime<Utc>,
    named: Option<AgentId>,
) -> Option<CallStatus> {
    let is_another = named.is_some() && named != call.agent_id;
    let is_later = |since: Option<DateTime<Utc>>| since.is_none_or(|since| at > since);
    match (what?, call.status) {
        // That it rings at the caller's ear while it waits for an agent is no step of it.
        (Step::Ring, _) if call.direction == Direction::Inbound && call.agent_id.or(named).is_none() => None,
        (Step::Ring, CallStatus::Ringing) => {
            (is_another && is_later(call.ringing_at)).then_some(CallStatus::Ringing)
        }
        (Step::Answer, CallStatus::Answered) => {
            (is_another && is_later(call.talks_since)).then_some(CallStatus::Answered)
        }
        (what, status) => told(status, what),
    }
}

/// Whether nobody has said what a call came to.
fn is_open(outcome: Option<CallOutcome>) -> bool {
    outcome.is_none_or(CallOutcome::is_by_itself)
}

/// Who has the call from now on, if it is another than until now.
async fn taker(
    ctx: &Ctx,
    tx: &mut TenantTx,
    call: &HeldCall,
    told: Option<AgentId>,
) -> Result<Option<Taker>> {
    let Some(agent) = told.filter(|agent| call.agent_id != Some(*agent)) else { return Ok(None) };
    let team = seen_team(ctx, tx, agent, "/data").await?;
    Ok(Some(Taker { agent, team }))
}
