//! One tenant with 200,000 jobs beside 99 with a hundred each: how much longer do the 99 wait?

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::rig::{self, Waiting, Work};
use crate::{Outcome, database::Database, table::Figures};

const SMALL: usize = 99;
const EACH: usize = 100;
const BIG: usize = 200_000;
const SLOTS: usize = 100;
const TAKES: Duration = Duration::from_millis(5);

/// The worst ratio of any small tenant's mean wait, with the big one and without.
pub async fn waits() -> Outcome<Figures> {
    let small: Vec<Uuid> = (0..SMALL).map(|_| Uuid::now_v7()).collect();
    let without = waited(&small, 0).await?;
    let with = waited(&small, BIG).await?;
    let ratio = small.iter().map(|tenant| with[tenant] / without[tenant]).fold(0.0, f64::max);
    Ok(vec![("fair_wait_ratio", ratio)])
}

/// The mean wait of each small tenant's jobs, in seconds.
async fn waited(small: &[Uuid], big: usize) -> Outcome<HashMap<Uuid, f64>> {
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let giant = Uuid::now_v7();
    let tenants: Vec<Uuid> = [giant].into_iter().chain(small.iter().copied()).collect();
    let ends: Arc<Mutex<Vec<(Uuid, Instant)>>> = Arc::default();
    let mut work = Work::new(1);
    work.takes = TAKES;
    work.ended = Some({
        let ends = Arc::clone(&ends);
        Arc::new(move |envelope| {
            if let Ok(mut ends) = ends.lock() {
                ends.push((envelope.claim.tenant, Instant::now()));
            }
        })
    });
    let waiting = Waiting::start(&database, &engine, &tenants, SLOTS, work.clone()).await?;
    rig::fill(&engine, giant, big, |job| job).await?;
    for tenant in small {
        rig::fill(&engine, *tenant, EACH, |job| job).await?;
    }
    if let Ok(mut ends) = ends.lock() {
        ends.clear();
    }
    let began = Instant::now();
    let process = waiting.release(database.conn().await?).await?;
    let all_small = || -> usize {
        ends.lock().map_or(0, |ends| ends.iter().filter(|(tenant, _)| *tenant != giant).count())
    };
    while all_small() < SMALL * EACH {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.drain().await?;
    let mut sums: HashMap<Uuid, f64> = HashMap::new();
    for (tenant, at) in ends.lock().map_err(|_| "a handler panicked")?.iter() {
        #[expect(clippy::cast_precision_loss, reason = "a hundred jobs each")]
        let share = (*at - began).as_secs_f64() / EACH as f64;
        *sums.entry(*tenant).or_default() += share;
    }
    engine.close().await;
    database.drop().await?;
    Ok(sums)
}
