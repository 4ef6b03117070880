//! Cancels, retries or discards all jobs that a filter names, a page a transaction.

use domain::{
    Result,
    jobs::bulk::{self, SteerJobs},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job: over everything that is older than itself, the newest first.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SteerJobs) -> Result<Outcome> {
    let (mut before, mut seen, mut changed) = (run.claim.job, 0, 0);
    while let Some((last, looked_at, done)) = bulk::page(&run.ctx, &job, before).await? {
        (before, seen, changed) = (last, seen + looked_at, changed + done);
        let mut tx = run.ctx.begin().await?;
        let note = format!("{changed} of {seen} jobs changed");
        // How many are still to come is not known, and not worth counting.
        let held = engine::jobs::report_progress(tx.conn(), &run.claim, 0.0, &note).await?;
        tx.commit().await?;
        if !held || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "changed": changed, "of": seen })))
}
