//! Putting jobs in: in bulk, and one inside a caller's transaction.

use std::time::Instant;

use engine::NewJob;
use uuid::Uuid;

use super::{
    limit::{self, rate},
    rig,
};
use crate::{Outcome, database::Database, table::Figures};

const CLIENTS: usize = 16;
const EACH: usize = 1_000;
const BULK: usize = 200_000;
const BULK_CLIENTS: usize = 4;

pub async fn bulk() -> Outcome<Figures> {
    let limit = limit::bulk_insert(BULK).await?;
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    rig::fill(&engine, tenant, 1, |job| job).await?;
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..BULK_CLIENTS {
        let engine = engine.clone();
        clients.push(tokio::spawn(async move {
            rig::fill(&engine, tenant, BULK / BULK_CLIENTS, |job| job).await
        }));
    }
    for client in clients {
        client.await??;
    }
    let ours = rate(BULK, began.elapsed());
    engine.close().await;
    database.drop().await?;
    Ok(vec![("bulk_enqueue_vs_limit", ours / limit)])
}

pub async fn in_transactions() -> Outcome<Figures> {
    let limit = limit::transactions(EACH, CLIENTS).await?;
    let plain = transactions(|job, _| job).await?;
    let unique = transactions(|job, n| job.unique(n.to_string())).await?;
    Ok(vec![("tx_enqueue_vs_limit", plain / limit), ("tx_enqueue_unique_vs_limit", unique / limit)])
}

async fn transactions(edit: impl Fn(NewJob, Uuid) -> NewJob + Copy + Send + 'static) -> Outcome<f64> {
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    rig::fill(&engine, tenant, 1, |job| job).await?;
    let began = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let engine = engine.clone();
        clients.push(tokio::spawn(async move {
            for _ in 0..EACH {
                let mut tx = engine.begin_tenant(tenant).await?;
                let job = NewJob::of(tenant, Uuid::now_v7(), &rig::Noop(super::payload()))?;
                let job = edit(job, Uuid::now_v7());
                tx.enqueue(&[job], &rig::nobody()).await?;
                tx.commit().await?;
            }
            Outcome::Ok(())
        }));
    }
    for client in clients {
        client.await??;
    }
    let took = began.elapsed();
    engine.close().await;
    database.drop().await?;
    Ok(rate(CLIENTS * EACH, took))
}
