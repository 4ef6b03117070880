//! Scores one lead, as a step of a workflow or after a call.

use domain::{
    Result,
    scoring::apply::{self, ScoreLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If there is no such lead any more.
pub async fn run(run: Run, job: ScoreLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let score = apply::within(&mut tx, job.lead, run.ctx.now(), job.why).await?;
    run.end(tx, json!({ "score": score.total })).await
}
