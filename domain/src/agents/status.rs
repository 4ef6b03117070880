//! What agents are doing, as it changes: by hand, by calls, by time and by who is gone. Every change goes through
//! `set`, which writes it down and tells of it.

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    availability::{AgentStatus, Refusal, by_hand},
    change::moved,
    presence,
    store::{self, HeldAgent},
};
use crate::{
    audit::Entry,
    calls,
    error::{Error, Result},
    events::{Event, EventType},
    routing::sweep,
    tenancy::TenantTx,
    types::AgentId,
};

/// Why a status has changed, as the event and the audit log say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody said so.
    ByHand,
    /// They have answered a call.
    CallAnswered,
    /// Their call is over.
    CallEnded,
    /// The team's time for it was over.
    WrapUpOver,
    /// So many calls rang at them one after the other, and they took none.
    NotAnswering,
    /// The last socket was closed, and none came back in time.
    Gone,
    /// The agent was deleted.
    Deleted,
}

impl Why {
    /// As the audit log and events have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::CallAnswered => "call_answered",
            Self::CallEnded => "call_ended",
            Self::WrapUpOver => "wrap_up_over",
            Self::NotAnswering => "not_answering",
            Self::Gone => "gone",
            Self::Deleted => "deleted",
        }
    }
}

/// The job that ends a wrap-up when its time is over, unless the agent does something else by then.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndWrapUp {
    pub agent: AgentId,
    /// The end that it was made for: another wrap-up has another one.
    pub until: DateTime<Utc>,
}

impl JobKind for EndWrapUp {
    const KIND: &'static str = "end_wrap_up";
    const QUEUE: &'static str = "automation";
}

/// Gives an agent whose row is locked another status, writes down who did and why, and tells of it, unless it is there
/// already. Wrap-up lasts as long as the team says, and until somebody ends it by hand where the team says nothing.
/// Whoever makes an agent available has had the team's queue swept before, for the locks of teams come before those of
/// agents.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn set(tx: &mut TenantTx, held: &HeldAgent, to: AgentStatus, why: Why) -> Result<()> {
    if held.status == to {
        return Ok(());
    }
    let tenant = tx.tenant;
    let wrap_up_s = match (to, held.team) {
        (AgentStatus::WrapUp, Some(team)) => store::wrap_up_s(tx.conn(), tenant, team).await?,
        _ => 0,
    };
    let until = store::update_status(tx.conn(), tenant, held.id, to, wrap_up_s).await?;
    if let Some(until) = until {
        let (agent, id) = (held.id, tx.platform.chance.id());
        let job = NewJob::of(tenant.0, id, &EndWrapUp { agent, until }).map_err(Error::internal)?;
        tx.enqueue(&[job.about(format!("agent:{agent}")).run_at(until)]).await?;
    }
    let detail = json!({ "status": to, "why": why.as_str() });
    tx.audit(&[Entry::new("update", "agent", held.id).detail(detail)]).await?;
    let body = json!({ "from": held.status, "to": to, "why": why.as_str() });
    tx.emit(&[Event::new(EventType::AgentStatusChanged, "agent", held.id).with(body)]).await
}

/// Says of an agent that they are in a call. One who was deleted meanwhile is left alone.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn call_begins(tx: &mut TenantTx, agent: AgentId) -> Result<()> {
    let tenant = tx.tenant;
    match store::lock_agent(tx.conn(), tenant, agent).await? {
        Some(held) => set(tx, &held, AgentStatus::OnCall, Why::CallAnswered).await,
        None => Ok(()),
    }
}

/// Says of an agent that a call of theirs is over: after the last one they write up for as long as the team gives them,
/// and are available at once where it gives them no time for it.
///
/// # Errors
/// If the agent was moved to another team at this moment, or the database refuses.
pub(crate) async fn call_ends(tx: &mut TenantTx, agent: AgentId) -> Result<()> {
    let tenant = tx.tenant;
    // There is room again; the locks of teams come before those of agents.
    let before = store::team_of(tx.conn(), tenant, agent).await?;
    sweep::wake_teams(tx, before).await?;
    let Some(held) = store::lock_agent(tx.conn(), tenant, agent).await? else { return Ok(()) };
    if held.team != before {
        return Err(moved());
    }
    // Asked under the lock, so that of two calls that end at once the second one sees both.
    if held.status != AgentStatus::OnCall || calls::store::is_talking(tx.conn(), tenant, agent).await? {
        return Ok(());
    }
    let wrap_up_s = match held.team {
        Some(team) => store::wrap_up_s(tx.conn(), tenant, team).await?,
        None => 0,
    };
    let to = if wrap_up_s > 0 { AgentStatus::WrapUp } else { AgentStatus::Available };
    set(tx, &held, to, Why::CallEnded).await
}

/// So many calls in a row that an agent did not take: they are not there, whatever their status says.
const MOST_MISSES: i64 = 3;

/// Notes that a call rang at an agent until it went on to somebody else. One who let [`MOST_MISSES`] ring since they
/// became available last is on a break from then on, until they or somebody else say that they are back; a single one
/// proves nothing. Their team is locked.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn missed_call(tx: &mut TenantTx, agent: AgentId) -> Result<()> {
    let tenant = tx.tenant;
    let Some(held) = store::lock_agent(tx.conn(), tenant, agent).await? else { return Ok(()) };
    if held.status != AgentStatus::Available
        || calls::store::misses_in_a_row(tx.conn(), tenant, agent).await? < MOST_MISSES
    {
        return Ok(());
    }
    set(tx, &held, AgentStatus::Break, Why::NotAnswering).await
}

/// Gives an agent the status that a person wishes. What somebody says holds though nobody has a socket open: a departure
/// from before it is forgotten.
pub(super) async fn set_by_hand(tx: &mut TenantTx, held: &HeldAgent, to: AgentStatus) -> Result<()> {
    by_hand(held.status, to).map_err(|refusal| match refusal {
        Refusal::InCall => in_call(),
        Refusal::SetByCalls => {
            Error::invalid("/status", "calls say this; choose `available`, `break`, `wrap_up` or `offline`")
        }
    })?;
    if let Some(user) = held.user {
        presence::forget(tx, user).await?;
    }
    set(tx, held, to, Why::ByHand).await
}

/// The refusal of what must wait for the end of a call.
pub(super) fn in_call() -> Error {
    Error::conflict("agent-in-call", "the agent is in a call; end the call first")
}

/// Makes an agent available whose time for writing up is over; `false` if they do something else by now.
///
/// # Errors
/// If the agent was moved to another team at this moment, or the database refuses.
pub async fn end_wrap_up(tx: &mut TenantTx, job: &EndWrapUp) -> Result<bool> {
    let tenant = tx.tenant;
    // There is room again; the locks of teams come before those of agents.
    let before = store::team_of(tx.conn(), tenant, job.agent).await?;
    sweep::wake_teams(tx, before).await?;
    let Some(held) = store::lock_agent(tx.conn(), tenant, job.agent).await? else { return Ok(false) };
    if held.team != before {
        return Err(moved());
    }
    if held.status != AgentStatus::WrapUp || held.wrap_up_until != Some(job.until) {
        return Ok(false);
    }
    set(tx, &held, AgentStatus::Available, Why::WrapUpOver).await?;
    Ok(true)
}
