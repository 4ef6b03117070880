//! The log, read as it grows and offered to the sockets.

use std::time::Duration;

use domain::ctx::Platform;
use engine::{bus::Hint, log::Entry};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::sleep,
};
use uuid::Uuid;

use super::Hub;

/// How soon the log is looked at where a hint was lost: a socket outlives the rights of its peer by no more.
const POLL: Duration = Duration::from_millis(500);
/// The same where nobody listens.
const IDLE_POLL: Duration = Duration::from_secs(2);
const AT_A_TIME: i64 = 1_000;

/// A place after which the log is read: batch, tenant, sequence.
type Place = (i64, Uuid, i64);

impl Hub {
    /// Where the database does not answer it goes on later where it was, so that nobody misses anything.
    pub(super) async fn follow(&self, platform: &Platform, batch: i64) {
        let (mut hints, mut place) = (platform.engine.bus().subscribe(), (batch, Uuid::max(), i64::MAX));
        while !self.stop.is_cancelled() {
            if let Err(error) = self.tail(platform, &mut hints, &mut place).await {
                tracing::warn!(%error, "the log could not be read; it goes on shortly");
                tokio::select! {
                    () = self.stop.cancelled() => {}
                    () = sleep(POLL) => {}
                }
            }
        }
    }

    async fn tail(
        &self,
        platform: &Platform,
        hints: &mut broadcast::Receiver<Hint>,
        place: &mut Place,
    ) -> sqlx::Result<()> {
        loop {
            let entries = platform.engine.log_tail(*place, AT_A_TIME).await?;
            if let Some(last) = entries.last() {
                *place = (last.batch, last.tenant, last.seq);
                self.tell(&entries);
                let delay = platform.clock.now() - last.at;
                metrics::histogram!("switchboard_sockets_delay_seconds")
                    .record(delay.to_std().unwrap_or_default());
                if self.stop.is_cancelled() {
                    return Ok(());
                }
                // Those that listen have their turn, too.
                tokio::task::yield_now().await;
                continue;
            }
            if self.is_told(hints).await {
                return Ok(());
            }
        }
    }

    /// Waits until there may be something new; `true` at the end.
    async fn is_told(&self, hints: &mut broadcast::Receiver<Hint>) -> bool {
        let poll = sleep(if self.is_empty() { IDLE_POLL } else { POLL });
        tokio::pin!(poll);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return true,
                () = &mut poll => return false,
                hint = hints.recv() => match hint {
                    Ok(Hint::Numbered { .. } | Hint::Missed) | Err(RecvError::Lagged(_)) => return false,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return true,
                }
            }
        }
    }

    /// The lock is let go of after each entry: whoever comes, goes or asks for something else waits for one.
    pub(super) fn tell(&self, entries: &[Entry]) {
        for entry in entries {
            if let Some(room) = self.lock().get(&entry.tenant) {
                room.tell(entry);
            }
        }
    }
}
