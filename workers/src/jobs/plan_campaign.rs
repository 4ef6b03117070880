//! The first step of a campaign's run: begins it, and writes a recipient down for each lead, a page a transaction.

use std::time::Duration;

use domain::{
    Result,
    campaigns::{
        plan::{self, Paged},
        run::{Begun, begin},
        work::PlanCampaign,
    },
};
use engine::Outcome;
use serde_json::json;
use tokio::time::Instant;

use super::{
    PAUSE,
    campaigns::{AT_ONCE, SLICE, patiently, run_of},
};
use crate::registry::Run;

/// How long it waits for another run of the campaign to be over, and while the campaign is paused.
const LATER: Duration = Duration::from_secs(5);

/// Runs the job, from where the last page ended.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: PlanCampaign) -> Result<Outcome> {
    patiently(work(&run, &job).await)
}

async fn work(run: &Run, job: &PlanCampaign) -> Result<Outcome> {
    let Some(id) = run_of(run).await? else { return Ok(Outcome::Cancel) };
    match Box::pin(begin(&run.ctx, job.campaign, id.0)).await? {
        Begun::Yes => {}
        Begun::Later => return Ok(Outcome::Snooze { after: LATER }),
        Begun::No(why) => return Ok(Outcome::Done(json!({ "skipped": why }))),
    }
    let until = Instant::now() + SLICE;
    loop {
        match Box::pin(plan::page(&run.ctx, id)).await? {
            Paged::Went => {}
            Paged::Held => return Ok(Outcome::Snooze { after: LATER }),
            Paged::Over => return Ok(Outcome::Done(json!({ "run_id": id }))),
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
        if Instant::now() >= until {
            return Ok(Outcome::Snooze { after: AT_ONCE });
        }
    }
}
