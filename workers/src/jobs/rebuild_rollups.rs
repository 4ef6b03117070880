//! Counts a tenant's figures anew, a part a transaction.

use domain::{
    Result,
    analytics::rebuild::{self, RebuildRollups},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job; it goes on where it was cut off.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: RebuildRollups) -> Result<Outcome> {
    let total = rebuild::size(&run.ctx).await?;
    loop {
        let stands = rebuild::part(&run.ctx).await?;
        if stands.over {
            return Ok(Outcome::Done(json!({ "of": stands.done })));
        }
        let done = usize::try_from(stands.done).unwrap_or(0);
        let held = progress(&run, done, total.max(stands.done), "calls and leads gone through").await?;
        if !held || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
