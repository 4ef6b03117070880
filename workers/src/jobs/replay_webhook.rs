//! Sends a part of the log to an endpoint again, a page a transaction.

use std::time::Duration;

use domain::{
    Result, jobs,
    webhooks::replay::{self, Page, Reached, ReplayWebhook},
};
use engine::Outcome;

use super::PAUSE;
use crate::registry::Run;

/// How long it rests while so much waits for the endpoint that nothing may be added.
const FULL: Duration = Duration::from_secs(30);

/// Runs the job, from where it was cut off: the note that commits with each page says where that was.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ReplayWebhook) -> Result<Outcome> {
    let note = jobs::get(&run.ctx, run.claim.job, "job").await?.note;
    let mut reached = Reached::resumed(note.as_deref(), &job);
    loop {
        match replay::page(&run.ctx, &run.claim, &job, reached).await? {
            Page::Done(next) => reached = next,
            Page::Over => return Ok(Outcome::Done(reached.output())),
            Page::Full => return Ok(Outcome::Snooze { after: FULL }),
            Page::Lost => return Ok(Outcome::Snooze { after: PAUSE }),
            Page::Gone => {
                let why = "the webhook was disabled or deleted".to_owned();
                return Ok(Outcome::Discard { code: "webhook_disabled", why });
            }
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
