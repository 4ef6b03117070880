//! Reads the log for webhooks whenever it has grown. Every process with workers does so, and what one of them finds it
//! writes down once (`domain::webhooks::tail`), so one that dies is not missed.

use std::{collections::HashMap, time::Duration};

use domain::{
    Ctx, Result,
    ctx::Platform,
    types::WebhookId,
    webhooks::tail::{self, Advanced, Lagging},
};
use engine::bus::Hint;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How soon the log is looked at where a hint was lost.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// From one look to the next, at least: under steady traffic a moment's events are read together.
pub(crate) const REST: Duration = Duration::from_millis(50);
/// Endpoints that are looked up at a time.
const PAGE: i64 = 200;
/// How long one rests for which so much waits that nothing more is read.
const FULL: Duration = Duration::from_secs(5);
/// How long one rests whose reading failed: the others do not wait for it.
const FAILED: Duration = Duration::from_secs(10);

/// Endpoints that rest, and until when.
type Resting = HashMap<Lagging, Instant>;

/// Reads until `stop`.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let mut hints = platform.engine.bus().subscribe();
    let mut resting = Resting::new();
    while !stop.is_cancelled() {
        let more = round(&platform, &mut resting, &stop).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the log could not be read for webhooks; it goes on shortly");
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

/// Resolves when the log has grown, or may have.
pub(crate) async fn numbered(hints: &mut Receiver<Hint>) {
    loop {
        match hints.recv().await {
            Ok(Hint::Numbered { .. } | Hint::Missed) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Reads a part for each endpoint that lags; `true` if there is more to read for one of them.
async fn round(platform: &Platform, resting: &mut Resting, stop: &CancellationToken) -> Result<bool> {
    let (mut after, mut more) = (Lagging::NONE, false);
    loop {
        let page = tail::lagging(platform, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(more) };
        after = *last;
        for tenants in page.chunk_by(|one, next| one.tenant == next.tenant) {
            if stop.is_cancelled() {
                return Ok(false);
            }
            more |= read_for(platform, tenants, resting).await;
        }
    }
}

/// Reads a part for each of these endpoints of one tenant that does not rest; `true` if there is more to read for one.
async fn read_for(platform: &Platform, lagging: &[Lagging], resting: &mut Resting) -> bool {
    let Some(tenant) = lagging.first().map(|one| one.tenant) else { return false };
    let (ctx, now) = (Ctx::itself(platform, tenant), Instant::now());
    let awake = lagging.iter().filter(|one| resting.get(*one).is_none_or(|until| *until <= now));
    let mut left: Vec<WebhookId> = awake.map(|one| one.webhook).collect();
    let (mut more, mut together) = (false, true);
    while let Some(first) = left.first().copied() {
        let asked: &[WebhookId] = if together { &left } else { std::slice::from_ref(&first) };
        match tail::advance(&ctx, asked).await {
            Ok(done) => {
                for (webhook, advanced) in &done {
                    more |= *advanced == Advanced::More;
                    if *advanced == Advanced::Full {
                        resting.insert(Lagging { tenant, webhook: *webhook }, Instant::now() + FULL);
                    }
                }
                left.retain(|id| done.iter().all(|(webhook, _)| webhook != id));
            }
            // What is wrong with one holds up no other.
            Err(_) if asked.len() > 1 => together = false,
            Err(error) => {
                tracing::warn!(
                    tenant.id = %tenant, webhook.id = %first, %error, "the log was not read for a webhook"
                );
                resting.insert(Lagging { tenant, webhook: first }, Instant::now() + FAILED);
                left.remove(0);
            }
        }
    }
    more
}
