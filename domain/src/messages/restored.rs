//! Messages of a database that was restored: whatever could have been sent since the moment that it was restored to may have
//! been. Nobody knows, so it is `unknown`, and not sent again unless somebody says so.

use serde_json::json;

use super::{
    of_run,
    rules::{Status, Stop},
    store,
};
use crate::{Ctx, audit::Entry, error::Result, types::MessageId};

const RESTORED: &str = "restored";
const WHY: &str = "the database was restored to an earlier moment, and it may have been sent since then";

/// Settles up to `limit` messages that wait, or were being sent, and whose time has come. Answers how many.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn settle(ctx: &Ctx, limit: i64) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let due = store::lock_due(tx.conn(), ctx.tenant, limit).await?;
    let stop = |id: &MessageId| (*id, Stop { status: Status::Unknown, code: RESTORED, text: WHY.into() });
    let stops: Vec<(MessageId, Stop)> = due.iter().map(stop).collect();
    store::stop(tx.conn(), ctx.tenant, &stops).await?;
    tx.emit(&stops.iter().map(|(id, stop)| of_run::told(*id, stop)).collect::<Vec<_>>()).await?;
    let entry = |id: &MessageId| Entry::new("settle", "message", id).detail(json!({ "code": RESTORED }));
    tx.audit(&due.iter().map(entry).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(due.len())
}
