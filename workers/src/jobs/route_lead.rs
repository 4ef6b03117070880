//! Routes one lead, as a step of a workflow.

use domain::{
    Error, Result,
    routing::route::{self, RouteLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A lead that has an owner keeps it.
///
/// # Errors
/// If lead, team or agent are not there any more.
pub async fn run(run: Run, job: RouteLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let routed = match route::within(&mut tx, job.lead, job.target, false).await {
        // Hands may become free, and people come back.
        Err(Error::Conflict { kind: code @ ("agent-not-free" | "teams-changed"), detail }) => {
            return Ok(Outcome::Retry { after: None, code, why: detail.into_owned() });
        }
        routed => routed?,
    };
    if routed.outcome == route::Outcome::NoRule {
        let why = "no routing rule is about the lead, and it is in no team; add a rule without conditions";
        return Ok(Outcome::Retry { after: None, code: "no-rule", why: why.into() });
    }
    run.end(tx, json!({ "outcome": routed.outcome, "owner_id": routed.owner_id })).await
}
