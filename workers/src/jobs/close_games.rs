//! Closes a round of a challenge, or a competition, when its time has come, and gives out what it brings.

use domain::{
    Result,
    gamification::close::{self, CloseGames, Closed},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job. What was given is not given again, so it goes on where it was cut off.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: CloseGames) -> Result<Outcome> {
    close::count_first(&run.ctx).await?;
    loop {
        let mut tx = run.ctx.by_itself().begin().await?;
        match close::close(&mut tx, &job).await? {
            Closed::More => tx.commit().await?,
            Closed::Early => return run.skip(tx, "early").await,
            Closed::Done => return run.end(tx, json!({ "closed": true })).await,
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
