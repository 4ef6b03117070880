//! Does one action to all leads that a filter names, a page a transaction.

use domain::{
    Error, Result, jobs,
    leads::bulk::{self, Page, Reached, UpdateLeads},
};
use engine::Outcome;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job, from where it was cut off: the note that commits with each page says where that was.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: UpdateLeads) -> Result<Outcome> {
    let note = jobs::get(&run.ctx, run.claim.job, "job").await?.note;
    let mut reached = Reached::resumed(note.as_deref(), run.claim.job);
    let total = bulk::size(&run.ctx, &job, &reached).await?;
    loop {
        match bulk::page(&run.ctx, &run.claim, &job, &reached, total).await {
            // It does not come back.
            Err(Error::Invalid(wrong)) => {
                let why: Vec<String> = wrong.into_iter().map(|field| field.detail).collect();
                return Ok(Outcome::Discard { code: "target-gone", why: why.join("; ") });
            }
            page => match page? {
                Page::Done(next) => reached = next,
                Page::Over => return Ok(Outcome::Done(reached.output())),
                Page::Lost => return Ok(Outcome::Snooze { after: PAUSE }),
            },
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
