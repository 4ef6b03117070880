//! Writes rows or a report into a file that somebody asked for.

use std::time::Duration;

use domain::{
    Result,
    analytics::export::{
        WriteFile,
        write::{self, Attempt, Watch},
    },
};
use engine::Outcome;
use serde_json::json;
use tokio::time::Instant;

use super::PAUSE;
use crate::registry::Run;

/// How often it is told how far a file is.
const TELLS: Duration = Duration::from_secs(1);

/// Runs the job. It begins anew wherever another attempt broke off: a file is there as a whole or not at all.
///
/// # Errors
/// If the database or storage does not answer.
pub async fn run(run: Run, job: WriteFile) -> Result<Outcome> {
    write_file(&run, &job).await
}

/// The same for a step that writes a file.
pub(super) async fn write_file(run: &Run, job: &WriteFile) -> Result<Outcome> {
    let mut told = Told { run, at: Instant::now() };
    match Box::pin(write::write(&run.ctx, job, &mut told)).await? {
        Attempt::Ready { tx, output } => run.end(*tx, output).await,
        Attempt::Unwanted => Ok(Outcome::Done(json!({ "skipped": "not_wanted" }))),
        Attempt::Stopped | Attempt::Spoiled => Ok(Outcome::Snooze { after: PAUSE }),
    }
}

/// Tells how far a file is, once a second.
struct Told<'r> {
    run: &'r Run,
    at: Instant,
}

impl Watch for Told<'_> {
    async fn on(&mut self, rows: u64, share: f32) -> Result<bool> {
        if self.run.is_to_stop() {
            return Ok(false);
        }
        if self.at.elapsed() < TELLS {
            return Ok(true);
        }
        self.at = Instant::now();
        let mut tx = self.run.ctx.begin().await?;
        let note = format!("{rows} rows read");
        let held = engine::jobs::report_progress(tx.conn(), &self.run.claim, share, &note).await?;
        tx.commit().await?;
        Ok(held)
    }
}
