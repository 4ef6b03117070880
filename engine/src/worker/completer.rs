//! Records how attempts ended, many in one statement, and goes on through every database error:
//! results wait here and are written when the database is back.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{Engine, finish::Ending};

/// Endings in one statement.
const BATCH: usize = 1_000;
/// How long a batch may be waited for while more results are on their way.
const LINGER: Duration = Duration::from_micros(300);

pub(super) struct Completer {
    pub engine: Engine,
    pub queue: &'static str,
    /// One completer gathers at a time.
    pub ended: Arc<Mutex<mpsc::Receiver<Ending>>>,
    /// Cancelled once every ending has been sent.
    pub no_more: CancellationToken,
}

impl Completer {
    pub(super) async fn run(self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.gather(&mut batch).await {
            self.write(&batch).await;
            batch.clear();
        }
    }

    /// Waits for endings and, where several come at once, a moment for more. `false` after the last.
    async fn gather(&self, batch: &mut Vec<Ending>) -> bool {
        let mut ended = self.ended.lock().await;
        tokio::select! {
            biased;
            received = ended.recv_many(batch, BATCH) => if received == 0 { return false },
            () = self.no_more.cancelled() => return false,
        }
        if batch.len() > 1 && batch.len() < BATCH {
            tokio::time::sleep(LINGER).await;
            while batch.len() < BATCH {
                let Ok(ending) = ended.try_recv() else { break };
                batch.push(ending);
            }
        }
        true
    }

    async fn write(&self, batch: &[Ending]) {
        let mut pause = Duration::from_millis(50);
        let held = loop {
            match self.engine.finish(batch).await {
                Ok(held) => break held,
                Err(error) => {
                    tracing::warn!(%error, waiting = batch.len(), "results could not be written; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        };
        for ending in batch {
            metrics::counter!("engine_attempts_total", "queue" => self.queue, "verdict" => ending.verdict.as_str())
                .increment(1);
        }
        if held.len() < batch.len() {
            let lost = batch.len() - held.len();
            tracing::warn!(queue = self.queue, lost, "results refused: the claim was lost to another node");
            metrics::counter!("engine_claims_lost_total").increment(lost as u64);
        }
    }
}
