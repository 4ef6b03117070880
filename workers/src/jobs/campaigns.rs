//! What the jobs of campaigns share: turn after turn of a run, for so long as a job may keep its place.

use std::time::Duration;

use domain::{
    Ctx, Error, Result,
    campaigns::{
        plan::{self, Paged},
        release::{self, Turn},
    },
    types::CampaignRunId,
    vault::service::is_away,
};
use engine::Outcome;
use tokio::time::Instant;

use super::PAUSE;
use crate::registry::Run;

/// How long a job keeps its place while there is something to do: long enough that giving it up costs little, and short
/// enough that other campaigns come to theirs, that a process which dies has not held one for long, and that one whose processes
/// are killed again and again has ended by itself in between and is not taken for what brings them down.
const SLICE: Duration = Duration::from_secs(3);
/// A rest that is not worth giving the place up for.
const BRIEF: Duration = Duration::from_millis(200);
/// What has just been done leaves something to do at once.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How long a job waits while the campaign is paused, or for another run of it to be over.
pub(super) const LATER: Duration = Duration::from_secs(5);

/// How soon a job is tried again that something of ours has failed: however often that was, for a campaign goes on for hours
/// and a database that was away is back.
const SOON: Duration = Duration::from_secs(2);

/// Tries a job again soon where the database did not answer, instead of later each time.
///
/// # Errors
/// What will be refused again, or a key service that is away, which costs no attempt.
pub(super) fn patiently(ended: Result<Outcome>) -> Result<Outcome> {
    match ended {
        Err(Error::Internal(cause)) if is_away(&*cause) => Err(Error::Internal(cause)),
        Err(error @ Error::Internal(_)) => {
            tracing::warn!(%error, "a campaign's job was interrupted; it goes on shortly");
            let why = "something of ours did not answer; it is tried again".into();
            Ok(Outcome::Retry { after: Some(SOON), code: "interrupted", why })
        }
        ended => ended,
    }
}

/// The run that a step belongs to: that of its workflow. None if another node runs the job by now.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn run_of(run: &Run) -> Result<Option<CampaignRunId>> {
    let mut tx = run.ctx.begin().await?;
    Ok(tx.step_of(&run.claim).await?.map(|step| CampaignRunId(step.run)))
}

/// Writes recipients down, a page a transaction, until all are there or the job is to give its place up: how it ends then.
///
/// # Errors
/// If the database refuses.
pub(super) async fn pages(run: &Run, id: CampaignRunId) -> Result<Option<Outcome>> {
    let until = Instant::now() + SLICE;
    loop {
        match Box::pin(plan::page(&run.ctx, id)).await? {
            Paged::Went => {}
            Paged::Held => return Ok(Some(Outcome::Snooze { after: LATER })),
            Paged::Over => return Ok(None),
        }
        if run.is_to_stop() {
            return Ok(Some(Outcome::Snooze { after: PAUSE }));
        }
        if Instant::now() >= until {
            return Ok(Some(Outcome::Snooze { after: AT_ONCE }));
        }
    }
}

/// What turns have come to.
pub(super) enum Went {
    /// The job is to go on later.
    Later(Outcome),
    /// Nothing waits for a message, but messages are under way.
    Settling,
    Over,
}

/// Takes turns of a run until there is nothing to do or the job is to give its place up.
///
/// # Errors
/// If the database refuses.
pub(super) async fn turns(run: &Run, ctx: &Ctx, id: CampaignRunId) -> Result<Went> {
    let until = Instant::now() + SLICE;
    loop {
        let rest = match Box::pin(release::turn(ctx, id)).await? {
            Turn::Over => return Ok(Went::Over),
            Turn::Settling => return Ok(Went::Settling),
            Turn::Went => Duration::ZERO,
            Turn::Wait(rest) => rest,
        };
        if run.is_to_stop() {
            return Ok(Went::Later(Outcome::Snooze { after: PAUSE }));
        }
        if rest > BRIEF || Instant::now() >= until {
            return Ok(Went::Later(Outcome::Snooze { after: rest.max(AT_ONCE) }));
        }
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
        }
    }
}
