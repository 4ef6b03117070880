//! Who a lead is by now: one that was merged into another is that other one.

use super::{commands, lead::LeadView, store};
use crate::{
    Ctx,
    access::rows::Rows,
    error::{Error, Result},
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

/// What there is by an id.
pub enum Found {
    Here(Box<LeadView>),
    /// It was merged into this one, which the caller sees.
    MergedInto(LeadId),
}

/// Looks for a lead by the id that it has, or by one that it had before it was merged.
///
/// # Errors
/// If the permission is missing, or there is no such lead.
pub async fn find(ctx: &Ctx, id: LeadId) -> Result<Found> {
    let missing = match commands::get(ctx, id).await {
        Err(missing @ Error::NotFound(_)) => missing,
        found => return found.map(|view| Found::Here(Box::new(view))),
    };
    match by_now(&mut ctx.begin().await?, id, ctx.rows).await? {
        Some(lead) if lead != id => Ok(Found::MergedInto(lead)),
        // The caller came to see it between the two looks.
        Some(_) => commands::get(ctx, id).await.map(|view| Found::Here(Box::new(view))),
        None => Err(missing),
    }
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
