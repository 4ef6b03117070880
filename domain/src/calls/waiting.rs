//! Giving out the calls that wait in a team's queue, the oldest first, whenever somebody can take one again. No wake is
//! lost, for the same reason as with leads; see [`routing::sweep`](crate::routing::sweep). Whoever has just let a call
//! ring is not asked to take the same one, so it does not keep the ones behind it waiting.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use engine::JobKind;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    held::HeldCall,
    minding,
    ringing::{self, AGAIN_S},
    rules::CallStatus,
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    error::Result,
    events::{Event, EventType},
    routing::{for_calls::Takers, sweep::Swept},
    types::{AgentId, CallId, LeadId, TeamId},
};

const PAGE: i64 = 200;

/// An incoming call that waits in a team's queue.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WaitingCall {
    pub id: CallId,
    pub lead_id: Option<LeadId>,
    /// When it came in.
    pub waiting_since: DateTime<Utc>,
    /// When it came into this queue.
    pub entered_at: DateTime<Utc>,
    /// When it was told that it waits too long.
    pub overdue_at: Option<DateTime<Utc>>,
    /// How often it rang at an agent who did not take it.
    pub missed: i64,
}

/// The job that gives out the calls of a team's queue. There is one of a team at a time.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepCalls {
    pub team: TeamId,
}

impl JobKind for SweepCalls {
    const KIND: &'static str = "sweep_calls";
    const QUEUE: &'static str = "automation";
    /// Somebody is on the line.
    const PRIORITY: i16 = 0;
}

/// Gives out the next page of a team's queue.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, team: TeamId) -> Result<Swept> {
    let mut tx = ctx.begin().await?;
    let mut takers = Takers::of(&mut tx, team).await?;
    let (room, able) = (takers.room(), takers.able());
    let asked = (able.as_slice(), AGAIN_S);
    let waiting = store::lock_queued(tx.conn(), ctx.tenant, team, asked, room.min(PAGE)).await?;
    let none = waiting.is_empty();
    let ids: Vec<Uuid> = waiting.iter().map(|call| call.id.0).collect();
    let mut but: BTreeMap<CallId, BTreeSet<AgentId>> = BTreeMap::new();
    if !none {
        for (call, agent) in store::missed(tx.conn(), ctx.tenant, &ids, AGAIN_S).await? {
            but.entry(call).or_default().insert(agent);
        }
    }
    let (now, until) = (ringing::now(&tx), ringing::until(&mut tx, Some(team)).await?);
    let mut given: Vec<HeldCall> = Vec::new();
    for call in waiting {
        // Somebody else may still take the next one.
        let Some(agent) = takers.take(&but.remove(&call.id).unwrap_or_default()) else { continue };
        let (ringing_at, ring_until) = (Some(now), Some(until));
        let status = CallStatus::Ringing;
        given.push(HeldCall { agent_id: Some(agent), status, ringing_at, ring_until, ..call });
    }
    if given.is_empty() {
        let held = room > 0 && none && store::is_waited_for(tx.conn(), ctx.tenant, team, asked).await?;
        return Ok(if held { Swept::Held } else { Swept::Over(Box::new(tx)) });
    }
    takers.write(&mut tx).await?;
    let pair = |call: &HeldCall| -> Option<(CallId, AgentId)> { Some((call.id, call.agent_id?)) };
    let pairs: Vec<_> = given.iter().filter_map(pair).collect();
    store::ring_all(tx.conn(), ctx.tenant, &pairs, (now, until)).await?;
    minding::mind(&mut tx, &given).await?;
    let entry = |call: &HeldCall| {
        let detail = json!({ "status": call.status, "agent_id": call.agent_id });
        Entry::new("ring", "call", call.id).detail(detail)
    };
    tx.audit(&given.iter().map(entry).collect::<Vec<_>>()).await?;
    let told = |call: &HeldCall| {
        let event = |kind| Event::new(kind, "call", call.id).with(call.body());
        [event(EventType::CallRinging), event(EventType::CallIncoming)]
    };
    tx.emit(&given.iter().flat_map(told).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(Swept::Given(given.len()))
}
