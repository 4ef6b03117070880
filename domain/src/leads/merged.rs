//! Who a lead is by now: one that was merged into another is that other one.

use super::store;
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::Result,
    tenancy::TenantTx,
    types::LeadId,
};

/// The lead that another one was merged into; none if it was not. That one may have been merged again.
///
/// # Errors
/// If the database does not answer.
pub async fn merged_into(tx: &mut TenantTx, loser: LeadId) -> Result<Option<LeadId>> {
    let tenant = tx.tenant;
    store::merged_into(tx.conn(), tenant, loser).await
}

/// The lead itself, or what it was merged into, however often; none if that is not there for somebody who sees these.
/// Locks nothing.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn by_now(tx: &mut TenantTx, lead: LeadId, seen: Rows) -> Result<Option<LeadId>> {
    let tenant = tx.tenant;
    store::by_now(tx.conn(), tenant, lead, seen).await
}

/// The same for whoever asks for a lead by an id that it has no more.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn led_to(ctx: &Ctx, lead: LeadId) -> Result<Option<LeadId>> {
    ctx.require(Permission::LeadsRead)?;
    by_now(&mut ctx.begin().await?, lead, ctx.rows).await
}

/// Finds a lead, or what it was merged into, and keeps it from being deleted or merged before the commit. None if it is
/// not there for somebody who sees these.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn hold(tx: &mut TenantTx, mut lead: LeadId, seen: Rows) -> Result<Option<LeadId>> {
    let tenant = tx.tenant;
    // Whoever merges it holds it for so long, and what they wrote is seen by the next statement.
    while !store::hold(tx.conn(), tenant, lead, seen).await? {
        let Some(winner) = store::merged_into(tx.conn(), tenant, lead).await? else { return Ok(None) };
        lead = winner;
    }
    Ok(Some(lead))
}

/// A lead and all that were merged into it.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn all_of(tx: &mut TenantTx, lead: LeadId) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    store::all_of(tx.conn(), tenant, lead).await
}
