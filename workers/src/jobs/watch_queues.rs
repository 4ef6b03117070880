//! Looks at all queues: what waits too long is told and moved on, and what could be given out is.

use domain::{
    Ctx, Result,
    calls::minding,
    routing::watch::{self, Waited, WatchQueues},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Pages of one queue in one run: the next minute goes on with it.
const PAGES: usize = 20;

/// Runs the job, a team after the other, each page by page.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: WatchQueues) -> Result<Outcome> {
    let (mut overdue, mut moved, mut behind) = (0, 0, None);
    loop {
        let teams = watch::waited_in(&run.ctx.platform, behind).await?;
        if teams.is_empty() {
            return Ok(Outcome::Done(json!({ "overdue": overdue, "moved": moved })));
        }
        for waited in teams {
            let ctx = Ctx { tenant: waited.tenant, ..run.ctx.clone() };
            match one(&run, &ctx, waited).await {
                Ok((told, gone)) => (overdue, moved) = (overdue + told, moved + gone),
                // The others wait as well.
                Err(error) => {
                    tracing::warn!(tenant.id = %ctx.tenant, team.id = %waited.team, %error, "a queue was not looked at");
                }
            }
            if run.is_to_stop() {
                return Ok(Outcome::Snooze { after: PAUSE });
            }
            behind = Some(waited);
        }
    }
}

/// Looks at one queue; answers how many leads were told overdue and how many moved on.
async fn one(run: &Run, ctx: &Ctx, waited: Waited) -> Result<(usize, usize)> {
    let (mut overdue, mut moved) = (0, 0);
    for _ in 0..PAGES {
        let told = watch::tell_overdue(ctx, waited.team).await?;
        let gone = watch::overflow(ctx, waited.team).await?;
        (overdue, moved) = (overdue + told, moved + gone);
        if told + gone == 0 || run.is_to_stop() {
            break;
        }
    }
    minding::mind_waiting(ctx, waited.team).await?;
    if waited.manned {
        watch::wake(ctx, waited.team).await?;
    }
    Ok((overdue, moved))
}
