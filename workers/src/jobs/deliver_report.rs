//! The steps that send a saved report: its file is written, and each recipient is written to.

use domain::{
    Result,
    analytics::saved::{
        deliver::{self, Begun, Mailed},
        work::{RenderReport, SendReport},
    },
};
use engine::Outcome;
use serde_json::json;

use super::write_file::write_file;
use crate::registry::Run;

/// The first: the file.
///
/// # Errors
/// If the report cannot be made, or the database or storage does not answer.
pub async fn render(run: Run, job: RenderReport) -> Result<Outcome> {
    match deliver::begin(&run.ctx, &run.claim, &job).await? {
        Begun::Write(file) => write_file(&run, &file).await,
        Begun::Gone => Ok(Outcome::Done(json!({ "skipped": "report_gone" }))),
        Begun::Lost => Ok(Outcome::Cancel),
    }
}

/// The second: the mails, the jobs that send them and the end of this one are one transaction.
///
/// # Errors
/// If no account carries e-mail any more, the template is gone, or the database refuses.
pub async fn send(run: Run, job: SendReport) -> Result<Outcome> {
    let mut tx = run.ctx.begin().await?;
    let Some(of) = tx.step_of(&run.claim).await? else {
        // Another node runs the job by now.
        return Ok(Outcome::Cancel);
    };
    let mails = match deliver::mail(&run.ctx, &mut tx, of.run, &job).await? {
        Mailed::Mails(mails) => mails,
        Mailed::Nothing(why) => return run.skip(tx, why).await,
    };
    let many = mails.len();
    if !tx.spread(&run.claim, mails, None, Some("written")).await? {
        // The run is stopping, or another node runs the job by now.
        return Ok(Outcome::Cancel);
    }
    run.end(tx, json!({ "messages": many })).await
}
