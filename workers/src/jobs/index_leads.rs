//! Brings what leads are found by up to date, a page a transaction.

use domain::{
    Result,
    leads::{
        selection,
        terms::{self, IndexLeads},
    },
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job, from the first lead on each time: what is so already is left alone.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: IndexLeads) -> Result<Outcome> {
    let total = selection::size(&run.ctx, None).await?;
    let (mut after, mut seen) = (None, 0);
    while let Some((last, looked_at)) = terms::page(&run.ctx, after).await? {
        (after, seen) = (Some(last), seen + looked_at);
        if !progress(&run, seen, total, "leads gone through").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "of": seen })))
}
