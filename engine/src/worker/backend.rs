//! The apalis side: a receiver of claimed jobs and the layer that turns a handler's outcome into an
//! ending.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
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

use super::{Envelope, chance};
use crate::{Outcome, finish::Ending};

/// One queue of one node as apalis sees it.
pub struct Backend {
    claimed: mpsc::Receiver<Envelope>,
    ended: mpsc::Sender<Ending>,
    dispatching: Option<JoinHandle<()>>,
    completing: Option<JoinHandle<()>>,
    no_more: CancellationToken,
    stop: CancellationToken,
    grace: Duration,
    closing: Option<BoxFuture<'static, ()>>,
}

impl Backend {
    pub(super) fn new(
        claimed: mpsc::Receiver<Envelope>,
        ended: mpsc::Sender<Ending>,
        dispatching: JoinHandle<()>,
        completing: JoinHandle<()>,
        no_more: CancellationToken,
        stop: CancellationToken,
        grace: Duration,
    ) -> Self {
        let (dispatching, completing) = (Some(dispatching), Some(completing));
        Self { claimed, ended, dispatching, completing, no_more, stop, grace, closing: None }
    }

    /// Hands back what was claimed but not begun, then lets the completer write the last results.
    fn close(&mut self) -> BoxFuture<'static, ()> {
        let (_, empty) = mpsc::channel(1);
        let mut claimed = std::mem::replace(&mut self.claimed, empty);
        let (ended, no_more) = (self.ended.clone(), self.no_more.clone());
        let (dispatching, completing) = (self.dispatching.take(), self.completing.take());
        Box::pin(async move {
            // The channel ends when the dispatcher and its last claim have let go of it.
            if let Some(dispatching) = dispatching {
                let _ = dispatching.await;
            }
            while let Some(envelope) = claimed.recv().await {
                let _ = ended.send(envelope.claim.released()).await;
            }
            no_more.cancel();
            if let Some(completing) = completing {
                let _ = completing.await;
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
        if self.stop.is_cancelled() {
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
        SettleLayer { ended: self.ended.clone(), stop: self.stop.clone(), grace: self.grace }
    }
}

/// The outermost layer: spawns the handler and sends its ending to the completer.
#[derive(Debug, Clone)]
pub struct SettleLayer {
    ended: mpsc::Sender<Ending>,
    stop: CancellationToken,
    grace: Duration,
}

impl<S> Layer<S> for SettleLayer {
    type Service = Settle<S>;

    fn layer(&self, inner: S) -> Settle<S> {
        Settle { inner, layer: self.clone() }
    }
}

/// See [`SettleLayer`].
#[derive(Debug, Clone)]
pub struct Settle<S> {
    inner: S,
    layer: SettleLayer,
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
        let (claim, permit) = (task.args.claim, task.args.permit.take());
        let SettleLayer { ended, stop, grace } = self.layer.clone();
        let running = tokio::spawn(self.inner.call(task));
        let abort = running.abort_handle();
        Box::pin(async move {
            let out_of_grace = async {
                stop.cancelled().await;
                tokio::time::sleep(grace).await;
            };
            let outcome = tokio::select! {
                biased;
                ended = running => match ended {
                    Ok(Ok(outcome)) => Some(outcome),
                    Ok(Err(error)) => Some(failed("handler_failed", &error.into())),
                    Err(lost) => Some(failed("handler_panicked", &lost.into())),
                },
                () = out_of_grace => None,
            };
            let ending = if let Some(outcome) = outcome {
                claim.ending(outcome, chance())
            } else {
                abort.abort();
                Some(claim.released())
            };
            if let Some(ending) = ending {
                // The completer outlives every handler; a closed channel is impossible before that.
                let _ = ended.send(ending).await;
            }
            drop(permit);
            Ok(())
        })
    }
}

/// The text of an unexpected failure goes to the log only; what is stored is the code.
fn failed(code: &'static str, error: &BoxDynError) -> Outcome {
    tracing::error!(%error, code, "an attempt failed unexpectedly");
    Outcome::Retry { after: None, code, why: "an internal failure; the log has the cause".into() }
}
