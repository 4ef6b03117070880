//! Records how attempts ended, many in one statement, and goes on through every database error:
//! results wait here and are written when the database is back.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{Desk, Said},
    refusals::is_at_fault,
};
use crate::{
    Engine,
    db::Line,
    finish::{Ending, Verdict},
};

/// Endings in one statement.
const BATCH: usize = 2_000;
/// Statements at a time: what ends while some are under way need not wait for them. One that follows a large batch takes
/// the place of two, for these are busy and not waiting.
const WRITERS: u32 = 4;
const LARGE: u32 = 2;
/// How often whoever is ready to run goes first: jobs that end at one moment are written together.
const YIELDS: usize = 3;
/// How long a batch may be waited for while batches come large: each statement has its own price.
const LINGER: Duration = Duration::from_millis(5);
const LOADED: usize = BATCH / 10;
/// How long a statement that is under way is waited for once the rest is given up.
const LAST_STATEMENT: Duration = Duration::from_secs(2);

/// Gathers what has ended on a queue of a node and has it written.
pub(super) struct Completer {
    pub writer: Arc<Writer>,
    pub ended: mpsc::Receiver<Ending>,
    pub desk: Arc<Desk>,
    /// The last batch was large.
    pub loaded: bool,
    /// Cancelled once every ending has been sent.
    pub no_more: CancellationToken,
}

pub(super) struct Writer {
    engine: Engine,
    queue: &'static str,
    /// Cancelled when what is not written by now is left behind.
    give_up: CancellationToken,
    places: Arc<Semaphore>,
    /// The last one used is on top: its plans and caches are the warmest.
    lines: Mutex<Vec<Line>>,
}

impl Completer {
    /// Ends when the last ending is written or left behind.
    pub(super) async fn run(mut self) {
        loop {
            let places = if self.loaded { LARGE } else { 1 };
            let Ok(place) = Arc::clone(&self.writer.places).acquire_many_owned(places).await else { return };
            let Some(batch) = self.gather().await else { break };
            let (writer, batch) = (Arc::clone(&self.writer), Arc::new(batch));
            let handed = self.desk.offer(&batch);
            tokio::spawn(async move {
                writer.settle(batch, handed).await;
                drop(place);
            });
        }
        // Errs only where somebody closes the semaphore, and nobody does.
        let _all = self.writer.places.acquire_many(WRITERS).await;
    }

    /// Waits for endings, and for more while many come; none after the last.
    async fn gather(&mut self) -> Option<Vec<Ending>> {
        let (mut batch, ended) = (Vec::new(), &mut self.ended);
        tokio::select! {
            biased;
            received = ended.recv_many(&mut batch, BATCH) => if received == 0 { return None },
            () = self.no_more.cancelled() => return None,
        }
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
            while batch.len() < BATCH
                && let Ok(more) = ended.try_recv()
            {
                batch.push(more);
            }
        }
        if self.loaded {
            let until = Instant::now() + LINGER;
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                let more = ended.recv_many(&mut batch, room);
                if !matches!(tokio::time::timeout_at(until, more).await, Ok(1..)) {
                    break;
                }
            }
        }
        self.loaded = batch.len() >= LOADED;
        Some(batch)
    }
}

impl Writer {
    pub(super) fn new(engine: &Engine, queue: &'static str, give_up: CancellationToken) -> Self {
        let places = Arc::new(Semaphore::new(WRITERS as usize));
        Self { engine: engine.clone(), queue, give_up, places, lines: Mutex::default() }
    }

    fn line(&self) -> Line {
        let spare = self.lines.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Line::new(&self.engine))
    }

    /// Writes a batch, unless the dispatcher has: until that says so, it is ours.
    async fn settle(&self, batch: Arc<Vec<Ending>>, handed: Option<oneshot::Receiver<Said>>) {
        self.count(&batch);
        let said = match handed {
            Some(word) => tokio::select! {
                word = word => word.unwrap_or(Said::Untouched),
                () = self.answers_too_late() => {
                    left_behind(&batch);
                    return;
                }
            },
            None => Said::Untouched,
        };
        let lost = match said {
            Said::Written { lost } => lost,
            Said::Untouched | Said::InDoubt => self.write(Arc::unwrap_or_clone(batch)).await,
        };
        if lost > 0 && said == Said::InDoubt {
            // The first statement has written them, unless they were lost before it: nobody can tell any more.
            tracing::info!(
                queue = self.queue,
                endings = lost,
                "results whose answer was lost are no longer ours"
            );
        } else if lost > 0 {
            tracing::warn!(queue = self.queue, lost, "results refused: the claim was lost to another node");
            metrics::counter!("engine_claims_lost_total").increment(lost as u64);
        }
    }

    /// Writes a batch; answers how many were lost to other nodes. What the database refuses is found by halving, so that
    /// it holds nothing else up.
    async fn write(&self, batch: Vec<Ending>) -> usize {
        let mut line = self.line();
        let (mut waiting, mut lost) = (vec![batch], 0);
        while let Some(mut part) = waiting.pop() {
            match self.insist(&mut line, &part).await {
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
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        lost
    }

    /// Writes a part, waiting for a database that does not answer; errs if it refuses. Answers how many
    /// were lost to other nodes.
    async fn insist(&self, line: &mut Line, part: &[Ending]) -> sqlx::Result<usize> {
        let mut pause = Duration::from_millis(50);
        loop {
            let error = tokio::select! {
                written = self.engine.finish(line, part) => match written {
                    Err(error) if !is_at_fault(&error) => error,
                    written_or_refused => return written_or_refused,
                },
                () = self.answers_too_late() => return Ok(left_behind(part)),
            };
            tracing::warn!(%error, waiting = part.len(), "results could not be written; trying again");
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                () = self.give_up.cancelled() => return Ok(left_behind(part)),
            }
        }
    }

    /// A database that is only slow has a little longer for a statement that is under way.
    async fn answers_too_late(&self) {
        self.give_up.cancelled().await;
        tokio::time::sleep(LAST_STATEMENT).await;
    }

    fn count(&self, batch: &[Ending]) {
        for verdict in Verdict::ALL {
            let count = batch.iter().filter(|ending| ending.verdict == verdict).count() as u64;
            if count > 0 {
                metrics::counter!("engine_attempts_total", "queue" => self.queue, "verdict" => verdict.as_str())
                    .increment(count);
            }
        }
    }
}

fn left_behind(part: &[Ending]) -> usize {
    tracing::error!(waiting = part.len(), "results are left behind; their jobs will run again");
    0
}
