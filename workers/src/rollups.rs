//! Reads the log for figures whenever it has grown. Every process with workers does so, and a tenant that one of them reads
//! for is passed over by the others (`domain::analytics::tail`), so one that dies is not missed.

use std::time::Duration;

use domain::{
    Ctx, Result,
    analytics::tail::{self, Advanced},
    ctx::Platform,
    types::TenantId,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::tail::numbered;

/// How soon the log is looked at where a hint was lost.
const POLL: Duration = Duration::from_secs(2);
/// From one look to the next, at least: figures may be half a second old, and under steady traffic that spares a transaction
/// for each event.
const REST: Duration = Duration::from_millis(500);
/// Tenants that are looked up at a time.
const PAGE: i64 = 200;
/// Parts that are read for one tenant before the next one has its turn.
const TURN: usize = 20;

/// Reads until `stop`.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let mut hints = platform.engine.bus().subscribe();
    while !stop.is_cancelled() {
        let more = round(&platform, &stop).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log could not be read for figures; it goes on shortly");
            false
        });
        let told = async {
            if !more {
                numbered(&mut hints).await;
                tokio::time::sleep(REST).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = told => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Reads for each tenant for whom there is something; `true` if there is more for one of them.
async fn round(platform: &Platform, stop: &CancellationToken) -> Result<bool> {
    let (mut after, mut more) = (TenantId(Uuid::nil()), false);
    loop {
        let page = tail::behind(platform, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(more) };
        after = *last;
        for tenant in page {
            if stop.is_cancelled() {
                return Ok(false);
            }
            more |= read_for(platform, tenant).await;
        }
    }
}

/// Reads some parts for a tenant; `true` if there are more. What fails with one holds up no other.
async fn read_for(platform: &Platform, tenant: TenantId) -> bool {
    let ctx = Ctx::itself(platform, tenant);
    for _ in 0..TURN {
        match tail::advance(&ctx).await {
            Ok(Advanced::More) => {}
            Ok(Advanced::Over | Advanced::Held) => return false,
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, %error, "the log was not read for figures");
                return false;
            }
        }
    }
    true
}
