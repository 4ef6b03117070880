//! Doing what is due of a call that rings or waits: the job [`MindCall`] comes at the instant that `patience` says and
//! looks again, for much may have happened since. Whoever takes a call to where something will be due has it minded, and
//! upkeep does the same once a minute for what waits, so that other limits of a team hold for calls that wait already.

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    effects,
    held::HeldCall,
    outcome::CallOutcome,
    patience::{Due, next},
    ringing,
    rules::CallStatus,
    store,
};
use crate::{
    Ctx,
    access::rows::Rows,
    agents::teams::AfterWait,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::TenantTx,
    types::{CallId, TeamId},
};

/// Calls of a queue that are looked at in one go.
const PAGE: i64 = 200;

/// The job that does what is due of a call.
#[derive(Debug, Serialize, Deserialize)]
pub struct MindCall {
    pub call: CallId,
}

impl JobKind for MindCall {
    const KIND: &'static str = "mind_call";
    const QUEUE: &'static str = "automation";
    /// Somebody is on the line.
    const PRIORITY: i16 = 0;
}

/// Has these calls, all of one team, looked at when something of them will be due; what is asked for twice comes once.
///
/// # Errors
/// If the database refuses.
pub(super) async fn mind(tx: &mut TenantTx, calls: &[HeldCall]) -> Result<()> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let limits = match calls.iter().find_map(|call| call.team_id) {
        Some(team) => store::limits(tx.conn(), tenant, team).await?,
        None => None,
    };
    let mut jobs = Vec::new();
    for call in calls {
        if let Some((at, due)) = next(call, limits.as_ref()) {
            let job = NewJob::of(tenant.0, platform.chance.id(), &MindCall { call: call.id });
            let key = format!("{}:{}:{}", call.id, due.as_str(), at.timestamp_micros());
            jobs.push(
                job.map_err(Error::internal)?.about(format!("call:{}", call.id)).unique(key).run_at(at),
            );
        }
    }
    if jobs.is_empty() { Ok(()) } else { tx.enqueue(&jobs).await.map(drop) }
}

/// The same of what waits in a team's queue, as it is now.
///
/// # Errors
/// If the database refuses.
pub async fn mind_waiting(ctx: &Ctx, team: TeamId) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let waiting = store::queued(tx.conn(), ctx.tenant, team, PAGE).await?;
    mind(&mut tx, &waiting).await?;
    tx.commit().await
}

/// Does what is due of a call, if anything still is; says what it was.
///
/// # Errors
/// If the database refuses.
pub async fn look(tx: &mut TenantTx, job: &MindCall) -> Result<Option<&'static str>> {
    let tenant = tx.tenant;
    let Some(mut call) = store::lock(tx.conn(), tenant, job.call, Rows::All).await? else { return Ok(None) };
    let limits = match call.team_id {
        Some(team) => store::limits(tx.conn(), tenant, team).await?,
        None => None,
    };
    // By the clock that the job was due by.
    let now = store::now(tx.conn()).await?;
    let Some((_, due)) = next(&call, limits.as_ref()).filter(|(at, _)| *at <= now) else {
        mind(tx, std::slice::from_ref(&call)).await?;
        return Ok(None);
    };
    match due {
        Due::RungOut => ringing::rung_out(tx, &mut call).await?,
        Due::Overdue => overdue(tx, &mut call, now).await?,
        Due::Overflow(team) => ringing::overflow(tx, &mut call, team).await?,
        Due::GiveUp(then) => give_up(tx, &mut call, then).await?,
    }
    let detail = json!({ "due": due.as_str(), "status": call.status, "agent_id": call.agent_id });
    tx.audit(&[Entry::new("update", "call", call.id).detail(detail)]).await?;
    Ok(Some(due.as_str()))
}

/// Tells once of a call that it waits longer than its team's service level allows.
async fn overdue(tx: &mut TenantTx, call: &mut HeldCall, now: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant;
    call.overdue_at = Some(now);
    store::update(tx.conn(), tenant, call).await?;
    tx.emit(&[Event::new(EventType::CallOverdue, "call", call.id).with(call.body())]).await?;
    mind(tx, std::slice::from_ref(call)).await
}

/// Ends a call that has waited for as long as its team lets one wait.
async fn give_up(tx: &mut TenantTx, call: &mut HeldCall, then: AfterWait) -> Result<()> {
    let now = tx.platform.clock.now();
    let outcome = match then {
        AfterWait::HangUp => CallOutcome::Abandoned,
        AfterWait::Voicemail => CallOutcome::Voicemail,
    };
    effects::end(tx, call, (CallStatus::Abandoned, now), Some((outcome, None))).await
}
