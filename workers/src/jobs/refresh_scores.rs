//! Takes the scores of open leads again that have faded, a page a transaction.

use domain::{
    Result,
    scoring::refresh::{self, RefreshScores},
};
use engine::Outcome;
use serde_json::json;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Scores that it refreshed before it was cut off are young by now, and passed over.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: RefreshScores) -> Result<Outcome> {
    let total = refresh::size(&run.ctx).await?;
    let stale_before = refresh::stale_before(run.ctx.now());
    let (mut after, mut seen, mut refreshed) = (None, 0, 0);
    while let Some((last, open, fresh)) = refresh::page(&run.ctx, stale_before, after).await? {
        (after, seen, refreshed) = (Some(last), seen + open, refreshed + fresh);
        if !progress(&run, seen, total, "open leads looked at").await? || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "refreshed": refreshed, "of": seen })))
}
