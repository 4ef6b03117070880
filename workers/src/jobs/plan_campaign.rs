//! The first step of a campaign's run: begins it, and writes a recipient down for each lead, a page a transaction.

use domain::{
    Result,
    campaigns::{
        run::{Begun, begin},
        work::PlanCampaign,
    },
};
use engine::Outcome;
use serde_json::json;

use super::campaigns::{LATER, pages, patiently, run_of};
use crate::registry::Run;

/// Runs the job, from where the last page ended.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: PlanCampaign) -> Result<Outcome> {
    patiently(work(&run, &job).await)
}

async fn work(run: &Run, job: &PlanCampaign) -> Result<Outcome> {
    let Some(id) = run_of(run).await? else { return Ok(Outcome::Cancel) };
    match Box::pin(begin(&run.ctx, job.campaign, id.0)).await? {
        Begun::Yes => {}
        Begun::Later => return Ok(Outcome::Snooze { after: LATER }),
        Begun::No(why) => return Ok(Outcome::Done(json!({ "skipped": why }))),
    }
    if let Some(later) = pages(run, id).await? {
        return Ok(later);
    }
    Ok(Outcome::Done(json!({ "run_id": id })))
}
