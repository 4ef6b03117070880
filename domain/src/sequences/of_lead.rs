//! What becomes of leads that are on their way when something happens to them, in the transaction in which it happens:
//! whoever has replied gets nothing that has not left yet. The leads are held, but where they have gone, and but for those
//! that somebody who replies has besides: their enrolments are locked in the order of their ids, and nobody waits for a
//! lead from then on.
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
    leads::contacts::Contacts,
    tenancy::TenantTx,
    types::{LeadId, SequenceId},
};

/// Somebody has written, or spoken with somebody: this lead, if it is known, and all that are reached the same way. They
/// are one person, who does not know under which of them they were written to.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn replied(tx: &mut TenantTx, lead: Option<LeadId>, by: &Contacts) -> Result<()> {
    let mut leads = reached_by(tx, by).await?;
    leads.extend(lead);
    let tenant = tx.tenant;
    store::note_reply(tx.conn(), tenant, &leads).await?;
    look(tx, &leads, Happened::Replied).await
}

/// Whoever is reached so does not want something any more, which is written.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn refused(tx: &mut TenantTx, by: &Contacts) -> Result<()> {
    let leads = reached_by(tx, by).await?;
    look(tx, &leads, Happened::OptedOut).await
}

async fn reached_by(tx: &mut TenantTx, by: &Contacts) -> Result<Vec<LeadId>> {
    let (tenant, phone, email) = (tx.tenant, by.phone.as_deref(), by.email.as_deref());
    store::on_way_by(tx.conn(), tenant, phone, email).await
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
    let tenant = tx.tenant;
    store::note_first_score(tx.conn(), tenant, leads).await?;
    look(tx, leads, Happened::Scored).await
}

/// Leads are about to go, and leave.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_go(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    let tenant = tx.tenant;
    let gone = store::end_of_leads(tx.conn(), tenant, leads, "lead_deleted").await?;
    tell_left(tx, &gone, "lead_deleted").await
}

/// Locks what leads are on their way through, for whoever writes it in several places.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn hold(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    let tenant = tx.tenant;
    store::hold_enrolments(tx.conn(), tenant, leads).await
}

/// A lead is about to be merged into another, which goes on in its place; but where that one is on its way itself it goes
/// on alone, and where it has been through and may not enter again yet nobody goes on: nobody gets the same twice. What is
/// known of the two together, which is written, may be what a sequence is for. The enrolments of both are [held](hold).
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    let gone = store::move_enrolments(tx.conn(), tenant, winner, loser).await?;
    tell_left(tx, &gone, "merged").await?;
    for happened in [Happened::Replied, Happened::Converted, Happened::OptedOut, Happened::Scored] {
        look(tx, &[winner], happened).await?;
    }
    Ok(())
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
