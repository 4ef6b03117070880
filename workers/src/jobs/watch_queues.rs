//! Looks at all queues: what waits too long is told and moved on, and what could be given out is.

use domain::{
    Ctx, Result,
    routing::watch::{self, WatchQueues},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

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
            loop {
                let told = watch::tell_overdue(&ctx, waited.team).await?;
                let gone = watch::overflow(&ctx, waited.team).await?;
                (overdue, moved) = (overdue + told, moved + gone);
                if run.is_to_stop() {
                    return Ok(Outcome::Snooze { after: PAUSE });
                }
                if told + gone == 0 {
                    break;
                }
            }
            if waited.manned {
                watch::wake(&ctx, waited.team).await?;
            }
            behind = Some(waited);
        }
    }
}
