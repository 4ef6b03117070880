//! Writes the files of what is past its keeping.

use domain::{
    Result,
    archive::{
        plan,
        work::{self, WriteArchives},
        write,
    },
};
use engine::Outcome;

use super::archived::ended;
use crate::registry::Run;

/// Runs the job, from where it was cut off.
///
/// # Errors
/// If the database or storage refuses.
pub async fn run(run: Run, _: WriteArchives) -> Result<Outcome> {
    let only = work::about(run.ctx.tenant);
    plan::plan(&run.ctx.platform, only).await?;
    let turn = write::write(&run.ctx.platform, only, &|| run.is_to_stop()).await?;
    Ok(ended(turn))
}
