//! What comes with time: sockets look around, they are counted, and what is left over is forgotten.

use std::collections::HashMap;

use domain::{
    access::ticket,
    ctx::Platform,
    events::sockets::{self, Counted},
};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::Hub;

/// Looks between two countings.
const COUNT_EVERY: u64 = 2;
/// Looks after which what is left over is forgotten: what lost processes counted, and tickets that nobody used in time.
const FORGET_EVERY: u64 = 60;

impl Hub {
    pub(super) async fn sweep(&self, platform: &Platform) {
        let (mut looks, mut ticks) = (0_u64, interval(self.settings.look_every));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut noted = HashMap::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            looks += 1;
            let now = platform.clock.now();
            self.lock().values().for_each(|room| room.look(now));
            if looks.is_multiple_of(COUNT_EVERY)
                && let Err(error) = self.note(platform, &mut noted).await
            {
                tracing::debug!(%error, "the sockets could not be counted; they are again shortly");
            }
            if looks.is_multiple_of(FORGET_EVERY) {
                // Also what is here: another may have forgotten it, when this process was taken for dead.
                noted.clear();
                if let Err(error) = forget(platform).await {
                    tracing::debug!(%error, "what is left over is forgotten later");
                }
            }
        }
    }

    /// Writes down what has changed since the last time.
    async fn note(&self, platform: &Platform, noted: &mut HashMap<Uuid, Counted>) -> domain::Result<()> {
        let counted = self.counted();
        let open: i32 = counted.iter().map(|one| one.sockets).sum();
        metrics::gauge!("switchboard_sockets").set(f64::from(open));
        metrics::gauge!("switchboard_sockets_most")
            .set(u32::try_from(self.settings.most).unwrap_or(u32::MAX));
        let news: Vec<Counted> =
            counted.into_iter().filter(|one| noted.get(&one.tenant.0) != Some(one)).collect();
        if news.is_empty() {
            return Ok(());
        }
        sockets::note(platform, self.node, &news).await?;
        noted.extend(news.into_iter().map(|one| (one.tenant.0, one)));
        Ok(())
    }
}

async fn forget(platform: &Platform) -> domain::Result<()> {
    sockets::forget_the_lost(platform).await?;
    ticket::forget_the_unused(platform).await
}
