//! What becomes of leads that are on their way when something happens to them, in the transaction in which it happens:
//! whoever has replied gets nothing that was not written yet. The leads are held, but where they have gone.
//!
//! Nothing is looked for but the enrolments of these leads, and of them only those whose version has such a goal; a lead
//! that is in no sequence costs a look into an index.

use std::collections::BTreeMap;

use super::{
    Ended,
    facts::Known,
    leave::tell_left,
    rules::conditions::first,
    store::{self, Happened, Moved, OnWay},
    tell_ended,
};
use crate::{
    error::Result,
    tenancy::TenantTx,
    types::{LeadId, SequenceId},
};

/// A lead has written, or spoken with somebody.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn replied(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    store::note_reply(tx.conn(), tenant, lead).await?;
    look(tx, &[lead], Happened::Replied).await
}

/// Leads have come to the status `converted`, which is written.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn converted(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    look(tx, leads, Happened::Converted).await
}

/// Leads do not want something any more, which is written.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn opted_out(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    look(tx, leads, Happened::OptedOut).await
}

/// Leads have another score, which is written.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn scored(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    look(tx, leads, Happened::Scored).await
}

/// A lead is about to go, and leaves.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn lead_goes(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    let gone = store::end_of_lead(tx.conn(), tenant, lead, "lead_deleted").await?;
    tell_left(tx, &gone, "lead_deleted").await
}

/// A lead is about to be merged into another, which goes on in its place; but where that one is on its way itself it goes
/// on alone, and where it has been through and may not enter again yet nobody goes on: nobody gets the same twice.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    let gone = store::move_enrolments(tx.conn(), tenant, winner, loser).await?;
    tell_left(tx, &gone, "merged").await
}

/// Ends the enrolments of leads that have come to a goal by what has happened.
async fn look(tx: &mut TenantTx, leads: &[LeadId], happened: Happened) -> Result<()> {
    if leads.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let mut of: BTreeMap<SequenceId, Vec<OnWay>> = BTreeMap::new();
    for row in store::listening(tx.conn(), tenant, leads, happened).await? {
        of.entry(row.sequence).or_default().push(row);
    }
    for (sequence, rows) in of {
        let known = Known::find(tx, sequence, &rows, false).await?;
        let (mut moved, mut ended) = (Vec::new(), Vec::new());
        for row in &rows {
            let Some(facts) = known.facts(row) else { continue };
            let Some(why) = first(&known.published(row)?.definition.goals, &facts) else { continue };
            let (id, lead) = (row.id, row.lead);
            let (state, reason) = ("goal", Some(why));
            moved.push(Moved { id, lead, position: row.position, state, reason, due_at: None });
            ended.push(Ended { id, sequence, lead, state, reason });
        }
        if !moved.is_empty() {
            store::put_moved(tx.conn(), tenant, &moved).await?;
            tell_ended(tx, &ended).await?;
        }
    }
    Ok(())
}
