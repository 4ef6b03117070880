//! Running jobs: a dispatcher claims, apalis runs, a completer records.
//!
//! For each queue of a node there is one [`Queue`]: a dispatcher task, a completer task and a
//! [`Backend`] that hands claimed jobs to an apalis worker. apalis ends a worker whose backend
//! errs, so ours cannot err: it is a thin receiver, and the tasks behind it outlive every database
//! error by backing off and going on.

mod backend;
mod completer;
mod dispatcher;
mod rotation;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use backend::Backend;

use crate::{Engine, finish::Claim, node::Node};

/// A claimed job on its way to its handler.
#[derive(Debug)]
pub struct Envelope {
    pub claim: Claim,
    pub kind: String,
    pub version: i16,
    pub args: serde_json::Value,
    pub actor: serde_json::Value,
    pub trace: Option<String>,
    pub timeout: Duration,
    pub deadline: Option<DateTime<Utc>>,
    pub business_key: Option<String>,
    /// Cancelled when the node drains: a long handler checkpoints and snoozes.
    pub stop: CancellationToken,
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
    node.registered().await;
    let (claimed_in, claimed_out) = mpsc::channel(settings.concurrency);
    let (ended_in, ended_out) = mpsc::channel(settings.concurrency.max(64) * 2);
    let permits = Arc::new(Semaphore::new(settings.concurrency));
    let no_more = CancellationToken::new();
    let dispatcher = dispatcher::Dispatcher {
        engine: engine.clone(),
        node: node.id,
        queue,
        permits,
        claimed: claimed_in,
        stop: stop.clone(),
    };
    let dispatching = tokio::spawn(dispatcher.run());
    let completer = completer::Completer {
        engine: engine.clone(),
        queue: settings.name,
        ended: ended_out,
        no_more: no_more.clone(),
    };
    let completing = tokio::spawn(completer.run());
    Ok(Backend::new(claimed_out, ended_in, dispatching, completing, no_more, stop, settings.grace))
}

/// The identity of a queue inside this module.
type QueueId = i32;
/// The identity of a node inside this module.
type NodeId = Uuid;

/// A uniform random number in 0..1, for jitter: the one place where the engine rolls dice.
fn chance() -> f64 {
    let roll = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(roll) / f64::from(u32::MAX)
}
