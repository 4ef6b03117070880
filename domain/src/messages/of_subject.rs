//! Messages to somebody who is being erased: what waits is cancelled, and what is under way is waited for by the caller.

use engine::operate::Action;
use serde_json::json;

use super::{of_run, store};
use crate::{
    audit::Entry,
    error::Result,
    tenancy::TenantTx,
    types::{LeadId, MessageId, SubjectId},
};

/// Why such a message does not leave.
const ERASED: (&str, &str) = ("erased", "the person it was to is being erased");

/// What a page came to.
pub(crate) struct Stopped {
    pub ended: usize,
    /// Something is being sent, or was in somebody's hands.
    pub under_way: bool,
}

/// Cancels up to `limit` messages that wait for these people, with their jobs. One that may have been sent is of unknown
/// fate from now on.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn stop(
    tx: &mut TenantTx,
    subjects: &[SubjectId],
    leads: &[LeadId],
    limit: i64,
) -> Result<Stopped> {
    let tenant = tx.tenant;
    let waiting = store::lock_waiting_of(tx.conn(), tenant, subjects, leads, limit).await?;
    let ids: Vec<MessageId> = waiting.iter().map(|(id, _)| *id).collect();
    let stops = of_run::end(tx, &ids, ERASED).await?;
    let entry = |id: &MessageId| Entry::new("cancel", "message", id).detail(json!({ "code": ERASED.0 }));
    tx.audit(&ids.iter().map(entry).collect::<Vec<_>>()).await?;
    let jobs: Vec<_> = waiting.into_iter().filter_map(|(_, job)| job).collect();
    if !jobs.is_empty() {
        tx.act(Action::Cancel, &jobs).await?;
    }
    let under_way = store::are_under_way(tx.conn(), tenant, subjects, leads).await?;
    Ok(Stopped { ended: stops.len(), under_way })
}
