//! Brings the rows of an archive back, so that they are found beside the live ones.

use domain::{
    Result,
    archive::{
        restore::{self, Restored},
        work::RestoreArchive,
    },
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job, from its beginning if it was cut off.
///
/// # Errors
/// If the database or storage refuses.
pub async fn run(run: Run, job: RestoreArchive) -> Result<Outcome> {
    Ok(match restore::restore(&run.ctx, job.archive, &|| run.is_to_stop()).await? {
        Restored::All(rows) => Outcome::Done(json!({ "rows": rows })),
        Restored::Nothing => Outcome::Done(json!({ "skipped": "not_archived" })),
        Restored::Stopped | Restored::Busy => Outcome::Snooze { after: PAUSE },
        Restored::Damaged(why) => Outcome::Discard { code: "archive-damaged", why: why.into() },
    })
}
