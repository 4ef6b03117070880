//! A limit holds over all processes, to the job: `./x example limits`.

mod shared;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use engine::{JobKind, NewJob, Outcome, operate::Bounds};
use serde::{Deserialize, Serialize};
use shared::Result;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct CallProvider;

impl JobKind for CallProvider {
    const KIND: &'static str = "call_provider";
    const QUEUE: &'static str = "examples";
}

/// How many run now, and how many ran at most.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[tokio::main]
async fn main() -> Result<()> {
    show(shared::database().await?).await
}

/// # Errors
/// If Postgres refuses.
///
/// # Panics
/// If the engine does not do what the example says.
pub async fn show(connect: PgConnectOptions) -> Result<()> {
    let tenant = Uuid::now_v7();
    let (gauge, (ended, mut ends)) = (Arc::<Gauge>::default(), mpsc::channel(64));
    // Two nodes, as two processes would be: each with an engine of its own and room for 20 handlers.
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let engine = shared::engine(connect.clone()).await?;
        let shared = (Arc::clone(&gauge), ended.clone());
        let worker = shared::Worker::start(
            &engine,
            &[shared::kind::<CallProvider>()],
            20,
            shared,
            |_, (gauge, ended)| async move {
                let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
                gauge.most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                gauge.now.fetch_sub(1, Ordering::SeqCst);
                ended.send(()).await?;
                Ok(Outcome::Done(serde_json::Value::Null))
            },
        )
        .await?;
        nodes.push((engine, worker));
    }

    let engine = &nodes[0].0;
    let mut tx = engine.begin_tenant(tenant).await?;
    // Of all jobs that name this account three run at a time; the queue's others are not concerned.
    let three = Bounds { max_running: Some(3), ..Bounds::default() };
    tx.limit(CallProvider::QUEUE, Some("account:7"), three).await?;
    tx.commit().await?;
    let jobs: Vec<NewJob> = (0..30)
        .map(|_| Ok(NewJob::of(tenant, Uuid::now_v7(), &CallProvider)?.limited_by("account:7")))
        .collect::<Result<_>>()?;
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.enqueue(&jobs, &shared::nobody()).await?;
    tx.commit().await?;

    for _ in 0..jobs.len() {
        ends.recv().await.ok_or("the workers ended early")?;
    }
    println!("{} jobs on two nodes, at most {} at a time", jobs.len(), gauge.most.load(Ordering::SeqCst));
    assert_eq!(gauge.most.load(Ordering::SeqCst), 3);
    for (engine, worker) in nodes {
        worker.stop().await?;
        engine.close().await;
    }
    Ok(())
}
