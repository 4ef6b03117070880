//! Scores one lead, as a step of a workflow.

use domain::{
    Result,
    scoring::apply::{self, ScoreLead, Why},
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
    let score = apply::within(&mut tx, job.lead, run.ctx.now(), Why::Workflow).await?;
    run.end(tx, json!({ "score": score.total })).await
}
