//! Putting jobs in: in bulk, and one inside a caller's transaction.

use std::time::{Duration, Instant};

use engine::{Engine, NewJob};
use uuid::Uuid;

use super::{
    limit::{self, rate},
    rig,
};
use crate::{Outcome, database::Database, table::Figures};

const CLIENTS: usize = 16;
/// Transactions of one client in one turn; the first turn warms the connections up and is not counted.
const EACH: usize = 125;
const TURNS: usize = 16;
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

/// The three in turns of a fraction of a second each: how fast the disk commits changes by a factor of two
/// from one second to the next, and must not fall on one of them alone.
pub async fn in_transactions() -> Outcome<Figures> {
    let limit = limit::Transactions::open(CLIENTS).await?;
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    rig::fill(&engine, tenant, 1, |job| job).await?;
    let (mut at_limit, mut plain, mut unique) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for turn in 0..=TURNS {
        let turns = [
            limit.round(CLIENTS, EACH).await?,
            transactions(&engine, tenant, |job, _| job).await?,
            transactions(&engine, tenant, |job, n| job.unique(n.to_string())).await?,
        ];
        if turn > 0 {
            at_limit += turns[0];
            plain += turns[1];
            unique += turns[2];
        }
    }
    engine.close().await;
    database.drop().await?;
    limit.close().await?;
    let against = |ours: Duration| at_limit.as_secs_f64() / ours.as_secs_f64();
    Ok(vec![("tx_enqueue_vs_limit", against(plain)), ("tx_enqueue_unique_vs_limit", against(unique))])
}

async fn transactions(
    engine: &Engine,
    tenant: Uuid,
    edit: impl Fn(NewJob, Uuid) -> NewJob + Copy + Send + Sync + 'static,
) -> Outcome<Duration> {
    let engine = engine.clone();
    limit::at_once(CLIENTS, EACH, move || {
        let engine = engine.clone();
        async move {
            let mut tx = engine.begin_tenant(tenant).await?;
            let job = NewJob::of(tenant, Uuid::now_v7(), &rig::Noop(super::payload()))?;
            tx.enqueue(&[edit(job, Uuid::now_v7())], &rig::nobody()).await?;
            Ok(tx.commit().await?)
        }
    })
    .await
}
