//! Has the messages of a run tried that waited because it was paused, a page a transaction.

use domain::{
    Result,
    campaigns::{mind, work::WakeCampaign},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job: what is due already is left alone.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: WakeCampaign) -> Result<Outcome> {
    let (mut after, mut pages) = (job.after, 0_u64);
    while let Some(last) = mind::wake(&run.ctx, job.run, after).await? {
        (after, pages) = (Some(last), pages + 1);
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "pages": pages })))
}
