//! Ending attempts, each only if it still holds its claim.

mod books;

use std::{sync::Arc, time::Duration};

use sqlx::Connection;
use uuid::Uuid;

pub(crate) use books::{Columns, Finished};

use crate::{
    Engine, Outcome, Tx,
    db::Line,
    job::{backoff, storable},
    workflows::{NewStep, Steps},
};

/// The longest reason that is kept with an attempt, in characters.
const WHY_LIMIT: usize = 2_000;
/// The longest that a job is put off.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_hours(24 * 366);

/// What becomes of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Completed,
    Cancelled,
    Discarded,
    /// Back to its lane after the delay; the attempt counts.
    Retrying,
    /// Back to its lane after the delay; the attempt does not count.
    Snoozed,
    /// Handed back unrun.
    Released,
}

impl Verdict {
    pub(crate) const ALL: [Self; 6] =
        [Self::Completed, Self::Cancelled, Self::Discarded, Self::Retrying, Self::Snoozed, Self::Released];

    /// As `engine.finish` takes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
            Self::Retrying => "retrying",
            Self::Snoozed => "snoozed",
            Self::Released => "released",
        }
    }
}

/// The end of one attempt.
#[derive(Debug, Clone)]
pub struct Ending {
    pub job: Uuid,
    pub tenant: Uuid,
    /// Where it waited.
    pub lane: i64,
    pub claim: i64,
    pub verdict: Verdict,
    pub delay: Duration,
    pub output: Option<serde_json::Value>,
    pub code: Option<&'static str>,
    /// Redacted text: no personal data and no secret.
    pub error: Option<String>,
    /// The steps of the run whose first job this was.
    pub(crate) steps: Option<Arc<Vec<NewStep>>>,
}

/// The attempt a handler is running: what an ending must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub job: Uuid,
    pub tenant: Uuid,
    /// Where it waited.
    pub lane: i64,
    pub fence: i64,
    pub attempt: i16,
    pub max_attempts: i16,
}

impl Claim {
    /// The ending that an outcome means for this attempt; `None` if it is settled already.
    /// `chance`, a uniform random number in 0..1, spreads the back-off.
    #[must_use]
    pub fn ending(&self, outcome: Outcome, chance: impl FnOnce() -> f64) -> Option<Ending> {
        let spent = self.attempt >= self.max_attempts;
        let mut steps = None;
        let (verdict, delay, output, code, error) = match outcome {
            Outcome::Done(output) => match storable(&output) {
                Ok(()) => {
                    let output = Some(output).filter(|output| !output.is_null());
                    (Verdict::Completed, Duration::ZERO, output, None, None)
                }
                Err(unfit) => {
                    let why = format!("it ran to its end, but its output {}", unfit.why);
                    (Verdict::Completed, Duration::ZERO, None, Some(unfit.code), Some(why))
                }
            },
            Outcome::Begin(begun) => {
                steps = Some(Arc::new(begun));
                (Verdict::Completed, Duration::ZERO, None, None, None)
            }
            Outcome::Retry { code, why, .. } if spent => {
                (Verdict::Discarded, Duration::ZERO, None, Some(code), Some(why))
            }
            Outcome::Retry { after, code, why } => {
                let delay = after.unwrap_or_else(|| backoff(self.attempt, chance()));
                (Verdict::Retrying, delay, None, Some(code), Some(why))
            }
            Outcome::Snooze { after } => (Verdict::Snoozed, after, None, None, None),
            Outcome::Discard { code, why } => {
                (Verdict::Discarded, Duration::ZERO, None, Some(code), Some(why))
            }
            Outcome::Cancel => (Verdict::Cancelled, Duration::ZERO, None, None, None),
            Outcome::Settled => return None,
        };
        let (job, tenant, lane, claim) = (self.job, self.tenant, self.lane, self.fence);
        let delay = delay.min(LONGEST_DELAY);
        let error = error.map(|why| why.chars().filter(|letter| *letter != '\0').take(WHY_LIMIT).collect());
        Some(Ending { job, tenant, lane, claim, verdict, delay, output, code, error, steps })
    }

    /// Hands the job back unrun, as if it had never been claimed.
    #[must_use]
    pub fn released(&self) -> Ending {
        Ending {
            job: self.job,
            tenant: self.tenant,
            lane: self.lane,
            claim: self.fence,
            verdict: Verdict::Released,
            delay: Duration::ZERO,
            output: None,
            code: None,
            error: None,
            steps: None,
        }
    }
}

impl Ending {
    /// Says that what was to be kept of an attempt could not be.
    pub(crate) const REFUSED: &str = "ending_refused";

    /// The same verdict without what the database may have refused. A run without its steps has failed.
    pub(crate) fn plain(&self) -> Self {
        let why = "the database refused what was to be kept of this attempt".to_owned();
        let verdict = if self.steps.is_some() { Verdict::Discarded } else { self.verdict };
        Self {
            verdict,
            output: None,
            code: Some(Self::REFUSED),
            error: Some(why),
            steps: None,
            ..self.clone()
        }
    }

    /// The job as if it had not been claimed, to be tried again after a while.
    pub(crate) fn put_back(&self) -> Self {
        let delay = Duration::from_mins(1);
        Self {
            verdict: Verdict::Released,
            delay,
            output: None,
            code: None,
            error: None,
            steps: None,
            ..self.clone()
        }
    }
}

impl Tx {
    /// Ends attempts in the transaction of their effects: then the effects happen exactly once.
    /// Answers the jobs that were still held. A caller that finds one missing must roll back what it
    /// did for that job.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn finish(&mut self, endings: &[Ending]) -> sqlx::Result<Vec<Uuid>> {
        let steps = Steps::of(&self.engine().clone(), endings).await?;
        steps.put(self.conn(), endings).await?;
        let finished = books::finish(self.conn(), endings).await?;
        if finished.logged {
            self.has_logged();
        }
        for (queue, lane) in finished.waking() {
            self.will_wake(queue, lane);
        }
        self.has_returned(finished.returned.unwrap_or_default());
        let lost = finished.lost.unwrap_or_default();
        Ok(endings.iter().map(|ending| ending.job).filter(|job| !lost.contains(job)).collect())
    }
}

impl Engine {
    /// Ends a batch of attempts in a statement of its own. Answers how many were lost to other nodes.
    pub(crate) async fn finish(&self, line: &mut Line, endings: &[Ending]) -> sqlx::Result<usize> {
        let steps = Steps::of(self, endings).await?;
        let finished = line
            .run(async |conn| {
                if steps.is_empty() {
                    return books::finish(conn, endings).await;
                }
                let mut tx = conn.begin().await?;
                steps.put(&mut tx, endings).await?;
                let finished = books::finish(&mut tx, endings).await?;
                tx.commit().await?;
                Ok(finished)
            })
            .await?;
        self.tell_finished(&finished);
        Ok(finished.lost())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_turns_a_retry_into_a_dead_letter() {
        let claim = |attempt| Claim {
            job: Uuid::nil(),
            tenant: Uuid::nil(),
            lane: 1,
            fence: 7,
            attempt,
            max_attempts: 3,
        };
        let retry = || Outcome::Retry { after: None, code: "boom", why: "it broke".into() };
        let verdicts: Vec<_> = (1..=3).filter_map(|attempt| claim(attempt).ending(retry(), || 0.5)).collect();
        assert_eq!(verdicts[0].verdict, Verdict::Retrying);
        assert_eq!(verdicts[1].verdict, Verdict::Retrying);
        assert!(verdicts[1].delay > verdicts[0].delay);
        assert_eq!(verdicts[2].verdict, Verdict::Discarded);
        assert_eq!(claim(1).ending(Outcome::Settled, || 0.5).map(|ending| ending.job), None);
    }

    /// Postgres refuses some texts, numbers and JSON; one of them must not hold up the endings beside it.
    #[test]
    fn what_postgres_would_refuse_does_not_reach_it() {
        let claim =
            Claim { job: Uuid::nil(), tenant: Uuid::nil(), lane: 1, fence: 7, attempt: 1, max_attempts: 3 };
        let ending = |outcome| claim.ending(outcome, || 0.5).expect("an ending");
        let why = format!("bad\0byte{}", "x".repeat(5_000));
        let retry = ending(Outcome::Retry { after: Some(Duration::MAX), code: "boom", why });
        let kept = retry.error.expect("a reason");
        assert!(kept.starts_with("badbyte") && kept.chars().count() == WHY_LIMIT);
        assert_eq!(retry.delay, LONGEST_DELAY);
        let mut deep = serde_json::json!(1);
        for _ in 0..200 {
            deep = serde_json::json!([deep]);
        }
        for (output, code) in [
            (serde_json::json!({"a": ["x\0"]}), "output_unfit"),
            (serde_json::json!({"x\0": 1}), "output_unfit"),
            (deep, "output_unfit"),
            (serde_json::json!("x".repeat(300 << 10)), "output_too_large"),
        ] {
            let done = ending(Outcome::Done(output));
            assert_eq!((done.verdict, done.code, done.output), (Verdict::Completed, Some(code), None));
        }
    }
}
