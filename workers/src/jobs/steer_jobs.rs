//! Cancels, retries or discards all jobs that a filter names, a page a transaction.

use domain::{
    Result,
    jobs::{self, bulk, bulk::SteerJobs},
};
use engine::Outcome;
use serde_json::json;
use uuid::Uuid;

use super::PAUSE;
use crate::registry::Run;

/// How far the job has come. Its note says so to people, and to itself when it is cut off: what it
/// retried and failed again since is not retried once more.
struct Reached {
    before: Uuid,
    seen: usize,
    changed: usize,
}

impl Reached {
    fn note(&self) -> String {
        format!("{} of {} jobs changed, down to {}", self.changed, self.seen, self.before)
    }

    fn read(note: &str) -> Option<Self> {
        let words: Vec<&str> = note.split(' ').collect();
        let [changed, "of", seen, "jobs", "changed,", "down", "to", before] = words[..] else { return None };
        Some(Self { before: before.parse().ok()?, seen: seen.parse().ok()?, changed: changed.parse().ok()? })
    }
}

/// Runs the job: over everything that is older than itself, the newest first.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: SteerJobs) -> Result<Outcome> {
    let note = jobs::get(&run.ctx, run.claim.job, "job").await?.note;
    let begins = Reached { before: run.claim.job, seen: 0, changed: 0 };
    let mut reached = note.as_deref().and_then(Reached::read).unwrap_or(begins);
    while let Some((last, looked_at, done)) = bulk::page(&run.ctx, &job, reached.before).await? {
        reached = Reached { before: last, seen: reached.seen + looked_at, changed: reached.changed + done };
        let mut tx = run.ctx.begin().await?;
        // How many are still to come is not known, and not worth counting.
        let held = engine::jobs::report_progress(tx.conn(), &run.claim, 0.0, &reached.note()).await?;
        tx.commit().await?;
        if !held || run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({ "changed": reached.changed, "of": reached.seen })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let reached = Reached { before: Uuid::from_u128(7), seen: 400, changed: 399 };
        let read = Reached::read(&reached.note()).expect("it is read");
        assert_eq!((read.before, read.seen, read.changed), (reached.before, 400, 399));
        assert!(Reached::read("looked once").is_none());
    }
}
