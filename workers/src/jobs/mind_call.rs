//! Does what is due of a call that rings or waits.

use domain::{
    Result,
    calls::minding::{self, MindCall},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. Where nothing is due any more it comes again when something is.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: MindCall) -> Result<Outcome> {
    let mut tx = run.ctx.by_itself().begin().await?;
    let done = minding::look(&mut tx, &job).await?;
    run.end(tx, json!({ "done": done })).await
}
