//! Looks of which sequences a step is due, has those walked, and adds up how they go.

use domain::{
    Ctx, Result,
    sequences::walk::{self, WatchSequences},
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: WatchSequences) -> Result<Outcome> {
    let platform = &run.ctx.platform;
    let (mut begun, mut behind) = (0, None);
    loop {
        let waiting = walk::waiting(platform, behind).await?;
        if waiting.is_empty() {
            break;
        }
        for one in waiting {
            let ctx = Ctx { tenant: one.tenant, ..run.ctx.clone() };
            match walk::begin(&ctx, one.sequence).await {
                Ok(()) => begun += 1,
                // The others wait as well.
                Err(error) => {
                    tracing::warn!(
                        tenant.id = %one.tenant, sequence.id = %one.sequence, %error, "a sequence was not begun"
                    );
                }
            }
            behind = Some(one);
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    let mut changes = 0;
    loop {
        let (taken, more) = walk::add_up(platform).await?;
        changes += taken;
        if !more {
            return Ok(Outcome::Done(json!({ "begun": begun, "changes": changes })));
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
