//! `./x bench workflows`: what must be true of procedures of many steps.

mod asleep;
mod fan_out;
mod steps;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Outcome,
    engine::rig::{QUEUE, nobody},
    table::{
        self, Args,
        Bar::{self, Least, Most},
        Row, measure,
    },
};

/// The first job of a run.
#[derive(Serialize, Deserialize)]
struct Procedure {}

impl JobKind for Procedure {
    const KIND: &'static str = "procedure";
    const QUEUE: &'static str = QUEUE;
}

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    vec![
        (
            measure!(steps::per_second),
            vec![("drain_jobs_per_s", Bar::None), ("steps_per_s", Bar::None), ("steps_vs_drain", Least(0.3))],
        ),
        (
            measure!(fan_out::hundred_thousand),
            vec![("fan_out_100k_s", Most(60.0)), ("rss_mb_peak", Bar::None), ("rss_100k_vs_10k", Most(1.25))],
        ),
        (
            measure!(asleep::million),
            vec![
                ("waiting_runs_idle_queries_per_s", Most(10.0)),
                ("waiting_runs_idle_cpu_percent", Most(1.0)),
                ("drain_beside_waiting_vs_clear", Least(0.9)),
            ],
        ),
    ]
}

/// Starts so many runs, many in a transaction.
async fn start(engine: &engine::Engine, tenant: Uuid, runs: usize) -> Outcome<()> {
    let mut left = runs;
    while left > 0 {
        let count = left.min(1_000);
        left -= count;
        let job = || Ok(NewJob::of(tenant, Uuid::now_v7(), &Procedure {})?);
        let jobs = (0..count).map(|_| job()).collect::<Outcome<Vec<_>>>()?;
        let mut tx = engine.begin_tenant(tenant).await?;
        tx.start_workflows(jobs, &nobody()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// That so many runs have completed, and that none is left.
async fn check(database: &crate::database::Database, runs: usize) -> Outcome<()> {
    let mut conn = database.conn().await?;
    let (done, other): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where state = 'completed'), count(*) filter (where state <> 'completed')
           from engine.runs",
    )
    .fetch_one(&mut conn)
    .await?;
    if usize::try_from(done)? != runs || other > 0 {
        return Err(format!("{done} of {runs} runs have completed, {other} have not").into());
    }
    Ok(())
}
