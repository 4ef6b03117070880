//! The one way in which a lead comes to another status, whoever says so: by hand, or by what a call came to. With it go
//! who has the lead, the line in its timeline, and its score.

use engine::NewJob;

use super::{
    activities::{self, Activity},
    lead::Status,
    store,
};
use crate::{
    access::rows::Rows,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    routing::{reopen, sweep},
    scoring::apply::{ScoreLead, Why},
    tenancy::TenantTx,
    types::{AgentId, LeadId, TeamId},
};

/// What goes with a status that is written; the lead is locked. Answers who has it from now on if it was closed and is
/// open again.
///
/// # Errors
/// If the database refuses.
pub(super) async fn follow(
    tx: &mut TenantTx,
    id: LeadId,
    from: &str,
    to: Status,
) -> Result<Option<(Option<AgentId>, Option<TeamId>)>> {
    let closed = |status: &str| matches!(Status::parse(status), Some(Status::Converted | Status::Lost));
    let home = if closed(to.as_str()) {
        sweep::lead_closes(tx, id).await?;
        None
    } else if closed(from) {
        Some(reopen::lead_opens(tx, id).await?)
    } else {
        None
    };
    if to.as_str() != from {
        activities::record(tx, id, &Activity::became(to)).await?;
        score_anew(tx, &[id]).await?;
    }
    Ok(home)
}

/// Has leads scored anew whose status is another.
///
/// # Errors
/// If the database refuses.
pub(super) async fn score_anew(tx: &mut TenantTx, leads: &[LeadId]) -> Result<()> {
    let mut jobs = Vec::with_capacity(leads.len());
    for lead in leads {
        let job = ScoreLead { lead: *lead, why: Why::Changed };
        let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &job).map_err(Error::internal)?;
        jobs.push(job.about(format!("lead:{lead}")));
    }
    tx.enqueue(&jobs).await?;
    Ok(())
}

/// Closes an open lead; one that is closed already, or gone, stays as it is.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn close(tx: &mut TenantTx, id: LeadId, to: Status) -> Result<()> {
    let tenant = tx.tenant;
    let held = store::lock(tx.conn(), tenant, id, Rows::All).await?;
    let Some(held) = held.filter(|held| !held.is_closed) else { return Ok(()) };
    store::put_status(tx.conn(), tenant, id, to).await?;
    follow(tx, id, &held.status, to).await?;
    tx.audit(&[Entry::new("update", "lead", id).detail(serde_json::json!({ "status": to }))]).await?;
    tx.emit(&[Event::new(EventType::LeadUpdated, "lead", id)]).await
}
