//! Goes on with a run of a campaign whose workflow has ended before it: plans what is left, sends it, ends the run and keeps
//! what it came to.

use domain::{
    Result,
    campaigns::{mind, work::MindCampaign},
};
use engine::Outcome;
use serde_json::json;

use super::{
    campaigns::{Went, pages, patiently, turns},
    settle_campaign::LOOK,
};
use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: MindCampaign) -> Result<Outcome> {
    patiently(work(&run, &job).await)
}

async fn work(run: &Run, job: &MindCampaign) -> Result<Outcome> {
    if let Some(later) = pages(run, job.run).await? {
        return Ok(later);
    }
    match turns(run, &run.ctx, job.run).await? {
        Went::Later(outcome) => Ok(outcome),
        Went::Settling => Ok(Outcome::Snooze { after: LOOK }),
        Went::Over => {
            let status = mind::report(&run.ctx, job.run).await?;
            Ok(Outcome::Done(json!({ "run_id": job.run, "status": status })))
        }
    }
}
