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
    let (mut moved, mut stuck) = (0, None);
    loop {
        match walk::page(&ctx, job.sequence).await? {
            Walked::Page(count) => moved += count,
            // Who can go on does so first.
            Walked::Stuck(code) => stuck = Some(code),
            Walked::Over | Walked::Held => break,
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    let Some(code) = stuck else { return Ok(Outcome::Done(json!({ "moved": moved }))) };
    publish::stop(&ctx, job.sequence, code).await?;
    Ok(Outcome::Done(json!({ "moved": moved, "paused": code })))
}
