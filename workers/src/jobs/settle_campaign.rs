//! The third step of a campaign's run: waits until no recipient is open, which also sends what another channel is tried for,
//! and ends the run.

use std::time::Duration;

use domain::{Result, campaigns::work::SettleCampaign};
use engine::Outcome;
use serde_json::json;

use super::campaigns::{Went, patiently, run_of, turns};
use crate::registry::Run;

/// How soon it is looked again whether all messages have come to something.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: SettleCampaign) -> Result<Outcome> {
    patiently(work(&run).await)
}

async fn work(run: &Run) -> Result<Outcome> {
    let Some(id) = run_of(run).await? else { return Ok(Outcome::Cancel) };
    Ok(match turns(run, &run.ctx, id).await? {
        Went::Later(outcome) => outcome,
        Went::Settling => Outcome::Snooze { after: LOOK },
        Went::Over => Outcome::Done(json!({ "run_id": id })),
    })
}
