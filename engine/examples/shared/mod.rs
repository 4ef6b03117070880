//! What every example stands on: a migrated database, and a node with one queue.

use std::{error::Error, time::Duration};

use apalis::prelude::{Data, WorkerBuilder};
use engine::{
    Engine, JobKind, Outcome, Settings,
    enqueue::Provenance,
    node::{Card, Node},
    worker::{self, Envelope, QueueSettings},
};
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The database of `DATABASE_URL`, with the engine's schema.
pub async fn database() -> Result<PgConnectOptions> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "run this by `./x example NAME`")?;
    let connect: PgConnectOptions = url.parse()?;
    Engine::migrate(&connect).await?;
    Ok(connect)
}

pub async fn engine(connect: PgConnectOptions) -> Result<Engine> {
    Ok(Engine::connect(Settings { connect, app_connections: 4, system_connections: 4 }).await?)
}

/// On whose behalf the examples enqueue.
pub fn nobody() -> Provenance {
    Provenance { actor: serde_json::json!({"kind": "example"}), trace: None }
}

/// What a node says of a kind that it runs.
pub struct Kind {
    queue: &'static str,
    name: &'static str,
    version: i16,
}

pub fn kind<A: JobKind>() -> Kind {
    Kind { queue: A::QUEUE, name: A::KIND, version: A::VERSION }
}

/// A running node. A process has one, with a worker for each queue.
pub struct Worker {
    node: Node,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::result::Result<(), String>>,
}

impl Worker {
    /// Works on these kinds, which are of one queue; `shared` is handed to every call of `handle`.
    pub async fn start<S, F, Fut>(
        engine: &Engine,
        kinds: &[Kind],
        concurrency: usize,
        shared: S,
        handle: F,
    ) -> Result<Self>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Envelope, S) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Outcome>> + Send + 'static,
    {
        let queue = kinds[0].queue;
        let known: Vec<_> = kinds.iter().map(|kind| (kind.name, kind.version)).collect();
        let card = Card { name: "example", roles: &["worker"], build: "1", kinds: &known };
        let (node, stop) = (Node::join(engine, card)?, CancellationToken::new());
        let settings = QueueSettings { name: queue, concurrency, grace: Duration::from_secs(5) };
        let backend = worker::open(engine, &node, settings, stop.clone()).await?;
        let worker = WorkerBuilder::new(queue)
            .backend(backend)
            .data(shared)
            .build(move |envelope: Envelope, shared: Data<S>| handle(envelope, (*shared).clone()));
        let running = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
        Ok(Self { node, stop, running })
    }

    /// Nothing more is claimed; what runs comes to its end, and the node leaves.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.running.await??;
        self.node.leave().await;
        Ok(())
    }
}
