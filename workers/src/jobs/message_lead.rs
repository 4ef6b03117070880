//! Writes to one lead, as a step of a workflow: the step goes on until the message's own job has ended.

use domain::{
    Result,
    messages::to_lead::{self, MessageLead},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job: the message, the job that sends it and the end of this one are one transaction.
///
/// # Errors
/// If lead, provider or template are not there any more, or the lead has no address.
pub async fn run(run: Run, job: MessageLead) -> Result<Outcome> {
    let variables = to_lead::variables(&run.ctx, job.lead).await?;
    let mut tx = run.ctx.begin().await?;
    let (message, sending) = to_lead::write(&run.ctx, &mut tx, &job, variables).await?;
    if !tx.spread(&run.claim, vec![sending], None, Some("written")).await? {
        // The run is stopping, or another node runs the job by now.
        return Ok(Outcome::Cancel);
    }
    run.end(tx, json!({ "message_id": message })).await
}
