//! Signs off an agent whose sockets are gone.

use domain::{
    Result,
    agents::presence::{self, LeaveAgent, Look},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. An agent who came back by now is left alone; of one who left again only lately it waits for the rest.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: LeaveAgent) -> Result<Outcome> {
    let mut tx = run.ctx.by_itself().begin().await?;
    match presence::leave(&mut tx, job.user).await? {
        Look::Early(after) => Ok(Outcome::Snooze { after }),
        Look::Done(signed_off) => run.end(tx, json!({ "signed_off": signed_off })).await,
    }
}
