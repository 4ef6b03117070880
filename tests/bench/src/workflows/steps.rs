//! Runs of ten no-op steps, one after the other, beside the engine's drain of single jobs.

use std::sync::Arc;

use engine::{Flow, JobKind, Outcome as Ending, worker::Envelope};
use uuid::Uuid;

use super::{Procedure, check, start};
use crate::{
    Outcome,
    database::Database,
    engine::{
        payload,
        rig::{Noop, Waiting, Work},
        run::{CONCURRENCY, jobs_per_s},
    },
    table::Figures,
};

const RUNS: usize = 10_000;
const STEPS: usize = 10;

/// Steps a second, without counting the first job of each run.
pub async fn per_second() -> Outcome<Figures> {
    let drain = jobs_per_s().await?;
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    let jobs = RUNS * (STEPS + 1);
    let work = Work { answer: Some(Arc::new(begin)), ..Work::new(jobs) };
    let waiting = Waiting::start(&database, &engine, &[tenant], CONCURRENCY, work).await?;
    start(&engine, tenant, RUNS).await?;
    database.settle().await?;
    let took = waiting.run(jobs).await?;
    check(&database, RUNS).await?;
    engine.close().await;
    database.drop().await?;
    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand")]
    let steps = (RUNS * STEPS) as f64 / took.as_secs_f64();
    Ok(vec![("drain_jobs_per_s", drain), ("steps_per_s", steps), ("steps_vs_drain", steps / drain)])
}

fn begin(envelope: &Envelope) -> Option<futures::future::BoxFuture<'static, Ending>> {
    if &*envelope.kind != Procedure::KIND {
        return None;
    }
    let mut flow = Flow::new(envelope.claim.tenant);
    for step in 0..STEPS {
        flow.step(&format!("step_{step}"), &Noop(payload()));
    }
    Some(Box::pin(std::future::ready(flow.begin())))
}
