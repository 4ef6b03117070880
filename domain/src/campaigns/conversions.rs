//! What came of campaigns: leads that converted after a message of one. Written down as their status changes, in the same
//! transaction, for nobody can say later what they were worth then.

use uuid::Uuid;

use super::{
    rules::attribution::{Conversion, Touch, attribute, days},
    store::{self, Credited},
};
use crate::{error::Result, tenancy::TenantTx, types::LeadId};

/// The longest window that a campaign may have, in days; its own was looked at before.
const LONGEST: u16 = 366;

/// Leads have converted: whoever was sent a message of a campaign not too long before counts for it, and of several for the
/// last.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn converted(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    let tenant = tx.tenant;
    let rows = store::touches(tx.conn(), tenant, leads).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let now = store::now(tx.conn()).await?;
    let touches: Vec<Touch> =
        rows.iter().map(|row| Touch { id: row.message, lead: row.lead, sent_at: row.sent_at }).collect();
    let conversions: Vec<Conversion> =
        leads.iter().map(|lead| Conversion { id: lead.0, lead: *lead, at: now }).collect();
    let credits = attribute(&touches, &conversions, days(LONGEST));
    let of = |touch: Uuid| rows.iter().find(|row| row.message == touch);
    let credited: Vec<Credited> = credits
        .iter()
        .filter_map(|credit| of(credit.touch))
        .map(|row| Credited { run: row.run, recipient: row.recipient, message: row.message, lead: row.lead })
        .collect();
    store::put_conversions(tx.conn(), tenant, &credited).await
}

/// Leads have not converted after all.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn not_converted(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    let tenant = tx.tenant;
    store::drop_conversions(tx.conn(), tenant, leads).await
}

/// A lead is about to be merged into another: what came of it came of that one, and if both converted, one person did. Both
/// leads are locked.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    store::join_conversions(tx.conn(), tenant, (winner, loser)).await
}
