//! An agent's sockets, counted while they are open. What is made of the count is `domain::agents::presence`.

use std::time::Duration;

use domain::{Ctx, agents::presence};
use tokio::time::{Instant, sleep};

use super::hub::Hub;

/// How long a count waits for a database that does not answer: sockets end when it goes, so both come together.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_secs(1);

/// Counts a socket in; `false` if there is nothing to be counted out when it ends.
pub async fn arrive(ctx: &Ctx, hub: &Hub) -> bool {
    presence::arrive(ctx, hub.node).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a socket of an agent was not counted");
        false
    })
}

/// Counts a socket out. Where that cannot be written, it is counted out with this process.
pub async fn depart(ctx: &Ctx, hub: &Hub) {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = presence::depart(ctx, hub.node).await {
        if hub.stop.is_cancelled() || Instant::now() >= until {
            tracing::warn!(%error, "a socket of an agent was not counted out");
            return;
        }
        sleep(PAUSE).await;
    }
}
