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

/// A running node. A process has one, with a worker for each queue.
pub struct Worker {
    node: Node,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<std::result::Result<(), String>>,
}

impl Worker {
    /// Works on the queue of kind `A`; `shared` is handed to every call of `handle`.
    pub async fn start<A, S, F, Fut>(
        engine: &Engine,
        concurrency: usize,
        shared: S,
        handle: F,
    ) -> Result<Self>
    where
        A: JobKind,
        S: Clone + Send + Sync + 'static,
        F: Fn(Envelope, S) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Outcome>> + Send + 'static,
    {
        let card = Card { name: "example", roles: &["worker"], build: "1", kinds: &[(A::KIND, A::VERSION)] };
        let (node, stop) = (Node::join(engine, card)?, CancellationToken::new());
        let settings = QueueSettings { name: A::QUEUE, concurrency, grace: Duration::from_secs(5) };
        let backend = worker::open(engine, &node, settings, stop.clone()).await?;
        let worker = WorkerBuilder::new(A::QUEUE)
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
