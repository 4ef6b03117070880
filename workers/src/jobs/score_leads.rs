//! Scores many leads, a few pages at a time, each in a transaction of its own.

use chrono::{DateTime, Utc};
use domain::{
    Result,
    leads::selection,
    scoring::apply::{self, ScoreLeads},
};
use engine::Outcome;
use futures::{TryStreamExt, stream::FuturesUnordered};
use serde_json::json;
use uuid::Uuid;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Pages under way: while some wait for the database, others are read and graded.
const AT_A_TIME: usize = 3;

/// Runs the job. Leads that it scored before it was cut off are passed over.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ScoreLeads) -> Result<Outcome> {
    let ctx = &run.ctx;
    let total = selection::size(ctx, job.import).await?;
    let asked_at = job.asked_at.unwrap_or_else(|| made_at(run.claim.job));
    let (mut next, mut scored) = (apply::reach(ctx, job.import, None).await?, 0);
    let mut under_way = FuturesUnordered::new();
    loop {
        while let Some(span) = next.take_if(|_| under_way.len() < AT_A_TIME) {
            under_way.push(apply::page(ctx, &job, asked_at, span));
            next = apply::reach(ctx, job.import, Some(span.last)).await?;
        }
        let Some(page) = under_way.try_next().await? else { break };
        scored += page;
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
