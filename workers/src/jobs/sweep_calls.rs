//! Gives out the calls that wait in a team's queue, a page a transaction.

use domain::{
    Result,
    calls::waiting::{self, SweepCalls},
    routing::sweep::Swept,
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job. It ends in the transaction that found nothing to give out.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SweepCalls) -> Result<Outcome> {
    let mut given = 0;
    loop {
        match waiting::page(&run.ctx, job.team).await? {
            Swept::Given(count) => given += count,
            Swept::Held => return Ok(Outcome::Snooze { after: PAUSE }),
            Swept::Over(tx) => return run.end(*tx, json!({ "given": given })).await,
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
