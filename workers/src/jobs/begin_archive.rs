//! Begins the archiving of all tenants' logs, once a month.

use domain::{
    Result,
    archive::{ask, work::BeginArchive},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A run that still goes on is left alone.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: BeginArchive) -> Result<Outcome> {
    Ok(Outcome::Done(json!({ "run_id": ask::begin(&run.ctx).await? })))
}
