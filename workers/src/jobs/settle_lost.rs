//! Settles messages and imports whose process was lost while it held them.

use domain::{Ctx, Result, leads, messages::attempt, upkeep::SettleLost};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

const TENANTS_AT_A_TIME: i64 = 1_000;

/// Runs the job, until nothing is left to settle.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: SettleLost) -> Result<Outcome> {
    let platform = &run.ctx.platform;
    let imports = leads::import::close_lost(platform).await?;
    let mut messages = 0;
    loop {
        let before = messages;
        for tenant in attempt::tenants_with_expired(platform, TENANTS_AT_A_TIME).await? {
            let settled = attempt::expire(&Ctx { tenant, ..run.ctx.clone() }).await?;
            if settled > 0 {
                tracing::warn!(tenant.id = %tenant, settled, "messages were cut off while being sent");
            }
            messages += settled;
        }
        // Nothing is left, or somebody else holds what is.
        if messages == before {
            break;
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    if imports > 0 {
        tracing::warn!(imports, "imports were interrupted by the loss of their process");
    }
    Ok(Outcome::Done(json!({ "messages": messages, "imports": imports })))
}
