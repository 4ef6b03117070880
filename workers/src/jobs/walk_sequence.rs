//! Takes the steps of a sequence that are due, a page of leads a transaction.

use domain::{
    Result,
    sequences::{
        publish,
        walk::{self, WalkSequence, Walked},
    },
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job, until nothing is due. What others work on is left to them: should they be cut off, the next minute finds it.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: WalkSequence) -> Result<Outcome> {
    let ctx = run.ctx.by_itself();
    let mut moved = 0;
    loop {
        match walk::page(&ctx, job.sequence).await? {
            Walked::Page(count) => moved += count,
            Walked::Over | Walked::Held => return Ok(Outcome::Done(json!({ "moved": moved }))),
            Walked::Stuck(code) => {
                publish::stop(&ctx, job.sequence, code).await?;
                return Ok(Outcome::Done(json!({ "moved": moved, "paused": code })));
            }
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
