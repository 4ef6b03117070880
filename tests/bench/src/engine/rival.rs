//! `apalis-postgres` 1.0, the usual choice, at its best tuning on this kind of machine: eight workers,
//! batches of 2,000, no lock events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use apalis::prelude::{Data, TaskBuilder, WorkerBuilder};
use apalis_postgres::{Config, PostgresStorage, queries};
use tokio::sync::Notify;

use super::limit::rate;
use crate::{Outcome, database::Database};

const WORKERS: usize = 8;
const BATCH: usize = 2_000;

#[derive(Clone)]
struct Count {
    done: Arc<AtomicUsize>,
    all: usize,
    over: Arc<Notify>,
}

async fn handle(_: serde_json::Value, count: Data<Count>) -> Result<(), std::io::Error> {
    if count.done.fetch_add(1, Ordering::Relaxed) + 1 == count.all {
        count.over.notify_one();
    }
    Ok(())
}

/// Jobs a second.
pub async fn drain(jobs: usize) -> Outcome<f64> {
    let database = Database::empty().await?;
    let pool = database.pool(16).await?;
    PostgresStorage::setup(&pool).await?;
    let mut conn = pool.acquire().await?;
    for _ in 0..jobs / 1_000 {
        let tasks = (0..1_000)
            .map(|_| Ok(TaskBuilder::new(serde_json::to_vec(&super::payload())?).build()))
            .collect::<serde_json::Result<Vec<_>>>()?;
        queries::push_tasks(&mut *conn, "bench", tasks).await?;
    }
    drop(conn);
    database.settle().await?;
    let count = Count { done: Arc::default(), all: jobs, over: Arc::default() };
    let began = Instant::now();
    let mut workers = Vec::new();
    for n in 0..WORKERS {
        let config = Config::default().queue("bench").batch_size(BATCH).lock_tasks(false);
        let backend = PostgresStorage::<serde_json::Value>::new(&pool).with_config(config);
        let worker =
            WorkerBuilder::new(format!("bench-{n}")).backend(backend).data(count.clone()).build(handle);
        workers.push(tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) }));
    }
    count.over.notified().await;
    let took = began.elapsed();
    for worker in &workers {
        worker.abort();
    }
    pool.close().await;
    database.drop().await?;
    Ok(rate(jobs, took))
}
