//! Running jobs: a dispatcher claims, apalis runs, a completer records.
//!
//! For each queue of a node there is a dispatcher task, a completer task and a
//! [`Backend`] that hands claimed jobs to an apalis worker. apalis ends a worker whose backend
//! errs, so ours cannot err: it is a thin receiver, and the tasks behind it outlive every database
//! error by backing off and going on. Where the dispatcher waits for slots of a limit, the completer hands it the endings
//! that give some back, over the `desk`.

mod alone;
mod backend;
mod claim;
mod completer;
mod desk;
mod dispatcher;
mod memory;
mod positions;
mod refusals;
mod resting;
mod rotation;
pub(crate) mod running;
mod waiting;

use std::{sync::Arc, time::Duration};

use running::Running;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

pub use backend::Backend;
pub use running::Signals;

use crate::{
    Engine,
    finish::{Claim, Verdict},
    node::{Node, Queue},
};

/// A claimed job on its way to its handler.
#[derive(Debug)]
pub struct Envelope {
    pub claim: Claim,
    pub kind: Arc<str>,
    pub version: i16,
    pub args: Box<RawValue>,
    pub actor: Box<RawValue>,
    pub trace: Option<String>,
    timeout: Duration,
    /// Its deadline had passed when it was claimed.
    late: bool,
    pub business_key: Option<String>,
    pub signals: Signals,
    permit: Option<OwnedSemaphorePermit>,
}

/// How a queue is worked on this node.
#[derive(Debug, Clone, Copy)]
pub struct QueueSettings {
    pub name: &'static str,
    /// Handlers at a time.
    pub concurrency: usize,
    /// How long handlers may go on after the node began to drain.
    pub grace: Duration,
}

/// Starts dispatcher and completer of one queue and answers the apalis backend for it. When `stop`
/// is cancelled nothing more is claimed, what was claimed but not begun is handed back, and what runs
/// has `grace` to end.
///
/// # Errors
/// If the queue's number cannot be had.
pub async fn open(
    engine: &Engine,
    node: &Node,
    settings: QueueSettings,
    stop: CancellationToken,
) -> sqlx::Result<Backend> {
    let queue = engine.queue_id(settings.name).await?;
    // Known from the start: whoever watches for growth does not see what begins with the first one.
    for verdict in Verdict::ALL {
        metrics::counter!("engine_attempts_total", "queue" => settings.name, "verdict" => verdict.as_str())
            .increment(0);
    }
    node.registered().await;
    engine.ensure_partitions().await?;
    let (claimed_in, claimed_out) = mpsc::channel(settings.concurrency);
    let (ended_in, ended_out) = mpsc::channel(settings.concurrency.max(64) * 2);
    let permits = Arc::new(Semaphore::new(settings.concurrency));
    let running = Arc::new(Running::new(settings.grace));
    let concurrency = u32::try_from(settings.concurrency).unwrap_or(u32::MAX);
    node.member.runs(Queue {
        running: Arc::clone(&running),
        permits: Arc::clone(&permits),
        concurrency,
        stop: stop.clone(),
    });
    let (no_more, give_up) = (CancellationToken::new(), CancellationToken::new());
    let desk = Arc::new(desk::Desk::default());
    let dispatcher = dispatcher::Dispatcher {
        engine: engine.clone(),
        member: Arc::clone(&node.member),
        queue,
        name: settings.name,
        permits: Arc::clone(&permits),
        claimed: claimed_in,
        ended: ended_in.clone(),
        desk: Arc::clone(&desk),
        running: Arc::clone(&running),
        signals: Arc::new(Signals::of_queue(Arc::clone(&running), stop.clone())),
        stop: stop.clone(),
    };
    let dispatching = tokio::spawn(dispatcher.run());
    let completer = completer::Completer {
        writer: Arc::new(completer::Writer::new(engine, settings.name, give_up.clone())),
        ended: ended_out,
        desk,
        loaded: false,
        no_more: no_more.clone(),
    };
    let completing = tokio::spawn(completer.run());
    let settling =
        backend::Settling { ended: ended_in, running, permits, concurrency, stop, grace: settings.grace };
    Ok(Backend::new(claimed_out, settling, dispatching, completing, no_more, give_up))
}

/// The identity of a queue inside this module.
type QueueId = i32;

/// A uniform random number in 0..1, for jitter: the one place where the engine rolls dice.
pub(crate) fn chance() -> f64 {
    let roll = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(roll) / f64::from(u32::MAX)
}
