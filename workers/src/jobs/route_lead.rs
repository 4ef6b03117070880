//! Routes one lead, as a step of a workflow.

use domain::{
    Result,
    routing::route::{self, RouteLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A lead that has an owner keeps it.
///
/// # Errors
/// If lead, team or agent are not there any more, or the named agent cannot take it.
pub async fn run(run: Run, job: RouteLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let routed = route::within(&mut tx, job.lead, job.target, false).await?;
    run.end(tx, json!({ "outcome": routed.outcome, "owner_id": routed.owner_id })).await
}
