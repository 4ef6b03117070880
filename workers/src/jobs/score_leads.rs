//! Scores many leads, a few pages at a time, each in a transaction of its own.

use domain::{
    Result,
    leads::selection,
    scoring::apply::{self, ScoreLeads},
};
use engine::{Outcome, ids};
use futures::{TryStreamExt, stream::FuturesUnordered};
use serde_json::json;

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
    let asked_at = job.asked_at.unwrap_or_else(|| ids::made_at(run.claim.job).unwrap_or_default());
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
