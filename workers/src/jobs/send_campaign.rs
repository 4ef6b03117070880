//! The second step of a campaign's run: makes messages of recipients whose time has come, until none waits any more.

use domain::{Result, campaigns::work::SendCampaign};
use engine::Outcome;
use serde_json::json;

use super::campaigns::{Went, patiently, run_of, turns};
use crate::registry::Run;

/// Runs the job. What is left when it ends is messages under way, and what becomes of them.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: SendCampaign) -> Result<Outcome> {
    patiently(work(&run).await)
}

async fn work(run: &Run) -> Result<Outcome> {
    let Some(id) = run_of(run).await? else { return Ok(Outcome::Cancel) };
    Ok(match turns(run, &run.ctx, id).await? {
        Went::Later(outcome) => outcome,
        Went::Settling | Went::Over => Outcome::Done(json!({ "run_id": id })),
    })
}
