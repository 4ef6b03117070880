//! Drops what is past its keeping.

use domain::{
    Result,
    upkeep::{self, KeepHistory},
};
use engine::Outcome;

use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses, or the process's user does not own the tables.
pub async fn run(run: Run, job: KeepHistory) -> Result<Outcome> {
    upkeep::months_ahead(&run.ctx.platform).await?;
    run.ctx.platform.engine.keep_history(job.retention).await?;
    Ok(Outcome::Done(serde_json::Value::Null))
}
