//! Takes down who fits a campaign at the moment at which it was scheduled, a page a transaction.

use domain::{
    Result,
    campaigns::{plan, work::TakeAudience},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job, from where the last page ended.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: TakeAudience) -> Result<Outcome> {
    while plan::take(&run.ctx, job.campaign).await? {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "campaign_id": job.campaign })))
}
