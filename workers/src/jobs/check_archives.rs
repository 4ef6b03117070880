//! Reads back what was written to the archive.

use domain::{
    Result,
    archive::{
        check,
        work::{self, CheckArchives},
    },
};
use engine::Outcome;

use super::archived::ended;
use crate::registry::Run;

/// Runs the job, from where it was cut off.
///
/// # Errors
/// If the database or storage refuses.
pub async fn run(run: Run, _: CheckArchives) -> Result<Outcome> {
    let only = work::about(run.ctx.tenant);
    let turn = check::check(&run.ctx.platform, only, &|| run.is_to_stop()).await?;
    Ok(ended(turn))
}
