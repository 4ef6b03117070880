//! Routes many leads, a page a transaction.

use domain::{
    Error, Result,
    leads::selection,
    routing::route::{self, RouteLeads, Tally},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Leads that have an owner by now are passed over.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: RouteLeads) -> Result<Outcome> {
    let total = selection::size(&run.ctx, job.import).await?;
    let (mut after, mut sum) = (None, Tally::default());
    loop {
        let page = match route::page(&run.ctx, &job, after).await {
            Err(Error::Conflict { kind: code @ "teams-changed", detail }) => {
                return Ok(Outcome::Retry { after: None, code, why: detail.into_owned() });
            }
            // It does not come back.
            Err(Error::Invalid(wrong)) => {
                let why: Vec<String> = wrong.into_iter().map(|field| field.detail).collect();
                return Ok(Outcome::Discard { code: "target-gone", why: why.join("; ") });
            }
            page => page?,
        };
        let Some((last, tally)) = page else { break };
        after = Some(last);
        sum.assigned += tally.assigned;
        sum.queued += tally.queued;
        sum.left += tally.left;
        let done = sum.assigned + sum.queued + sum.left;
        if !progress(&run, done, total, "leads routed").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "assigned": sum.assigned, "queued": sum.queued, "left": sum.left })))
}
