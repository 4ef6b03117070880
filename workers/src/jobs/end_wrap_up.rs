//! Ends a wrap-up when its time is over.

use domain::{
    Error, Result,
    agents::status::{self, EndWrapUp},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. An agent who does something else by now is left to it.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: EndWrapUp) -> Result<Outcome> {
    let mut tx = run.ctx.by_itself().begin().await?;
    let ended = match status::end_wrap_up(&mut tx, &job).await {
        Err(Error::Conflict { kind: code @ "agent-moved", detail }) => {
            return Ok(Outcome::Retry { after: None, code, why: detail.into_owned() });
        }
        ended => ended?,
    };
    run.end(tx, json!({ "ended": ended })).await
}
