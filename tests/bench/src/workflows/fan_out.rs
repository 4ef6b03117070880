//! One step that spreads into many jobs, and one that waits for all of them.

use std::{sync::Arc, time::Instant};

use engine::{Engine, Flow, JobKind, Outcome as Ending, finish::Claim};
use uuid::Uuid;

use super::{Procedure, check, start};
use crate::{
    Outcome,
    database::Database,
    engine::{
        payload,
        rig::{Noop, Waiting, Work, job, nobody},
    },
    table::Figures,
};

const SLICE: usize = 1_000;
/// As the product's queues are.
const CONCURRENCY: usize = 64;
const SPREAD: &str = "spread";

/// Seconds from the start to the end of the join, and the most memory that the process had in that time,
/// client and workers together, beside that of a tenth of the jobs.
pub async fn hundred_thousand() -> Outcome<Figures> {
    let (_, tenth) = fan_out(10_000).await?;
    let (seconds, peak) = fan_out(100_000).await?;
    Ok(vec![("fan_out_100k_s", seconds), ("rss_mb_peak", peak), ("rss_100k_vs_10k", peak / tenth)])
}

async fn fan_out(many: usize) -> Outcome<(f64, f64)> {
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    // The first job, the one that spreads, those it spreads into, the join.
    let jobs = many + 3;
    let work = {
        let engine = engine.clone();
        let answer = move |envelope: &engine::worker::Envelope| -> Option<_> {
            let (claim, engine) = (envelope.claim, engine.clone());
            if &*envelope.kind == Procedure::KIND {
                return Some(Box::pin(std::future::ready(begin(claim.tenant))) as _);
            }
            let spreads = envelope.business_key.as_deref() == Some(SPREAD);
            spreads.then(|| Box::pin(async move { spread(&engine, claim, many).await }) as _)
        };
        Work { answer: Some(Arc::new(answer)), ..Work::new(jobs) }
    };
    let waiting = Waiting::start(&database, &engine, &[tenant], CONCURRENCY, work).await?;
    start(&engine, tenant, 1).await?;
    database.settle().await?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let began = Instant::now();
    waiting.run(jobs).await?;
    let seconds = began.elapsed().as_secs_f64();
    let peak = peak_mb()?;
    check(&database, 1).await?;
    engine.close().await;
    database.drop().await?;
    Ok((seconds, peak))
}

fn begin(tenant: Uuid) -> Ending {
    let mut flow = Flow::new(tenant);
    flow.step("spread", &Noop(payload())).with(|job| job.about(SPREAD));
    flow.step("join", &Noop(payload()));
    flow.begin()
}

async fn spread(engine: &Engine, claim: Claim, many: usize) -> Ending {
    let mut done = 0;
    while done < many {
        if let Err(error) = slice(engine, claim, &mut done).await {
            return Ending::Discard { code: "spread", why: error.to_string() };
        }
    }
    Ending::Done(serde_json::Value::Null)
}

async fn slice(engine: &Engine, claim: Claim, done: &mut usize) -> Outcome<()> {
    let mut tx = engine.begin_tenant(claim.tenant).await?;
    let from = tx.step_of(&claim).await?.ok_or("no step")?.cursor;
    let next = (*done + SLICE).to_string();
    let jobs = (0..SLICE).map(|_| job(claim.tenant)).collect::<Outcome<Vec<_>>>()?;
    if !tx.spread(&claim, jobs, &nobody(), from.as_deref(), Some(&next)).await? {
        return Err("the step is not ours any more".into());
    }
    tx.commit().await?;
    *done += SLICE;
    Ok(())
}

fn peak_mb() -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no memory to see")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no memory to see")?.parse()?;
    Ok(kib / 1024.0)
}
