//! What nobody asked for but must be done: messages and imports that were cut off.

use std::time::Duration;

use domain::{
    Ctx,
    access::permission::PermissionSet,
    ctx::{Actor, Platform},
    leads,
    messages::attempt,
    types::TenantId,
};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(2);
const TENANTS_AT_A_TIME: i64 = 1_000;

/// Settles what was cut off until `stop`. Any number of processes may do it at once.
pub async fn run(platform: Platform, stop: CancellationToken) {
    loop {
        if let Err(error) = turn(&platform).await {
            tracing::warn!(%error, "settling what was cut off failed; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn turn(platform: &Platform) -> domain::Result<()> {
    let lost = leads::import::close_lost(platform).await?;
    if lost > 0 {
        tracing::warn!(lost, "imports were interrupted by the loss of their process");
    }
    for tenant in attempt::tenants_with_expired(platform, TENANTS_AT_A_TIME).await? {
        let settled = attempt::expire(&system(platform, tenant)).await?;
        tracing::warn!(tenant.id = %tenant, settled, "messages were cut off while being sent");
    }
    Ok(())
}

fn system(platform: &Platform, tenant: TenantId) -> Ctx {
    Ctx {
        platform: platform.clone(),
        tenant,
        actor: Actor::System,
        grants: PermissionSet::all(),
        trace: None,
        idempotency: None,
    }
}
