//! Lets what was read back leave the database.

use domain::{
    Result,
    archive::{
        leave,
        work::{self, DropArchived},
    },
};
use engine::Outcome;

use super::archived::ended;
use crate::registry::Run;

/// Runs the job, from where it was cut off.
///
/// # Errors
/// If the database or storage refuses.
pub async fn run(run: Run, _: DropArchived) -> Result<Outcome> {
    let only = work::about(run.ctx.tenant);
    let turn = leave::leave(&run.ctx.platform, only, &|| run.is_to_stop()).await?;
    Ok(ended(turn))
}
