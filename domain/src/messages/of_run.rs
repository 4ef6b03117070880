//! Messages that steps of workflows wrote: where a run is stopped, what of it has not left is not sent any more.
//!
//! That is asked three times, for a message may be in somebody's hands when its run is stopped: when the run is, when an
//! attempt is claimed, and when a message without a job is found.

use serde_json::json;
use uuid::Uuid;

use super::{
    rules::{Status, Stop},
    store,
};
use crate::{
    audit::Entry,
    error::Result,
    events::{Event, EventType},
    tenancy::TenantTx,
    types::MessageId,
};

/// The code of a message whose run was stopped.
const RUN_OVER: &str = "run_over";
/// The same with what it says.
pub(super) const OVER: (&str, &str) = (RUN_OVER, "the workflow that wrote it was stopped");

/// A run is stopped, in the transaction of the caller's: its messages that wait are cancelled with it, and those that may
/// have been sent already are of unknown fate. One that is claimed or settled at this moment is not waited for.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn run_stops(tx: &mut TenantTx, run: Uuid) -> Result<()> {
    let tenant = tx.tenant;
    let waiting = store::lock_waiting_of_run(tx.conn(), tenant, run).await?;
    let stops = end(tx, &waiting, OVER).await?;
    let entry = |(id, stop): &(MessageId, Stop)| {
        Entry::new("cancel", "message", *id).detail(json!({ "workflow_id": run, "status": stop.status }))
    };
    tx.audit(&stops.iter().map(entry).collect::<Vec<_>>()).await
}

/// Ends messages that are held and that nobody is to get any more, for this reason: a code, and what it says.
pub(super) async fn end(
    tx: &mut TenantTx,
    messages: &[MessageId],
    (code, why): (&'static str, &str),
) -> Result<Vec<(MessageId, Stop)>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant;
    let doubtful = store::in_doubt(tx.conn(), tenant, messages).await?;
    let stop = |id: &MessageId| {
        let status = if doubtful.contains(id) { Status::Unknown } else { Status::Cancelled };
        (*id, Stop { status, code, text: why.into() })
    };
    let stops: Vec<(MessageId, Stop)> = messages.iter().map(stop).collect();
    store::stop(tx.conn(), tenant, &stops).await?;
    tx.emit(&stops.iter().map(|(id, stop)| told(*id, stop)).collect::<Vec<_>>()).await?;
    Ok(stops)
}

/// What is told of a message that does not leave.
pub(super) fn told(id: MessageId, stop: &Stop) -> Event {
    let kind = match stop.status {
        Status::Suppressed => EventType::MessageSuppressed,
        Status::Cancelled => EventType::MessageCancelled,
        Status::Unknown => EventType::MessageUnknown,
        _ => EventType::MessageFailed,
    };
    Event::new(kind, "message", id).with(json!({ "code": stop.code }))
}

/// A run was taken up again: of its messages that were cancelled with it those wait again whose jobs do. A step that
/// begins anew writes another.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn run_goes_on(tx: &mut TenantTx, run: Uuid) -> Result<()> {
    let tenant = tx.tenant;
    let again = store::revive(tx.conn(), tenant, run, RUN_OVER).await?;
    let told = |id: &MessageId| {
        Event::new(EventType::MessageRetrying, "message", *id).with(json!({ "code": RUN_OVER }))
    };
    tx.emit(&again.iter().map(told).collect::<Vec<_>>()).await
}
