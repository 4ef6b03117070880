//! A suspect that is to run where nothing else runs: the last step of blame.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    claim,
    dispatcher::{Dispatcher, Turn},
    memory::Memory,
    positions::START,
    rotation::Ask,
};

/// How long a node lets what runs come to its end, to be empty for a suspect, and how often it does.
const ALONE_PATIENCE: Duration = Duration::from_secs(30);
pub(super) const ALONE_EVERY: Duration = Duration::from_mins(1);
/// Where handlers run long it is tried less and less often.
const ALONE_RARELY: Duration = Duration::from_mins(30);
/// How often the books are looked at while a suspect runs alone.
const ALONE_LOOK: Duration = Duration::from_millis(50);

impl Dispatcher {
    /// Nothing is claimed while a suspect runs alone in this process, whatever queue it is of.
    pub(super) async fn wait_for_quiet_to_end(&self) -> sqlx::Result<()> {
        tokio::select! {
            () = self.stop.cancelled() => {}
            _ = self.member.quiet.read() => {}
        }
        Ok(())
    }

    /// Lets what runs in this process come to its end, runs one suspect, and waits for it: if the process
    /// dies then, there is no doubt who is to blame.
    pub(super) async fn run_alone(&self, memory: &mut Memory) -> sqlx::Result<()> {
        memory.wants_alone = false;
        memory.alone_at = Instant::now() + memory.alone_every;
        let alone = async {
            let quiet = self.member.quiet.write().await;
            self.member.idles().await;
            quiet
        };
        let quiet = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            quiet = tokio::time::timeout(ALONE_PATIENCE, alone) => quiet,
        };
        let Ok(_quiet) = quiet else {
            memory.alone_every = (memory.alone_every * 2).min(ALONE_RARELY);
            tracing::info!(queue = self.name, "no room for a suspect that is to run alone; trying again");
            return Ok(());
        };
        let room = self.room().await;
        let asks: Vec<Ask> = memory.rotation.isolated().map(|lane| Ask { lane, take: 1 }).collect();
        let marks = vec![START; asks.len()];
        let claimed = self.claim(memory, room, asks, marks, Turn::Alone, None).await;
        // Until the books say that it has ended, or that it never was: a death would still be laid on it.
        while self.runs_alone(memory).await.unwrap_or(true) {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = tokio::time::sleep(ALONE_LOOK) => {}
            }
        }
        memory.poll_at = Instant::now();
        memory.alone_every = ALONE_EVERY;
        claimed.map(drop)
    }

    /// Whether this node runs a suspect alone, as the books say.
    async fn runs_alone(&self, memory: &mut Memory) -> sqlx::Result<bool> {
        if self.connect(memory).await?.is_none() {
            return Ok(false);
        }
        let node = self.member.id;
        memory.line.run(async |conn| claim::runs_alone(conn, node).await).await
    }
}
