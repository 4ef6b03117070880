//! Goes on with a run of a campaign whose workflow has ended before it: plans what is left, sends it, ends the run and keeps
//! what it came to.

use std::time::Duration;

use domain::{
    Result,
    campaigns::{
        mind,
        plan::{self, Paged},
        work::MindCampaign,
    },
};
use engine::Outcome;
use serde_json::json;
use tokio::time::Instant;

use super::{
    PAUSE,
    campaigns::{AT_ONCE, SLICE, Went, patiently, turns},
    settle_campaign::LOOK,
};
use crate::registry::Run;

/// How long it waits while the campaign is paused.
const LATER: Duration = Duration::from_secs(5);

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: MindCampaign) -> Result<Outcome> {
    patiently(work(&run, &job).await)
}

async fn work(run: &Run, job: &MindCampaign) -> Result<Outcome> {
    let until = Instant::now() + SLICE;
    loop {
        match Box::pin(plan::page(&run.ctx, job.run)).await? {
            Paged::Went => {}
            Paged::Held => return Ok(Outcome::Snooze { after: LATER }),
            Paged::Over => break,
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
        if Instant::now() >= until {
            return Ok(Outcome::Snooze { after: AT_ONCE });
        }
    }
    match turns(run, &run.ctx, job.run).await? {
        Went::Later(outcome) => Ok(outcome),
        Went::Settling => Ok(Outcome::Snooze { after: LOOK }),
        Went::Over => {
            let status = mind::report(&run.ctx, job.run).await?;
            Ok(Outcome::Done(json!({ "run_id": job.run, "status": status })))
        }
    }
}
