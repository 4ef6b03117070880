//! Drops what is past its keeping.

use domain::{
    Result, analytics,
    privacy::export,
    upkeep::{self, KeepHistory},
};
use engine::Outcome;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses, or the process's user does not own the tables.
pub async fn run(run: Run, job: KeepHistory) -> Result<Outcome> {
    upkeep::months_ahead(&run.ctx.platform).await?;
    run.ctx.platform.engine.keep_history(job.retention).await?;
    while upkeep::forget_some(&run.ctx.platform).await? > 0 {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    while export::forget_files(&run.ctx.platform).await? > 0 {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    while analytics::export::over::forget_files(&run.ctx.platform).await? > 0 {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    while upkeep::forget_reads(&run.ctx.platform).await? > 0 {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(serde_json::Value::Null))
}
