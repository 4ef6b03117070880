//! Adds up what has become of messages.

use domain::{Result, messages::stats, upkeep::CountMessages};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: CountMessages) -> Result<Outcome> {
    let mut changes = 0;
    loop {
        let taken = stats::add_up(&run.ctx.platform).await?;
        changes += taken;
        if taken == 0 {
            return Ok(Outcome::Done(json!({ "changes": changes })));
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
