//! Settles messages, imports and sockets whose process was lost while it held them, and calls whose end nobody tells; has
//! somebody mind runs of campaigns that nobody does.

use domain::{Ctx, Result, agents::presence, calls, campaigns, leads, messages::attempt, upkeep::SettleLost};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

const TENANTS_AT_A_TIME: i64 = 1_000;
/// Pages of former audiences of campaigns that one look removes; the next one removes more.
const PAGES: usize = 20;

/// Runs the job, until nothing is left to settle.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, _: SettleLost) -> Result<Outcome> {
    let platform = &run.ctx.platform;
    let imports = leads::import::close_lost(platform).await?;
    let sockets = presence::count_out_the_lost(platform).await?;
    let mut agents = 0;
    for tenant in presence::tenants_with_gone(platform, TENANTS_AT_A_TIME).await? {
        agents += presence::look_for_gone(&Ctx { tenant, ..run.ctx.clone() }).await?;
    }
    let mut silent = 0;
    for tenant in calls::lost::tenants_with_lost(platform, TENANTS_AT_A_TIME).await? {
        silent += calls::lost::close(&Ctx { tenant, ..run.ctx.clone() }).await?;
    }
    let mut messages = 0;
    loop {
        let before = messages;
        for tenant in attempt::tenants_with_expired(platform, TENANTS_AT_A_TIME).await? {
            // What is wrong with one tenant's holds up no other's.
            let settled = match attempt::expire(&Ctx { tenant, ..run.ctx.clone() }).await {
                Ok(settled) => settled,
                Err(error) => {
                    tracing::error!(tenant.id = %tenant, %error, "messages that were cut off were left");
                    0
                }
            };
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
    Box::pin(mind_campaigns(&run)).await?;
    if imports > 0 {
        tracing::warn!(imports, "imports were interrupted by the loss of their process");
    }
    if sockets > 0 {
        tracing::warn!(users = sockets, "sockets were lost with their process");
    }
    let told = json!({
        "messages": messages, "imports": imports, "sockets": sockets, "agents": agents, "calls": silent,
    });
    Ok(Outcome::Done(told))
}

/// Has somebody mind runs of campaigns that nobody does, ends campaigns that wait for nothing any more, and removes some of what
/// they leave.
async fn mind_campaigns(run: &Run) -> Result<()> {
    let platform = &run.ctx.platform;
    for alone in campaigns::mind::left_alone(platform).await? {
        let ctx = Ctx { tenant: alone.tenant, ..run.ctx.clone() };
        tracing::warn!(tenant.id = %alone.tenant, run.id = %alone.run, "a run of a campaign was left alone");
        if let Err(error) = campaigns::mind::adopt(&ctx, &alone).await {
            tracing::error!(tenant.id = %alone.tenant, run.id = %alone.run, %error, "and is left until the next look");
        }
    }
    for stranded in campaigns::mind::stranded(platform).await? {
        let ctx = Ctx { tenant: stranded.tenant, ..run.ctx.clone() };
        let (tenant, campaign) = (stranded.tenant, stranded.campaign);
        tracing::warn!(tenant.id = %tenant, campaign.id = %campaign, "a campaign's time has passed without a run");
        if let Err(error) = campaigns::mind::give_up(&ctx, &stranded).await {
            tracing::error!(tenant.id = %tenant, campaign.id = %campaign, %error, "and it is left until the next look");
        }
    }
    for _ in 0..PAGES {
        if run.is_to_stop() || campaigns::mind::forget(platform).await? == 0 {
            break;
        }
    }
    Ok(())
}
