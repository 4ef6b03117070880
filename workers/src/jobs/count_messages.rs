//! Adds up what has become of messages and of recipients of campaigns, and gives those a job that have none any more.

use domain::{
    Ctx, Result, campaigns,
    messages::{attempt, stats},
    upkeep::CountMessages,
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

const TENANTS_AT_A_TIME: i64 = 100;

/// Runs the job.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: CountMessages) -> Result<Outcome> {
    let platform = &run.ctx.platform;
    let mut adopted = 0;
    for tenant in attempt::tenants_with_orphans(platform, TENANTS_AT_A_TIME).await? {
        match attempt::adopt(&Ctx { tenant, ..run.ctx.clone() }).await {
            Ok(count) => adopted += count,
            Err(error) => tracing::warn!(tenant.id = %tenant, %error, "messages without a job were left"),
        }
    }
    let mut changes = 0;
    loop {
        let taken = stats::add_up(platform).await? + campaigns::mind::add_up(platform).await?;
        changes += taken;
        if taken == 0 {
            return Ok(Outcome::Done(json!({ "changes": changes, "adopted": adopted })));
        }
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
}
