//! The apalis side: a receiver of claimed jobs and the layer that turns a handler's outcome into an
//! ending.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::{
    backend::{Backend as ApalisBackend, BackendConfig, finalize::Ephemeral},
    error::BoxDynError,
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::context::WorkerContext,
};
use futures::future::BoxFuture;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::{COMPLETERS, Envelope, chance};
use crate::{
    Outcome,
    finish::{Claim, Ending},
    node::Member,
};

/// How long a handler may go on after its job was cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// One queue of one node as apalis sees it.
pub struct Backend {
    claimed: mpsc::Receiver<Envelope>,
    settling: Settling,
    dispatching: Option<JoinHandle<()>>,
    completing: [JoinHandle<()>; COMPLETERS],
    no_more: CancellationToken,
    closing: Option<BoxFuture<'static, ()>>,
}

/// What it takes to run a handler to its end and to say how it ended.
#[derive(Debug, Clone)]
pub(super) struct Settling {
    pub ended: mpsc::Sender<Ending>,
    pub member: Arc<Member>,
    pub stop: CancellationToken,
    pub grace: Duration,
}

impl Backend {
    pub(super) fn new(
        claimed: mpsc::Receiver<Envelope>,
        settling: Settling,
        dispatching: JoinHandle<()>,
        completing: [JoinHandle<()>; COMPLETERS],
        no_more: CancellationToken,
    ) -> Self {
        Self { claimed, settling, dispatching: Some(dispatching), completing, no_more, closing: None }
    }

    /// Hands back what was claimed but not begun, then lets the completer write the last results.
    fn close(&mut self) -> BoxFuture<'static, ()> {
        let (_, empty) = mpsc::channel(1);
        let mut claimed = std::mem::replace(&mut self.claimed, empty);
        let (ended, no_more) = (self.settling.ended.clone(), self.no_more.clone());
        let dispatching = self.dispatching.take();
        let completing =
            std::mem::replace(&mut self.completing, std::array::from_fn(|_| tokio::spawn(async {})));
        Box::pin(async move {
            // The channel ends when the dispatcher and its last claim have let go of it.
            if let Some(dispatching) = dispatching {
                let _ = dispatching.await;
            }
            while let Some(envelope) = claimed.recv().await {
                let _ = ended.send(envelope.claim.released()).await;
            }
            no_more.cancel();
            for completer in completing {
                let _ = completer.await;
            }
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
        self.claimed.poll_recv(cx).map(|envelope| {
            envelope.map(|envelope| {
                let id = TaskId::from_string(envelope.claim.job.to_string());
                Ok(TaskBuilder::new(envelope).task_id(id).build())
            })
        })
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

    fn call(&mut self, mut task: Task<Envelope>) -> Self::Future {
        let settling = self.settling.clone();
        let (claim, permit) = (task.args.claim, task.args.permit.take());
        if task.args.late {
            let outcome = Outcome::Discard { code: "too_late", why: "its deadline had passed".into() };
            return Box::pin(async move {
                settling.settle(&claim, claim.ending(outcome, 0.0)).await;
                drop(permit);
                Ok(())
            });
        }
        let (timeout, cancelled) = (task.args.timeout, task.args.cancelled.clone());
        let work = self.inner.call(task);
        // The permit goes with the handler: one that cannot be cut off keeps its place.
        let running = tokio::spawn(async move {
            let _permit = permit;
            work.await
        });
        Box::pin(async move {
            let ending = settling.watch(&claim, running, timeout, cancelled).await;
            settling.settle(&claim, ending).await;
            Ok(())
        })
    }
}

impl Settling {
    /// Runs a handler to its end, to its timeout, to its cancellation or to the end of the node's grace.
    async fn watch<E: Into<BoxDynError>>(
        &self,
        claim: &Claim,
        running: JoinHandle<Result<Outcome, E>>,
        timeout: Duration,
        cancelled: CancellationToken,
    ) -> Option<Ending> {
        let abort = running.abort_handle();
        let out_of_grace = async {
            self.stop.cancelled().await;
            tokio::time::sleep(self.grace).await;
        };
        let out_of_patience = async {
            cancelled.cancelled().await;
            tokio::time::sleep(CANCEL_GRACE).await;
        };
        let outcome = tokio::select! {
            biased;
            ended = running => return claim.ending(match ended {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => failed("handler_failed", &error.into()),
                Err(lost) => failed("handler_panicked", &lost.into()),
            }, chance()),
            () = tokio::time::sleep(timeout) => {
                let why = format!("it took longer than {} ms", timeout.as_millis());
                Some(Outcome::Retry { after: None, code: "timeout", why })
            }
            () = out_of_patience => Some(Outcome::Cancel),
            () = out_of_grace => None,
        };
        abort.abort();
        match outcome {
            Some(outcome) => claim.ending(outcome, chance()),
            None => Some(claim.released()),
        }
    }

    async fn settle(&self, claim: &Claim, ending: Option<Ending>) {
        self.member.ends(claim);
        if let Some(ending) = ending {
            // The completers outlive every handler; a closed channel is impossible before that.
            let _ = self.ended.send(ending).await;
        }
    }
}

/// The text of an unexpected failure goes to the log only; what is stored is the code.
fn failed(code: &'static str, error: &BoxDynError) -> Outcome {
    tracing::error!(%error, code, "an attempt failed unexpectedly");
    Outcome::Retry { after: None, code, why: "an internal failure; the log has the cause".into() }
}
