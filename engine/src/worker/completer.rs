//! Records how attempts ended, many in one statement, and goes on through every database error:
//! results wait here and are written when the database is back.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine,
    db::Line,
    finish::{Ending, Verdict},
};

/// Endings in one statement.
const BATCH: usize = 1_000;
/// How long a batch may be waited for while more results are on their way.
const LINGER: Duration = Duration::from_micros(300);
/// The same while batches come large anyway: each statement has its own price.
const LINGER_LOADED: Duration = Duration::from_millis(3);
const LOADED: usize = BATCH / 5;

/// Endings on their way to the database.
pub(super) struct Inbox {
    pub ended: mpsc::Receiver<Ending>,
    /// The last batch was large.
    pub loaded: bool,
}

pub(super) struct Completer {
    pub engine: Engine,
    pub queue: &'static str,
    /// One completer gathers at a time.
    pub inbox: Arc<Mutex<Inbox>>,
    /// Cancelled once every ending has been sent.
    pub no_more: CancellationToken,
}

impl Completer {
    pub(super) async fn run(self) {
        let (mut batch, mut line) = (Vec::with_capacity(BATCH), Line::new(&self.engine));
        while self.gather(&mut batch).await {
            self.write(&mut line, &batch).await;
            batch.clear();
        }
    }

    /// Waits for endings and, where several come at once, a moment for more. `false` after the last.
    async fn gather(&self, batch: &mut Vec<Ending>) -> bool {
        let mut inbox = self.inbox.lock().await;
        let Inbox { ended, loaded } = &mut *inbox;
        tokio::select! {
            biased;
            received = ended.recv_many(batch, BATCH) => if received == 0 { return false },
            () = self.no_more.cancelled() => return false,
        }
        if batch.len() > 1 {
            let linger = if *loaded { LINGER_LOADED } else { LINGER };
            let until = Instant::now() + linger;
            while batch.len() < BATCH {
                let more = ended.recv_many(batch, BATCH - batch.len());
                if !matches!(tokio::time::timeout_at(until, more).await, Ok(1..)) {
                    break;
                }
            }
        }
        *loaded = batch.len() >= LOADED;
        true
    }

    async fn write(&self, line: &mut Line, batch: &[Ending]) {
        let mut pause = Duration::from_millis(50);
        let lost = loop {
            match self.engine.finish(line, batch).await {
                Ok(lost) => break lost,
                Err(error) => {
                    tracing::warn!(%error, waiting = batch.len(), "results could not be written; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        };
        for verdict in Verdict::ALL {
            let count = batch.iter().filter(|ending| ending.verdict == verdict).count() as u64;
            if count > 0 {
                metrics::counter!("engine_attempts_total", "queue" => self.queue, "verdict" => verdict.as_str())
                    .increment(count);
            }
        }
        if lost > 0 {
            tracing::warn!(queue = self.queue, lost, "results refused: the claim was lost to another node");
            metrics::counter!("engine_claims_lost_total").increment(lost as u64);
        }
    }
}
