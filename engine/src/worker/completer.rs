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
const BATCH: usize = 2_000;
/// How often whoever is ready to run goes first: jobs that end at one moment are written together.
const YIELDS: usize = 3;
/// How long a batch may be waited for while batches come large: each statement has its own price.
const LINGER: Duration = Duration::from_millis(5);
const LOADED: usize = BATCH / 10;

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
    /// Cancelled when what is not written by now is left behind.
    pub give_up: CancellationToken,
}

impl Completer {
    pub(super) async fn run(self) {
        let (mut batch, mut line) = (Vec::with_capacity(BATCH), Line::new(&self.engine));
        while self.gather(&mut batch).await {
            self.write(&mut line, &batch).await;
            batch.clear();
        }
    }

    /// Waits for endings, and for more while many come. `false` after the last.
    async fn gather(&self, batch: &mut Vec<Ending>) -> bool {
        let mut inbox = self.inbox.lock().await;
        let Inbox { ended, loaded } = &mut *inbox;
        tokio::select! {
            biased;
            received = ended.recv_many(batch, BATCH) => if received == 0 { return false },
            () = self.no_more.cancelled() => return false,
        }
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
            while batch.len() < BATCH
                && let Ok(more) = ended.try_recv()
            {
                batch.push(more);
            }
        }
        if *loaded {
            let until = Instant::now() + LINGER;
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

    /// Writes a batch. What the database refuses is found by halving, so that it holds nothing else up.
    async fn write(&self, line: &mut Line, batch: &[Ending]) {
        let mut waiting = vec![batch.to_vec()];
        let mut lost = 0;
        while let Some(mut part) = waiting.pop() {
            match self.insist(line, &part).await {
                Ok(refused) => lost += refused,
                Err(error) if part.len() > 1 => {
                    tracing::warn!(%error, endings = part.len(), "a batch was refused; halving it");
                    let half = part.split_off(part.len() / 2);
                    waiting.extend([part, half]);
                }
                Err(error) if part[0].verdict == Verdict::Released => {
                    tracing::error!(%error, job.id = %part[0].job, "not even that; it runs again when this process ends");
                }
                Err(error) if part[0].code != Some(Ending::REFUSED) => {
                    tracing::error!(%error, job.id = %part[0].job, "an ending was refused; writing it without its text");
                    waiting.push(vec![part[0].plain()]);
                }
                Err(error) => {
                    tracing::error!(%error, job.id = %part[0].job, "an ending cannot be written; its job goes back");
                    waiting.push(vec![part[0].put_back()]);
                }
            }
        }
        self.count(batch, lost);
    }

    /// Writes a part, waiting for a database that does not answer; errs if it refuses. Answers how many
    /// were lost to other nodes.
    async fn insist(&self, line: &mut Line, part: &[Ending]) -> sqlx::Result<usize> {
        let mut pause = Duration::from_millis(50);
        // Without an answer the server may have it or have forgotten it: it is written again. What the server still has is
        // not found then, and may not be on the disk yet.
        let mut doubt = false;
        let mut lost = None;
        loop {
            let error = match self.engine.finish(line, part, !doubt).await {
                Ok(written) if written.unflushed || doubt => {
                    let lost = *lost.get_or_insert(written.lost);
                    match self.engine.flush(line).await {
                        Ok(()) => return Ok(lost),
                        Err(error) => error,
                    }
                }
                Ok(written) => return Ok(written.lost),
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => error,
            };
            doubt = true;
            tracing::warn!(%error, waiting = part.len(), "results could not be written; trying again");
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                () = self.give_up.cancelled() => {
                    tracing::error!(waiting = part.len(), "results are left behind; their jobs will run again");
                    return Ok(0);
                }
            }
        }
    }

    fn count(&self, batch: &[Ending], lost: usize) {
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

/// Whether the statement itself is at fault, so that trying again is no use: data that does not fit
/// (SQLSTATE classes 22, 23), or a limit of the server (54).
fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    // The partition of the day may be missing: that is not the row's fault, and upkeep sees to it.
    let misplaced = error.code().as_deref() == Some("23514") && error.constraint().is_none();
    let fault = |class: &&str| error.code().is_some_and(|code| code.starts_with(*class));
    !misplaced && ["22", "23", "54"].iter().any(fault)
}
