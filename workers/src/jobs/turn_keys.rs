//! A step of a rotation of keys: turn after turn until the rotation is past a phase.

use std::time::Duration;

use domain::{
    Error, Result,
    vault::{
        rotation::{
            turn::{self, Turn},
            work::TurnKeys,
        },
        service::is_away,
    },
};
use engine::Outcome;
use serde_json::json;
use tokio::time::Instant;

use super::PAUSE;
use crate::registry::Run;

/// How long the job keeps its place while there is something to do: a few turns. It ends by itself that often, so that one whose
/// processes are killed again and again is not taken for what brings them down.
const SLICE: Duration = Duration::from_millis(250);
/// How often it is said how far it has come.
const SAID: Duration = Duration::from_secs(2);
/// What has just been done leaves something to do at once.
const AT_ONCE: Duration = Duration::from_millis(1);
/// How soon it is tried again that the database did not answer or a key-encryption key is missing.
const SOON: Duration = Duration::from_secs(5);

/// Runs the job, from where the last turn ended.
///
/// # Errors
/// What will be refused again, or a key service that is away.
pub async fn run(run: Run, job: TurnKeys) -> Result<Outcome> {
    match work(&run, &job).await {
        Err(Error::Internal(cause)) if is_away(&*cause) => Err(Error::Internal(cause)),
        Err(error @ Error::Internal(_)) => {
            tracing::warn!(rotation.id = %job.rotation, %error, "a rotation of keys was interrupted; it goes on shortly");
            let why =
                "the database did not answer, or a key-encryption key is missing; the log says which".into();
            Ok(Outcome::Retry { after: Some(SOON), code: "interrupted", why })
        }
        ended => ended,
    }
}

async fn work(run: &Run, job: &TurnKeys) -> Result<Outcome> {
    let until = Instant::now() + SLICE;
    let mut said = None;
    loop {
        let (turn, done) = turn::take(&run.ctx, job.rotation, job.phase).await?;
        match turn {
            Turn::Past(phase) if phase > job.phase => return Ok(Outcome::Done(json!({ "done": done }))),
            Turn::Gone => return Ok(Outcome::Cancel),
            Turn::Wait(after) => return Ok(Outcome::Snooze { after }),
            Turn::Again | Turn::Past(_) => {}
        }
        if said.is_none_or(|at: Instant| at.elapsed() > SAID) {
            said = Some(Instant::now());
            if !is_held(run, done).await? {
                return Ok(Outcome::Snooze { after: PAUSE });
            }
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
        if Instant::now() > until {
            return Ok(Outcome::Snooze { after: AT_ONCE });
        }
    }
}

/// Says how far it has come; `false` if another node runs the job by now.
async fn is_held(run: &Run, done: i64) -> Result<bool> {
    let mut tx = run.ctx.begin().await?;
    let note = format!("{done} keys or values done");
    let held = engine::jobs::report_progress(tx.conn(), &run.claim, 0.0, &note).await?;
    tx.commit().await?;
    Ok(held)
}
