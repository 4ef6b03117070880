//! Giving out the calls that wait in a team's queue, the oldest first, whenever somebody can take one again. No wake is
//! lost, for the same reason as with leads; see [`routing::sweep`](crate::routing::sweep).

use engine::JobKind;
use serde::{Deserialize, Serialize};

use super::{held::HeldCall, rules::CallStatus, store};
use crate::{
    Ctx,
    error::Result,
    events::{Event, EventType},
    routing::{for_calls::Takers, sweep::Swept},
    types::{AgentId, CallId, TeamId},
};

const PAGE: i64 = 200;

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
    let room = takers.room();
    let waiting = store::lock_queued(tx.conn(), ctx.tenant, team, room.min(PAGE)).await?;
    let none = waiting.is_empty();
    let mut given: Vec<HeldCall> = Vec::new();
    for call in waiting {
        let Some(agent) = takers.take() else { break };
        given.push(HeldCall { agent_id: Some(agent), status: CallStatus::Ringing, ..call });
    }
    if given.is_empty() {
        let held = room > 0 && none && store::is_waited_in(tx.conn(), ctx.tenant, team).await?;
        return Ok(if held { Swept::Held } else { Swept::Over(Box::new(tx)) });
    }
    takers.write(&mut tx).await?;
    let pair = |call: &HeldCall| -> Option<(CallId, AgentId)> { Some((call.id, call.agent_id?)) };
    let pairs: Vec<_> = given.iter().filter_map(pair).collect();
    store::ring_all(tx.conn(), ctx.tenant, &pairs, ctx.now()).await?;
    let told = |call: &HeldCall| {
        let event = |kind| Event::new(kind, "call", call.id).with(call.body());
        [event(EventType::CallRinging), event(EventType::CallIncoming)]
    };
    tx.emit(&given.iter().flat_map(told).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(Swept::Given(given.len()))
}
