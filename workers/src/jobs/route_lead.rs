//! Routes one lead, as a step of a workflow.

use domain::{
    Error, Result,
    leads::merged,
    routing::route::{self, RouteLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A lead that has an owner keeps it, and one that was merged is routed as what it is by now.
///
/// # Errors
/// If team or agent are not there any more.
pub async fn run(run: Run, job: RouteLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let mut lead = job.lead;
    let routed = loop {
        match route::within(&mut tx, lead, job.target, false).await {
            Err(Error::NotFound(_)) => {}
            Err(Error::Conflict { kind: "lead-restricted", .. }) => return run.skip(tx, "restricted").await,
            // Hands may become free, and people come back.
            Err(Error::Conflict { kind: code @ ("agent-not-free" | "teams-changed"), detail }) => {
                return Ok(Outcome::Retry { after: None, code, why: detail.into_owned() });
            }
            routed => break routed?,
        }
        let Some(winner) = merged::merged_into(&mut tx, lead).await? else {
            return run.skip(tx, "lead_gone").await;
        };
        lead = winner;
    };
    if routed.outcome == route::Outcome::NoRule {
        let why = "no routing rule is about the lead, and it is in no team; add a rule without conditions";
        return Ok(Outcome::Retry { after: None, code: "no-rule", why: why.into() });
    }
    run.end(tx, json!({ "lead_id": lead, "outcome": routed.outcome, "owner_id": routed.owner_id })).await
}
