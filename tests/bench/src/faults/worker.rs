//! The worker process of a fault: it runs jobs that note in the ledger what they do.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use apalis::prelude::{Data, WorkerBuilder};
use engine::{
    Engine, JobKind, Outcome as Ending,
    node::{Card, Node},
    upkeep,
    worker::{self, Envelope, QueueSettings},
};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::ledger::{Pen, What};
use crate::Outcome;

/// Handlers at a time in one process.
const CONCURRENCY: usize = 40;
/// How long handlers may go on after SIGTERM.
const GRACE: Duration = Duration::from_secs(15);

/// What a job of a fault is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Does {
    /// Nothing but its lines in the ledger.
    Note,
    /// A row in the transaction that ends the job.
    Effect,
    /// Brings its process down.
    Crash,
}

#[derive(Serialize, Deserialize)]
pub struct Task {
    pub does: Does,
    pub takes_ms: u64,
}

impl JobKind for Task {
    const KIND: &'static str = "task";
    const QUEUE: &'static str = "faults";
    const MAX_ATTEMPTS: i16 = 100;
}

/// The hidden command's arguments.
#[derive(Debug, clap::Args)]
pub struct Orders {
    database: String,
    ledger: PathBuf,
}

struct Desk {
    engine: Engine,
    pen: Pen,
}

/// Works until SIGTERM.
pub async fn work(orders: Orders) -> Outcome<()> {
    let settings =
        engine::Settings { connect: orders.database.parse()?, app_connections: 8, system_connections: 4 };
    let engine = Engine::connect(settings).await?;
    let desk = Arc::new(Desk { engine: engine.clone(), pen: Pen::open(&orders.ledger)? });
    let stop = CancellationToken::new();
    let card = Card { name: "fault", roles: &["worker"], build: "bench", kinds: &[(Task::KIND, 1)] };
    let node = Node::join(&engine, card)?;
    node.registered().await;
    let upkeep = tokio::spawn(upkeep::run(engine.clone(), node.id, stop.clone()));
    let settings = QueueSettings { name: Task::QUEUE, concurrency: CONCURRENCY, grace: GRACE };
    let backend = worker::open(&engine, &node, settings, stop.clone()).await?;
    let worker = WorkerBuilder::new("faults").backend(backend).data(desk).build(handle);
    let running = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
    let mut terminate = signal(SignalKind::terminate())?;
    println!("ready {}", wall_clock());
    let (mut input, mut nowhere) = (tokio::io::stdin(), tokio::io::sink());
    tokio::select! {
        _ = terminate.recv() => {}
        // The bench has gone.
        _ = tokio::io::copy(&mut input, &mut nowhere) => {}
    }
    stop.cancel();
    running.await??;
    upkeep.await?;
    node.leave().await;
    engine.close().await;
    Ok(())
}

async fn handle(envelope: Envelope, desk: Data<Arc<Desk>>) -> Outcome<Ending> {
    let task = Task::decode(envelope.version, &envelope.args)?;
    let claim = envelope.claim;
    desk.pen.note(What::Began, &claim).await?;
    tokio::time::sleep(Duration::from_millis(task.takes_ms)).await;
    match task.does {
        Does::Note => {
            desk.pen.note(What::Ended, &claim).await?;
            Ok(Ending::Done(serde_json::Value::Null))
        }
        Does::Crash => std::process::abort(),
        Does::Effect => {
            let mut tx = desk.engine.begin_tenant(claim.tenant).await?;
            sqlx::query("insert into effects values ($1)").bind(claim.job).execute(tx.conn()).await?;
            let ending = claim.ending(Ending::Done(serde_json::Value::Null), || 0.5);
            let held = tx.finish(ending.as_slice()).await?;
            if held.is_empty() {
                tx.rollback().await?;
                desk.pen.note(What::Refused, &claim).await?;
            } else {
                tx.commit().await?;
                desk.pen.note(What::Ended, &claim).await?;
            }
            Ok(Ending::Settled)
        }
    }
}

/// Seconds since 1970 as this process sees them; its clock may have been set wrong on purpose.
#[expect(clippy::disallowed_methods, reason = "it tells how far this process's clock is off")]
pub fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(0)
}
