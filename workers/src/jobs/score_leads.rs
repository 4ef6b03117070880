//! Scores many leads, a page a transaction.

use chrono::{DateTime, Utc};
use domain::{
    Result,
    leads::scoring::{self, ScoreLeads},
};
use engine::Outcome;
use serde_json::json;
use uuid::Uuid;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Leads that it scored before it was cut off are passed over.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ScoreLeads) -> Result<Outcome> {
    let total = scoring::size(&run.ctx, job.import).await?;
    let asked_at = job.asked_at.unwrap_or_else(|| made_at(run.claim.job));
    let (mut after, mut scored) = (None, 0);
    while let Some((last, count)) = scoring::page(&run.ctx, job.import, asked_at, after).await? {
        (after, scored) = (Some(last), scored + count);
        if !progress(&run, scored, total, "leads scored").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "scored": scored, "of": total })))
}

/// When a job was made, as its id says (RFC 9562, version 7).
fn made_at(job: Uuid) -> DateTime<Utc> {
    let (seconds, nanos) = job.get_timestamp().map_or((0, 0), |stamp| stamp.to_unix());
    DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(0), nanos).unwrap_or(DateTime::UNIX_EPOCH)
}
