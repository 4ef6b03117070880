//! The apalis side: a receiver of claimed jobs and the layer that turns a handler's outcome into an
//! ending.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use apalis_core::{
    backend::{Backend as ApalisBackend, BackendConfig, finalize::Ephemeral},
    error::BoxDynError,
    task::{Task, builder::TaskBuilder},
    worker::context::WorkerContext,
};
use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::{
    Envelope, chance,
    dispatcher::LAST_ANSWER,
    running::{CutOff, Running},
};
use crate::{Outcome, finish::Ending};

/// One queue of one node as apalis sees it.
pub struct Backend {
    claimed: mpsc::Receiver<Vec<Envelope>>,
    /// What is left of the last batch.
    batch: std::vec::IntoIter<Envelope>,
    settling: Settling,
    tasks: Option<Tasks>,
    no_more: CancellationToken,
    closing: Option<BoxFuture<'static, ()>>,
}

/// How long results wait for the database once nothing more is to come.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

struct Tasks {
    dispatching: JoinHandle<()>,
    give_up: CancellationToken,
    completing: JoinHandle<()>,
    watching: JoinHandle<()>,
    /// Cancelled when there is nothing more to be cut off.
    unwatched: CancellationToken,
}

/// What it takes to run a handler to its end and to say how it ended.
#[derive(Debug, Clone)]
pub(super) struct Settling {
    pub ended: mpsc::Sender<Ending>,
    pub running: Arc<Running>,
    /// One for each handler; all are back when nothing runs.
    pub permits: Arc<Semaphore>,
    pub concurrency: u32,
    pub stop: CancellationToken,
    pub grace: Duration,
}

impl Backend {
    pub(super) fn new(
        claimed: mpsc::Receiver<Vec<Envelope>>,
        settling: Settling,
        dispatching: JoinHandle<()>,
        completing: JoinHandle<()>,
        no_more: CancellationToken,
        give_up: CancellationToken,
    ) -> Self {
        let unwatched = CancellationToken::new();
        let watching = tokio::spawn(settling.clone().watch(unwatched.clone()));
        let tasks = Some(Tasks { dispatching, give_up, completing, watching, unwatched });
        Self { claimed, batch: Vec::new().into_iter(), settling, tasks, no_more, closing: None }
    }

    /// Hands back what was claimed but not begun, gives what runs its grace, then lets the completer
    /// write the last results.
    fn close(&mut self) -> BoxFuture<'static, ()> {
        let (_, empty) = mpsc::channel(1);
        let mut claimed = std::mem::replace(&mut self.claimed, empty);
        let mut batch = std::mem::take(&mut self.batch);
        let (settling, no_more, tasks) = (self.settling.clone(), self.no_more.clone(), self.tasks.take());
        Box::pin(async move {
            let Some(tasks) = tasks else { return };
            // What cannot be written holds up the channel that all this goes through.
            let (give_up, patience) = (tasks.give_up.clone(), LAST_ANSWER + settling.grace + LAST_PATIENCE);
            let alarm = tokio::spawn(async move {
                tokio::time::sleep(patience).await;
                give_up.cancel();
            });
            // The channel ends when the dispatcher and its last claim have let go of it.
            let _ = tasks.dispatching.await;
            loop {
                for envelope in batch {
                    settling.tell(Some(envelope.claim.released())).await;
                }
                match claimed.recv().await {
                    Some(next) => batch = next.into_iter(),
                    None => break,
                }
            }
            let all_ended = settling.permits.acquire_many(settling.concurrency);
            if tokio::time::timeout(settling.grace, all_ended).await.is_err() {
                for claim in settling.running.cut_off_all() {
                    settling.tell(Some(claim.released())).await;
                }
            }
            // One that was cut off and not told yet would be nobody's.
            tasks.unwatched.cancel();
            let _ = tasks.watching.await;
            no_more.cancel();
            let mut written = tasks.completing;
            if tokio::time::timeout(LAST_PATIENCE, &mut written).await.is_err() {
                tasks.give_up.cancel();
                let _ = written.await;
            }
            alarm.abort();
        })
    }
}

impl ApalisBackend for Backend {
    type Task = Task<Envelope>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Task<Envelope>, Infallible>>> {
        if self.settling.stop.is_cancelled() {
            return Poll::Ready(None);
        }
        loop {
            if let Some(envelope) = self.batch.next() {
                return Poll::Ready(Some(Ok(TaskBuilder::new(envelope).build())));
            }
            match ready!(self.claimed.poll_recv(cx)) {
                Some(batch) => self.batch = batch.into_iter(),
                None => return Poll::Ready(None),
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if self.closing.is_none() {
            self.closing = Some(self.close());
            // apalis does not end a worker whose backend has ended. Refused only before a start.
            let _ = worker.stop();
        }
        match &mut self.closing {
            Some(closing) => closing.as_mut().poll(cx).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl BackendConfig for Backend {
    type Args = Envelope;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> SettleLayer {
        SettleLayer(self.settling.clone())
    }
}

/// The outermost layer: spawns the handler and sends its ending to the completer.
#[derive(Debug, Clone)]
pub struct SettleLayer(Settling);

impl<S> Layer<S> for SettleLayer {
    type Service = Settle<S>;

    fn layer(&self, inner: S) -> Settle<S> {
        Settle { inner, settling: self.0.clone() }
    }
}

/// See [`SettleLayer`].
#[derive(Debug, Clone)]
pub struct Settle<S> {
    inner: S,
    settling: Settling,
}

impl<S> Service<Task<Envelope>> for Settle<S>
where
    S: Service<Task<Envelope>, Response = Outcome>,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError> + Send + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    /// Resolves at once: the handler is a task of its own and says itself how it ended.
    fn call(&mut self, mut task: Task<Envelope>) -> Self::Future {
        let settling = self.settling.clone();
        let (claim, permit) = (task.args.claim, task.args.permit.take());
        if task.args.late {
            let outcome = Outcome::Discard { code: "too_late", why: "its deadline had passed".into() };
            return Box::pin(async move {
                settling.tell(claim.ending(outcome, chance)).await;
                drop(permit);
                Ok(())
            });
        }
        let timeout = task.args.timeout;
        let work = self.inner.call(task);
        let running = Arc::clone(&settling.running);
        running.begins(claim, timeout, || {
            tokio::spawn(async move {
                // The permit goes with the handler: one that cannot be cut off keeps its place.
                let _permit = permit;
                let outcome = match AssertUnwindSafe(work).catch_unwind().await {
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(error)) => failed("handler_failed", &error.into()),
                    Err(_) => failed("handler_panicked", &"it panicked; the panic stands above".into()),
                };
                if settling.running.ends(&claim) {
                    settling.tell(claim.ending(outcome, chance)).await;
                }
            })
            .abort_handle()
        });
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Settling {
    async fn tell(&self, ending: Option<Ending>) {
        if let Some(ending) = ending {
            // The completer outlives every handler; a closed channel is impossible before that.
            let _ = self.ended.send(ending).await;
        }
    }

    /// Cuts off what does not end in time.
    async fn watch(self, unwatched: CancellationToken) {
        while let Some(CutOff { claim, outcome }) =
            unwatched.run_until_cancelled(self.running.next_cut_off()).await
        {
            self.tell(claim.ending(outcome, chance)).await;
        }
    }
}

/// The text of an unexpected failure goes to the log only; what is stored is the code.
fn failed(code: &'static str, error: &BoxDynError) -> Outcome {
    tracing::error!(%error, code, "an attempt failed unexpectedly");
    Outcome::Retry { after: None, code, why: "an internal failure; the log has the cause".into() }
}
