//! Scores one lead, as a step of a workflow or after a call.

use domain::{
    Error, Result,
    leads::merged,
    scoring::apply::{self, ScoreLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A lead that was merged is scored as what it is by now.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ScoreLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let mut lead = job.lead;
    let score = loop {
        match apply::within(&mut tx, lead, run.ctx.now(), job.why).await {
            Err(Error::NotFound(_)) => {}
            Err(Error::Conflict { kind: "lead-restricted", .. }) => return run.skip(tx, "restricted").await,
            scored => break scored?,
        }
        let Some(winner) = merged::merged_into(&mut tx, lead).await? else {
            return run.skip(tx, "lead_gone").await;
        };
        lead = winner;
    };
    run.end(tx, json!({ "lead_id": lead, "score": score.total })).await
}
