//! What was to be done for the person is not done any more; what is under way is waited for.

use engine::{jobs, operate::Action};

use super::{begin::others, store};
use crate::{
    Ctx,
    access::rows::Rows,
    campaigns,
    error::{Error, Result},
    leads::merged,
    messages::of_subject,
    tenancy::TenantTx,
    types::{ErasureId, LeadId, SubjectId},
    workflows::of_lead,
};

/// Messages cancelled in one transaction.
const PAGE: i64 = 200;

/// What is left to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing.
    All,
    /// There is more that can be cancelled at once.
    Some,
    /// Something is under way: a message is being sent, or somebody speaks with the person.
    Waits,
}

/// Stops some of it.
///
/// # Errors
/// If the database refuses.
pub async fn stop(ctx: &Ctx, id: ErasureId) -> Result<Stopped> {
    let mut tx = ctx.begin().await?;
    let who = of_leads(&mut tx, id).await?;
    let subjects: Vec<SubjectId> = who.subjects.iter().copied().map(SubjectId).collect();
    let leads: Vec<LeadId> = who.leads.iter().copied().map(LeadId).collect();
    let stopped = of_subject::stop(&mut tx, &subjects, &leads, PAGE).await?;
    store::add_count(tx.conn(), ctx.tenant, id, "messages", "cancelled", stopped.ended).await?;
    let speaks = store::speaks(tx.conn(), ctx.tenant, &who).await?;
    tx.commit().await?;
    Ok(match (stopped.ended, stopped.under_way || speaks) {
        (0, false) => Stopped::All,
        (0, true) => Stopped::Waits,
        _ => Stopped::Some,
    })
}

/// What goes by the lead: its runs, sequences, jobs and places in campaigns. Answers whose rows there are by now.
async fn of_leads(tx: &mut TenantTx, id: ErasureId) -> Result<store::Who> {
    let tenant = tx.tenant;
    let who = store::who(tx.conn(), tenant, id).await?;
    let mut there = Vec::new();
    for lead in &who.leads {
        match merged::hold(tx, LeadId(*lead), Rows::All).await? {
            Some(by_now) if by_now.0 == *lead => there.push(by_now),
            Some(by_now) if !who.leads.contains(&by_now.0) => {
                return Err(Error::internal("somebody who is being erased was merged into another person"));
            }
            Some(_) | None => {}
        }
    }
    of_lead::leads_go(tx, &there).await?;
    let keys: Vec<String> = who.leads.iter().map(|lead| format!("lead:{lead}")).collect();
    // A signal's payload is what its sender put in, and stands with the step that took it as well.
    store::blank_signalled(tx.conn(), tenant, &keys).await?;
    let waiting = jobs::waiting_about(tx.conn(), tenant.0, &keys).await?;
    for some in waiting.chunks(500) {
        tx.act(Action::Cancel, some).await?;
    }
    store::add_count(tx.conn(), tenant, id, "jobs", "cancelled", waiting.len()).await?;
    let leads: Vec<LeadId> = who.leads.iter().copied().map(LeadId).collect();
    let skipped = campaigns::of_lead::leads_are_erased(tx, &leads).await?;
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    store::add_count(tx.conn(), tenant, id, "campaign_recipients", "skipped", skipped).await?;
    // What came in since it began is theirs as well.
    others(tx, id).await?;
    store::who(tx.conn(), tenant, id).await
}
