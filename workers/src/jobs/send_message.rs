//! Sends one message: claim the attempt, call the provider with no transaction open, settle.

use std::time::Duration;

use domain::{
    Result,
    ctx::Platform,
    messages::{
        attempt::{Finished, Start},
        rules::{self, Settlement},
        send::SendMessage,
    },
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job. A message that is not queued any more was sent, or is being sent, by an earlier run
/// of this job; then there is nothing to do.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SendMessage) -> Result<Outcome> {
    let attempt = match run.shared.beginning.submit(&run.ctx, job.message).await? {
        Start::Go(attempt) => attempt,
        Start::Over => return Ok(Outcome::Done(json!({ "attempted": false }))),
    };
    let answer = attempt.call(&run.ctx).await;
    let last = run.claim.attempt >= run.claim.max_attempts;
    let settlement = rules::settle(answer, attempt.on_unknown, last);
    let ending = run.claim.ending(outcome(&settlement), || roll(&run.ctx.platform));
    let finished = Finished { message: job.message, fence: attempt.fence, settlement, ending };
    run.shared.settling.submit(&run.ctx, finished).await?;
    Ok(Outcome::Settled)
}

fn outcome(settlement: &Settlement) -> Outcome {
    match settlement.again {
        Some(after) => {
            let code = settlement.code.as_deref().unwrap_or_default();
            let why = format!("{code} {}", settlement.text.as_deref().unwrap_or_default());
            Outcome::Retry {
                after: after.map(|wait| wait.max(Duration::from_millis(1))),
                code: "provider",
                why,
            }
        }
        None => Outcome::Done(json!({ "attempted": true, "status": settlement.status })),
    }
}

fn roll(platform: &Platform) -> f64 {
    f64::from(u32::from_be_bytes(platform.random())) / f64::from(u32::MAX)
}
