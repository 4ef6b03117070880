//! Sends one message: claim the attempt, call the provider with no transaction open, settle.

use std::time::Duration;

use domain::{
    Result,
    ctx::Platform,
    messages::{
        attempt::{Slot, Start, Turn},
        rules::{self, Next, Settlement, Status},
        send::SendMessage,
    },
};
use engine::{Outcome, job::backoff};
use serde_json::{Value, json};

use crate::registry::Run;

/// How soon a message that an earlier run has out is looked at again.
const STILL_OUT: Duration = Duration::from_secs(5);

/// Runs the job. A message that is not queued any more was sent, or is being sent, by an earlier run
/// of this job; then there is nothing to do.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SendMessage) -> Result<Outcome> {
    let slot = job.by.filter(|_| !job.of_step).map(|by| Slot { job: run.claim.job, by });
    let attempt = match run.shared.beginning.submit(&run.ctx, Turn { message: job.message, slot }).await? {
        Start::Go(attempt) => attempt,
        // An earlier run of this job has it out. Until it is known what comes of that, the message may need this job again.
        Start::Over(Some(Status::Sending)) => return Ok(Outcome::Snooze { after: STILL_OUT }),
        Start::Over(status) => return Ok(over(&job, status, json!({ "attempted": false }))),
        Start::Later(after) => return Ok(Outcome::Snooze { after: at_least(after) }),
        // A job of its own goes on by the other account, and under the limit of that one.
        Start::Elsewhere => return Ok(Outcome::Done(json!({ "attempted": false, "handed_on": true }))),
    };
    let answer = attempt.call(&run.ctx).await;
    let spent = run.claim.attempt >= run.claim.max_attempts;
    let settlement = rules::settle(answer, attempt.situation(spent));
    // Chance comes in here: a message has more attempts behind it than its job, if another job was for another account.
    let pause = backoff(attempt.round().max(run.claim.attempt), roll(&run.ctx.platform));
    let ending = run.claim.ending(outcome(&job, &settlement, pause), || 0.5);
    let finished = attempt.finish(settlement, ending, job.of_step);
    run.shared.settling.submit(&run.ctx, finished).await?;
    Ok(Outcome::Settled)
}

/// A step whose message will not reach anybody has failed; else the job is done when nothing more will happen.
fn over(job: &SendMessage, status: Option<Status>, output: Value) -> Outcome {
    if job.of_step && status.is_none_or(Status::is_lost) {
        let why = format!("the message {} is {}", job.message, status.map_or("gone", Status::as_str));
        return Outcome::Discard { code: "message_failed", why };
    }
    Outcome::Done(output)
}

/// How the job ends. `pause` is the back-off, for what names no other.
fn outcome(job: &SendMessage, settlement: &Settlement, pause: Duration) -> Outcome {
    let after = match settlement.next {
        Next::Nothing | Next::Ask => {
            return over(
                job,
                Some(settlement.status),
                json!({ "attempted": true, "status": settlement.status }),
            );
        }
        Next::Wait(after) => return Outcome::Snooze { after: at_least(after) },
        // A job of its own goes on by the other account.
        Next::Another if !job.of_step => {
            return Outcome::Done(json!({ "attempted": true, "handed_on": true }));
        }
        // A step waits for this job, which goes on with the other account at once: the round is the same.
        Next::Another => return Outcome::Snooze { after: at_least(Duration::ZERO) },
        Next::Again(after) => after.unwrap_or(pause),
    };
    // The provider's words may name the recipient: they stand with the message, sealed off from who may not see it.
    let code = settlement.code.as_deref().unwrap_or("no code");
    let why = format!("the provider answered {code}; the attempts of message {} say more", job.message);
    Outcome::Retry { after: Some(at_least(after)), code: "provider", why }
}

fn at_least(wait: Duration) -> Duration {
    wait.max(Duration::from_millis(1))
}

fn roll(platform: &Platform) -> f64 {
    f64::from(u32::from_be_bytes(platform.random())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use domain::{events::EventType, types::MessageId};
    use uuid::Uuid;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(7);

    fn ends(of_step: bool, status: Status, next: Next) -> Outcome {
        let settlement = Settlement {
            status,
            event: EventType::MessageRetrying,
            next,
            provider_message_id: None,
            failure: None,
            code: None,
            text: None,
            suppress: None,
            account: None,
        };
        outcome(&SendMessage { message: MessageId(Uuid::nil()), of_step, by: None }, &settlement, PAUSE)
    }

    #[test]
    fn a_job_ends_as_its_message_goes_on() {
        let minute = Duration::from_mins(1);
        for of_step in [false, true] {
            let again = ends(of_step, Status::Queued, Next::Again(None));
            assert!(
                matches!(again, Outcome::Retry { after: Some(after), .. } if after == PAUSE),
                "{again:?}"
            );
            let again = ends(of_step, Status::Queued, Next::Again(Some(minute)));
            assert!(
                matches!(again, Outcome::Retry { after: Some(after), .. } if after == minute),
                "{again:?}"
            );
            let waits = ends(of_step, Status::Queued, Next::Wait(minute));
            assert!(matches!(waits, Outcome::Snooze { after } if after == minute), "{waits:?}");
            let sent = ends(of_step, Status::Sent, Next::Nothing);
            assert!(matches!(sent, Outcome::Done(_)), "{sent:?}");
            let asked = ends(of_step, Status::Unknown, Next::Ask);
            assert!(matches!(asked, Outcome::Done(_)), "{asked:?}");
        }
        // What a step waits for is its own job.
        let another = ends(true, Status::Queued, Next::Another);
        assert!(matches!(another, Outcome::Snooze { after } if after < minute), "{another:?}");
        let another = ends(false, Status::Queued, Next::Another);
        assert!(matches!(another, Outcome::Done(_)), "{another:?}");
        for lost in [Status::Failed, Status::Bounced] {
            let step = ends(true, lost, Next::Nothing);
            assert!(matches!(step, Outcome::Discard { code: "message_failed", .. }), "{step:?}");
            assert!(matches!(ends(false, lost, Next::Nothing), Outcome::Done(_)));
        }
    }
}
