//! Learns a scoring model from the tenant's closed leads, and leaves it as a draft.

use domain::{
    Error, Result,
    scoring::fit::run::{self as learning, FitScoringModel, Gathered},
};
use engine::Outcome;

use super::{PAUSE, progress};
use crate::registry::Run;

/// Runs the job. Nothing is kept of it before its end, so if it is cut off it begins anew.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: FitScoringModel) -> Result<Outcome> {
    let mut gathered = Gathered::default();
    while learning::page(&run.ctx, &mut gathered).await? {
        let held = progress(&run, gathered.leads(), learning::most(), "leads read").await?;
        if !held || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    let lesson = match learning::lesson(gathered, job.settings).await? {
        Ok(lesson) => lesson,
        Err(why) => return Ok(Outcome::Discard { code: "too_few_outcomes", why }),
    };
    let mut tx = run.ctx.begin().await?;
    let saved = learning::save(&run.ctx, &mut tx, lesson).await;
    match saved {
        Ok(output) => run.end(tx, output).await,
        // It would not be taken the next time either.
        Err(Error::Conflict { kind, detail }) => {
            Ok(Outcome::Discard { code: kind, why: detail.into_owned() })
        }
        Err(error) => Err(error),
    }
}
