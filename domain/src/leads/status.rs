//! The one way in which leads come to another status, whoever says so: by hand, one or many of them, by what a call came
//! to, or by a merge. With it go who has them, the line in their timeline, and their score.

use engine::NewJob;

use super::{activities, lead::Status, store};
use crate::{
    access::rows::Rows,
    audit::Entry,
    campaigns::conversions,
    error::{Error, Result},
    events::{Event, EventType},
    routing::{
        hand_over::{self, Placed},
        sweep,
    },
    scoring::apply::{ScoreLead, Why},
    sequences,
    tenancy::TenantTx,
    types::{AgentId, LeadId, TeamId},
};

/// How far a lead had come before its status was written, and who has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub id: LeadId,
    pub status: &'a str,
    pub owner: Option<AgentId>,
    pub team: Option<TeamId>,
}

impl Before<'_> {
    pub(super) fn is_closed(&self) -> bool {
        Status::named(self.status).is_some_and(Status::is_closed)
    }
}

/// What goes with a status that is written to leads, all of them locked; those that have it already are passed over. So
/// many statements whatever the number of leads, but for those that were closed and are open again. Answers these, and
/// who has them from now on.
///
/// # Errors
/// If the database refuses.
pub(super) async fn follow(tx: &mut TenantTx, leads: &[Before<'_>], to: Status) -> Result<Vec<Placed>> {
    let others: Vec<&Before<'_>> = leads.iter().filter(|lead| lead.status != to.as_str()).collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let opened = if to.is_closed() {
        let closing = others.iter().filter(|lead| !lead.is_closed());
        let owners: Vec<AgentId> = closing.filter_map(|lead| lead.owner).collect();
        sweep::wake_teams_of(tx, &owners).await?;
        Vec::new()
    } else {
        let opening = others.iter().filter(|lead| lead.is_closed());
        let opening: Vec<Placed> = opening.map(|lead| (lead.id, lead.owner, lead.team)).collect();
        hand_over::open(tx, &opening).await?
    };
    let changed: Vec<LeadId> = others.iter().map(|lead| lead.id).collect();
    activities::all_became(tx, &changed, to).await?;
    if to == Status::Converted {
        sequences::of_lead::converted(tx, &changed).await?;
        conversions::converted(tx, &changed).await?;
        tell(tx, EventType::LeadConverted, &changed).await?;
    }
    let converted = |lead: &&&Before<'_>| lead.status == Status::Converted.as_str();
    let undone: Vec<LeadId> = others.iter().filter(converted).map(|lead| lead.id).collect();
    if !undone.is_empty() {
        conversions::not_converted(tx, &undone).await?;
        tell(tx, EventType::LeadUnconverted, &undone).await?;
    }
    score_anew(tx, &changed).await?;
    Ok(opened)
}

async fn tell(tx: &mut TenantTx, kind: EventType, leads: &[LeadId]) -> Result<()> {
    let told: Vec<Event> = leads.iter().map(|lead| Event::new(kind, "lead", lead)).collect();
    tx.emit(&told).await
}

/// Has leads scored anew of which something is known that was not before.
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
    let Some(held) = held.filter(|held| !held.before(id).is_closed()) else { return Ok(()) };
    store::put_status(tx.conn(), tenant, id, to).await?;
    follow(tx, &[held.before(id)], to).await?;
    tx.audit(&[Entry::new("update", "lead", id).detail(serde_json::json!({ "status": to }))]).await?;
    tx.emit(&[Event::new(EventType::LeadUpdated, "lead", id)]).await
}
