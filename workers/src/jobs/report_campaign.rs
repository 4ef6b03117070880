//! The last step of a campaign's run: keeps what it came to.

use domain::{
    Result,
    campaigns::{mind, work::ReportCampaign},
};
use engine::Outcome;
use serde_json::json;

use super::campaigns::{patiently, run_of};
use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: ReportCampaign) -> Result<Outcome> {
    patiently(work(&run).await)
}

async fn work(run: &Run) -> Result<Outcome> {
    let Some(id) = run_of(run).await? else { return Ok(Outcome::Cancel) };
    let status = mind::report(&run.ctx, id).await?;
    Ok(Outcome::Done(json!({ "run_id": id, "status": status })))
}
