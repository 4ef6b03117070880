//! Scores many leads, two pages at a time, each in a transaction of its own.

use chrono::{DateTime, Utc};
use domain::{
    Result,
    leads::selection,
    scoring::apply::{self, ScoreLeads},
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
    let ctx = &run.ctx;
    let total = selection::size(ctx, job.import).await?;
    let asked_at = job.asked_at.unwrap_or_else(|| made_at(run.claim.job));
    let (mut after, mut scored) = (None, 0);
    while let Some(first) = apply::reach(ctx, job.import, after).await? {
        let page = apply::page(ctx, &job, asked_at, first);
        if let Some(second) = apply::reach(ctx, job.import, Some(first.last)).await? {
            let (one, other) = tokio::try_join!(page, apply::page(ctx, &job, asked_at, second))?;
            (after, scored) = (Some(second.last), scored + one + other);
        } else {
            (after, scored) = (Some(first.last), scored + page.await?);
        }
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
