//! Has all leads leave a sequence, a page a transaction.

use domain::{
    Result,
    sequences::leave::{self, EmptySequence},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Whoever has left is not found again, so it goes on where it was cut off.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: EmptySequence) -> Result<Outcome> {
    let total = leave::size(&run.ctx, &job).await?;
    let mut left = 0;
    loop {
        let (count, more) = leave::page(&run.ctx, &run.claim, &job).await?;
        left += count;
        if !more {
            return Ok(Outcome::Done(json!({ "left": left })));
        }
        if count == 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if !progress(&run, left, total, "leads left").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
