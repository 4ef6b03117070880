//! Has the messages tried that waited for an account which goes on, a page a transaction.

use domain::{
    Result,
    messages::accounts::pause::{self, WakeMessages},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job, from where the request ended each time: what is due already is left alone.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: WakeMessages) -> Result<Outcome> {
    let (mut after, mut pages) = (job.after, 0_u64);
    while let Some(last) = pause::wake_page(&run.ctx, job.provider, after).await? {
        (after, pages) = (last, pages + 1);
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "pages": pages })))
}
