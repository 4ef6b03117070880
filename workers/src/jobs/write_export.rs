//! Writes all that is held of somebody into a file, table after table.

use domain::{
    Result,
    privacy::export::{WriteExport, Writer},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. It begins anew wherever another attempt broke off: a file is there as a whole or not at all.
///
/// # Errors
/// If the database or storage does not answer.
pub async fn run(run: Run, job: WriteExport) -> Result<Outcome> {
    let Some(mut writer) = Writer::begin(&run.ctx, &job).await? else {
        return Ok(Outcome::Done(json!({ "skipped": "not_wanted" })));
    };
    let total = i64::try_from(writer.tables()).unwrap_or(i64::MAX);
    loop {
        let written = match writer.table().await {
            Ok(written) => written,
            Err(error) => {
                Box::pin(writer.abandon()).await;
                return Err(error);
            }
        };
        let Some(written) = written else { break };
        if run.is_to_stop() || !progress(&run, written, total, "kinds of records written").await? {
            Box::pin(writer.abandon()).await;
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Box::pin(writer.finish()).await?;
    Ok(Outcome::Done(json!({ "export_id": job.export })))
}
