//! Calls of which nothing is heard any more: a phone system that went down tells of no end. They are closed after twelve
//! hours, with the outcome `lost`, so that nobody is busy with them for ever.

use serde_json::json;

use super::{
    effects,
    outcome::CallOutcome,
    rules::{Step, step},
    store,
};
use crate::{
    Ctx,
    access::rows::Rows,
    audit::Entry,
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    types::{CallId, TenantId},
};

/// Hours since a call began, rang or was answered last. No conversation takes as long.
const LOST_AFTER_H: i32 = 12;
/// Calls of a tenant that are closed in one go.
const AT_A_TIME: i64 = 200;

/// Tenants with calls of which nothing is heard any more.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants_with_lost(platform: &Platform, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants_with_silent(tx.conn(), LOST_AFTER_H, limit).await
}

/// Closes such calls of a tenant, each in a transaction of its own; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn close(ctx: &Ctx) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let silent = store::silent(tx.conn(), ctx.tenant, LOST_AFTER_H, AT_A_TIME).await?;
    drop(tx);
    let mut closed = 0;
    for call in silent {
        match one(ctx, call).await {
            Ok(done) => closed += usize::from(done),
            // Its agent was moved at this moment: the next minute closes it.
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(closed)
}

/// Closes a call. It ended when it was last heard of, as far as anybody knows: hours of silence are no conversation.
async fn one(ctx: &Ctx, id: CallId) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let Some(mut call) = store::lock(tx.conn(), ctx.tenant, id, Rows::All).await? else { return Ok(false) };
    let Ok(to) = step(call.status, Step::End) else { return Ok(false) };
    if !store::is_silent(tx.conn(), ctx.tenant, id, LOST_AFTER_H).await? {
        return Ok(false);
    }
    let heard = call.answered_at.or(call.ringing_at).unwrap_or(call.started_at);
    effects::end(&mut tx, &mut call, (to, heard), Some((CallOutcome::Lost, None))).await?;
    let detail = json!({ "status": call.status, "outcome": call.outcome, "agent_id": call.agent_id });
    tx.audit(&[Entry::new("end", "call", id).detail(detail)]).await?;
    tx.commit().await?;
    Ok(true)
}
