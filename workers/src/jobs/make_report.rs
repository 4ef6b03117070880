//! Makes a report and keeps it for whoever asked.

use domain::{
    Result,
    analytics::make::{self, MakeReport},
};
use engine::Outcome;

use crate::registry::Run;

/// Runs the job; what it made and its end commit together.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, asked: MakeReport) -> Result<Outcome> {
    let id = run.claim.job;
    let report = make::report(&run.ctx, id, &asked).await?;
    let mut tx = run.ctx.begin().await?;
    let output = make::keep(&mut tx, &report).await?;
    run.end(tx, output).await
}
