//! Ending attempts, each only if it still holds its claim.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Engine, Outcome, Tx,
    bus::Hint,
    job::{backoff, fits},
};

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
    pub claim: i64,
    pub verdict: Verdict,
    pub delay: Duration,
    pub output: Option<serde_json::Value>,
    pub code: Option<&'static str>,
    /// Redacted text: no personal data and no secret.
    pub error: Option<String>,
}

/// The attempt a handler is running: what an ending must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub job: Uuid,
    pub tenant: Uuid,
    pub fence: i64,
    pub attempt: i16,
    pub max_attempts: i16,
}

impl Claim {
    /// The ending that an outcome means for this attempt; `None` if it is settled already.
    /// `chance` (0..1) spreads the back-off.
    #[must_use]
    pub fn ending(&self, outcome: Outcome, chance: f64) -> Option<Ending> {
        let spent = self.attempt >= self.max_attempts;
        let (verdict, delay, output, code, error) = match outcome {
            Outcome::Done(output) if !fits(&output) => {
                let why = "it ran to its end, but its output was too large to keep".to_owned();
                (Verdict::Completed, Duration::ZERO, None, Some("output_too_large"), Some(why))
            }
            Outcome::Done(output) => (
                Verdict::Completed,
                Duration::ZERO,
                Some(output).filter(|output| !output.is_null()),
                None,
                None,
            ),
            Outcome::Retry { code, why, .. } if spent => {
                (Verdict::Discarded, Duration::ZERO, None, Some(code), Some(why))
            }
            Outcome::Retry { after, code, why } => {
                let delay = after.unwrap_or_else(|| backoff(self.attempt, chance));
                (Verdict::Retrying, delay, None, Some(code), Some(why))
            }
            Outcome::Snooze { after } => (Verdict::Snoozed, after, None, None, None),
            Outcome::Discard { code, why } => {
                (Verdict::Discarded, Duration::ZERO, None, Some(code), Some(why))
            }
            Outcome::Cancel => (Verdict::Cancelled, Duration::ZERO, None, None, None),
            Outcome::Settled => return None,
        };
        let (job, tenant, claim) = (self.job, self.tenant, self.fence);
        Some(Ending { job, tenant, claim, verdict, delay, output, code, error })
    }

    /// Hands the job back unrun, as if it had never been claimed.
    #[must_use]
    pub fn released(&self) -> Ending {
        Ending {
            job: self.job,
            tenant: self.tenant,
            claim: self.fence,
            verdict: Verdict::Released,
            delay: Duration::ZERO,
            output: None,
            code: None,
            error: None,
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
        let ended = finish(self.conn(), endings).await?;
        if endings.iter().any(|ending| ending.verdict != Verdict::Released) {
            self.has_logged();
        }
        for (queue, lane) in ended.iter().filter_map(|row| row.queue.zip(row.wake)) {
            self.will_wake(queue, lane);
        }
        Ok(ended.into_iter().map(|row| row.id).collect())
    }
}

impl Engine {
    /// Ends a batch of attempts in a statement of its own.
    pub(crate) async fn finish(&self, endings: &[Ending]) -> sqlx::Result<Vec<Uuid>> {
        let mut conn = self.system().acquire().await?;
        let ended = finish(&mut conn, endings).await?;
        drop(conn);
        let mut waking: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
        for (queue, lane) in ended.iter().filter_map(|row| row.queue.zip(row.wake)) {
            waking.entry(queue).or_default().insert(lane);
        }
        for (queue, lanes) in waking {
            self.bus().publish(Hint::Queue { queue, lanes: lanes.into_iter().collect() });
        }
        if ended.iter().any(|row| row.logged) {
            self.bus().publish(Hint::Logged);
        }
        Ok(ended.into_iter().map(|row| row.id).collect())
    }
}

struct Ended {
    id: Uuid,
    /// The lane to wake, and its queue, where others wait for what this ending gave back.
    queue: Option<i32>,
    wake: Option<i64>,
    logged: bool,
}

async fn finish(conn: &mut PgConnection, endings: &[Ending]) -> sqlx::Result<Vec<Ended>> {
    sqlx::query_as!(
        Ended,
        r#"select id as "id!", queue, wake, logged as "logged!"
             from engine.finish($1, $2, $3, $4, $5, $6, $7, $8)"#,
        &endings.iter().map(|ending| ending.job).collect::<Vec<_>>(),
        &endings.iter().map(|ending| ending.tenant).collect::<Vec<_>>(),
        &endings.iter().map(|ending| ending.claim).collect::<Vec<_>>(),
        &endings.iter().map(|ending| ending.verdict.as_str()).collect::<Vec<_>>() as &[&str],
        &endings
            .iter()
            .map(|ending| i64::try_from(ending.delay.as_millis()).unwrap_or(i64::MAX))
            .collect::<Vec<_>>(),
        &endings.iter().map(|ending| ending.output.clone()).collect::<Vec<_>>()
            as &[Option<serde_json::Value>],
        &endings.iter().map(|ending| ending.code).collect::<Vec<_>>() as &[Option<&str>],
        &endings.iter().map(|ending| ending.error.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .fetch_all(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_turns_a_retry_into_a_dead_letter() {
        let claim =
            |attempt| Claim { job: Uuid::nil(), tenant: Uuid::nil(), fence: 7, attempt, max_attempts: 3 };
        let retry = || Outcome::Retry { after: None, code: "boom", why: "it broke".into() };
        let verdicts: Vec<_> = (1..=3).filter_map(|attempt| claim(attempt).ending(retry(), 0.5)).collect();
        assert_eq!(verdicts[0].verdict, Verdict::Retrying);
        assert_eq!(verdicts[1].verdict, Verdict::Retrying);
        assert!(verdicts[1].delay > verdicts[0].delay);
        assert_eq!(verdicts[2].verdict, Verdict::Discarded);
        assert_eq!(claim(1).ending(Outcome::Settled, 0.5).map(|ending| ending.job), None);
    }
}
