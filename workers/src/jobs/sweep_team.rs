//! Gives out what waits in a team's queue, a page a transaction.

use domain::{
    Result,
    routing::sweep::{self, SweepTeam, Swept},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job. It ends in the transaction that found nothing to give out.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SweepTeam) -> Result<Outcome> {
    let mut assigned = 0;
    loop {
        match sweep::page(&run.ctx, job.team).await? {
            Swept::Given(count) => assigned += count,
            Swept::Held => return Ok(Outcome::Snooze { after: PAUSE }),
            Swept::Over(tx) => return run.end(*tx, json!({ "assigned": assigned })).await,
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
