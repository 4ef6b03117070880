//! What becomes of the runs that are about a lead, with the lead, and of the sequences that it is on its way through. A run
//! that was started for a lead is about the one that it was merged into.

use engine::{
    JobKind,
    workflows::{self, Filter},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::OnboardLead;
use crate::{
    audit::Entry,
    error::Result,
    leads::{contacts::Contacts, merged},
    messages::of_run,
    sequences,
    tenancy::TenantTx,
    types::LeadId,
};

/// The signal that `onboard_lead` waits for.
const REPLIED: &str = "lead_replied";

/// Tells the runs that wait for a word of the lead, if it is known who has written or spoken. One that does not wait for it
/// takes it for later, or not at all. The sequences hear of it for all leads that are reached the same way.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn replied(
    tx: &mut TenantTx,
    lead: Option<LeadId>,
    by: &Contacts,
    payload: &Value,
) -> Result<()> {
    if let Some(lead) = lead {
        for run in running(tx, lead).await? {
            tx.signal_run(run, REPLIED, payload).await?;
        }
    }
    sequences::of_lead::replied(tx, lead, by).await
}

/// A lead is about to go: nothing more is done for it.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn lead_goes(tx: &mut TenantTx, lead: LeadId) -> Result<()> {
    leads_go(tx, &[lead]).await
}

/// The same of many.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_go(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    for lead in leads {
        for run in running(tx, *lead).await? {
            tx.cancel_run(run).await?;
            of_run::run_stops(tx, run).await?;
            tx.audit(&[Entry::new("cancel", "workflow", run).detail(json!({ "lead_id": lead }))]).await?;
        }
    }
    sequences::of_lead::leads_go(tx, leads).await
}

/// A lead is about to be merged into another: its run goes on with that one, unless one of its own does already, for
/// nobody is to be welcomed twice.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    sequences::of_lead::leads_merge(tx, winner, loser).await?;
    // What it was on its way through goes with it by now, so that nothing of that ends here.
    if running(tx, winner).await?.is_empty() { Ok(()) } else { lead_goes(tx, loser).await }
}

/// The runs about a lead, or about one that was merged into it, that have not ended.
pub(super) async fn running(tx: &mut TenantTx, lead: LeadId) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant.0;
    let mut runs = Vec::new();
    for same in merged::all_of(tx, lead).await? {
        let filter = Filter {
            name: Some(OnboardLead::KIND.into()),
            state: Some("running".into()),
            business_key: Some(format!("lead:{same}")),
            ..Filter::default()
        };
        // A run is unique for its lead.
        runs.extend(
            workflows::list(tx.conn(), tenant, &filter, None, 1).await?.into_iter().map(|run| run.id),
        );
    }
    Ok(runs)
}
