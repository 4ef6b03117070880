//! Writes to one lead, as a step of a workflow: the step goes on until the message's own job has ended.

use domain::{
    Result,
    messages::to_lead::{self, MessageLead, Written},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job: the message, the job that sends it and the end of this one are one transaction.
///
/// # Errors
/// If provider or template are not there any more.
pub async fn run(run: Run, job: MessageLead) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let Some(of) = tx.step_of(&run.claim).await? else {
        // Another node runs the job by now.
        return Ok(Outcome::Cancel);
    };
    let (message, lead, sending) = match to_lead::write(&run.ctx, &mut tx, of.run, &job).await? {
        Written::Message { id, lead, sending } => (id, lead, *sending),
        Written::Nothing(why) => return run.skip(tx, why).await,
    };
    if !tx.spread(&run.claim, vec![sending], None, Some("written")).await? {
        // The run is stopping, or another node runs the job by now.
        return Ok(Outcome::Cancel);
    }
    run.end(tx, json!({ "lead_id": lead, "message_id": message })).await
}
