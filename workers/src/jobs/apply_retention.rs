//! Erases and blanks what tenants do not keep any longer, and takes erasures up again that were cut off.

use domain::{
    Ctx, Result,
    privacy::{
        erasure,
        retention::apply::{self, ApplyRetention},
    },
    types::TenantId,
};
use engine::Outcome;
use serde_json::json;
use uuid::Uuid;

use super::PAUSE;
use crate::registry::Run;

const TENANTS_AT_A_TIME: i64 = 100;

/// Runs the job. What it has blanked it does not find again.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: ApplyRetention) -> Result<Outcome> {
    let platform = run.ctx.platform.clone();
    let (mut after, mut done) = (TenantId(Uuid::nil()), 0);
    loop {
        let tenants = apply::tenants(&platform, after, TENANTS_AT_A_TIME).await?;
        let Some(last) = tenants.last() else { break };
        after = *last;
        for tenant in tenants {
            let ctx = Ctx { tenant, ..run.ctx.clone() };
            loop {
                // What is wrong with one tenant's holds up no other's.
                match apply::some(&ctx).await {
                    Ok(0) => break,
                    Ok(n) => done += n,
                    Err(error) => {
                        tracing::error!(tenant.id = %tenant, %error, "what is too old was left");
                        break;
                    }
                }
                if run.is_to_stop() {
                    return Ok(Outcome::Snooze { after: PAUSE });
                }
            }
        }
    }
    let taken_up = erasure::take_up(&run.ctx).await?;
    Ok(Outcome::Done(json!({ "done": done, "taken_up": taken_up })))
}
