//! Reads the log for points whenever it has grown. Every process with workers does so, and what one of them finds it writes
//! down once (`domain::gamification::tail`), so one that dies is not missed.

use std::{collections::HashMap, time::Duration};

use domain::{
    Ctx, Result,
    ctx::Platform,
    gamification::tail::{self, Advanced},
    types::TenantId,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::tail::{POLL, REST, numbered};

/// Tenants that are looked up at a time.
const PAGE: i64 = 200;
/// How long one rests whose reading failed: the others do not wait for it.
const FAILED: Duration = Duration::from_secs(10);

/// Tenants that rest, and until when.
type Resting = HashMap<TenantId, Instant>;

/// Reads until `stop`.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let mut hints = platform.engine.bus().subscribe();
    let mut resting = Resting::new();
    while !stop.is_cancelled() {
        let more = round(&platform, &mut resting, &stop).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log could not be read for points; it goes on shortly");
            false
        });
        resting.retain(|_, until| Instant::now() < *until);
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

/// Reads a part for each tenant that lags; `true` if there is more to read for one of them.
async fn round(platform: &Platform, resting: &mut Resting, stop: &CancellationToken) -> Result<bool> {
    let (mut after, mut more) = (TenantId(Uuid::nil()), false);
    loop {
        let page = tail::lagging(platform, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(more) };
        after = *last;
        for tenant in page {
            if stop.is_cancelled() {
                return Ok(false);
            }
            if resting.get(&tenant).is_some_and(|until| *until > Instant::now()) {
                continue;
            }
            match tail::advance(&Ctx::itself(platform, tenant)).await {
                Ok(done) => more |= done == Advanced::More,
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, %error, "the log was not read for points");
                    resting.insert(tenant, Instant::now() + FAILED);
                }
            }
        }
    }
}
