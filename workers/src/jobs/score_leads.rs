//! Scores many leads, a page a transaction.

use domain::{
    Result,
    leads::scoring::{self, ScoreLeads},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Leads that it scored before it was cut off are passed over.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ScoreLeads) -> Result<Outcome> {
    let total = scoring::size(&run.ctx, job.import).await?;
    let (mut after, mut scored) = (None, 0);
    while let Some((last, count)) = scoring::page(&run.ctx, &job, after).await? {
        (after, scored) = (Some(last), scored + count);
        if !progress(&run, scored, total, "leads scored").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "scored": scored, "of": total })))
}
