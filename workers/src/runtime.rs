//! An apalis worker for each queue: envelope to context to handler.

use std::{collections::HashMap, sync::Arc, time::Duration};

use apalis::prelude::{Data, WorkerBuilder, WorkerError};
use domain::{
    Ctx, Error,
    ctx::{Actor, Platform},
    messages::provider::Answer,
    trace,
    types::TenantId,
    vault::service::is_away,
};
use engine::{
    Outcome,
    node::Node,
    worker::{self, Envelope, QueueSettings},
};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field};

use crate::{
    jobs::Shared,
    registry::{Handler, QUEUES, Run, handlers},
    rim::outbound::Outbound,
};

/// How long handlers may go on after the node began to drain: longer than a provider's call.
const GRACE: Duration = Duration::from_secs(15);

/// How soon a job is tried again that needs a key service which is away.
const AWAY: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Runtime {
    platform: Platform,
    handlers: Arc<HashMap<&'static str, Handler>>,
    shared: Arc<Shared>,
}

/// Workers whose queues are open.
pub struct Opened {
    workers: FuturesUnordered<JoinHandle<(&'static str, Result<(), WorkerError>)>>,
    stop: CancellationToken,
}

/// Opens every queue and begins to work, until `stop`; then nothing more is claimed.
///
/// # Errors
/// If a queue cannot be opened, or there is no way out to servers of tenants.
pub async fn open(platform: Platform, node: &Node, stop: CancellationToken) -> domain::Result<Opened> {
    let outbound = Outbound::new(Arc::clone(&platform.outbound))?;
    let runtime = Runtime {
        platform: platform.clone(),
        handlers: Arc::new(handlers()),
        shared: Arc::new(Shared::new(outbound)),
    };
    known_from_the_start(&platform);
    let workers = FuturesUnordered::new();
    for (name, concurrency) in QUEUES {
        let settings = QueueSettings { name, concurrency, grace: GRACE };
        let backend = worker::open(&platform.engine, node, settings, stop.clone()).await?;
        let worker = WorkerBuilder::new(name).backend(backend).data(runtime.clone()).build(handle);
        workers.push(tokio::spawn(async move { (name, worker.run().await) }));
    }
    Ok(Opened { workers, stop })
}

/// Whoever watches for growth does not see what begins with the first one.
fn known_from_the_start(platform: &Platform) {
    for provider in platform.providers.kinds() {
        for answer in Answer::WORDS {
            metrics::counter!("switchboard_provider_answers_total", "provider" => provider, "answer" => answer)
                .increment(0);
        }
    }
}

impl Opened {
    /// Resolves when what ran at the stop has ended. A worker that ends before it leaves its queue unserved
    /// here, so `failed` is cancelled for the whole process to end and be started anew.
    pub async fn run(mut self, failed: CancellationToken) {
        while let Some(worker) = self.workers.next().await {
            match worker {
                Ok((_, Ok(()))) if self.stop.is_cancelled() => continue,
                Ok((queue, Ok(()))) => tracing::error!(queue, "a worker ended before it was told to"),
                Ok((queue, Err(error))) => tracing::error!(%error, queue, "a worker ended badly"),
                Err(error) => tracing::error!(%error, "a worker was lost"),
            }
            failed.cancel();
        }
    }
}

async fn handle(mut envelope: Envelope, runtime: Data<Runtime>) -> Result<Outcome, Error> {
    let claim = envelope.claim;
    let Some(handler) = runtime.handlers.get(&*envelope.kind) else {
        let why = format!("this build was handed a kind that it does not know: {}", envelope.kind);
        return Err(Error::internal(std::io::Error::other(why)));
    };
    let (request_id, traceparent) = envelope.trace.take().map_or((None, None), trace::apart);
    // Whoever enqueued a job had the right to; the work itself is the product's.
    let ctx = Ctx {
        actor: serde_json::from_str(envelope.actor.get()).unwrap_or(Actor::System),
        trace: request_id,
        ..Ctx::itself(&runtime.platform, TenantId(claim.tenant))
    };
    let span = tracing::info_span!(
        "attempt", job.kind = %envelope.kind, job.id = %claim.job, tenant.id = %claim.tenant, attempt = claim.attempt,
        failure = field::Empty
    );
    if let Some(traceparent) = &traceparent {
        trace::adopt(&span, traceparent);
    }
    let run = Run { ctx, claim, signals: envelope.signals.clone(), shared: Arc::clone(&runtime.shared) };
    let ended = handler.call(run, envelope.version, &envelope.args).instrument(span.clone()).await;
    let _inside = span.enter();
    match ended {
        Ok(outcome) => {
            tracing::debug!(?outcome, "ended");
            Ok(outcome)
        }
        // It may be away for an hour, which is no fault of the job.
        Err(Error::Internal(cause)) if is_away(&*cause) => {
            tracing::warn!(%cause, "a job needs the key service; it is tried again shortly");
            Ok(Outcome::Snooze { after: AWAY })
        }
        // What a command refuses will be refused again; what failed inside may work next time.
        Err(error @ Error::Internal(_)) => {
            span.record("failure", "internal");
            Err(error)
        }
        Err(refused) => {
            span.record("failure", "refused");
            Ok(Outcome::Discard { code: "refused", why: refused.to_string() })
        }
    }
}
