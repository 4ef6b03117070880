//! Draining: alone, between many tenants, under limits, beside a backlog, under a held snapshot.

use std::time::{Duration, Instant};

use engine::operate::Bounds;
use sqlx::Connection;
use uuid::Uuid;

use super::{
    limit::{self, rate},
    rig::{self, QUEUE, Waiting, Work},
    rival,
};
use crate::{
    Outcome,
    database::{Database, run},
    table::Figures,
};

const JOBS: usize = 100_000;
pub const CONCURRENCY: usize = 6_000;

/// Jobs a second through apalis workers, everything on: history, tallies, fairness, fence, business key.
pub async fn jobs_per_s() -> Outcome<f64> {
    Ok(rate(JOBS, one_tenant(Bounds::default()).await?))
}

/// The same beside what the machine can do, and what another can.
pub async fn drain() -> Outcome<Figures> {
    let limit = limit::drain(JOBS).await?;
    let ours = jobs_per_s().await?;
    let theirs = rival::drain(JOBS).await?;
    Ok(vec![
        ("limit_jobs_per_s", limit),
        ("drain_jobs_per_s", ours),
        ("drain_vs_limit", ours / limit),
        ("drain_vs_apalis_postgres", ours / theirs),
    ])
}

async fn one_tenant(bounds: Bounds) -> Outcome<Duration> {
    drained(1, bounds, 0).await
}

/// How long the jobs take, dealt out to so many tenants, beside a backlog for tomorrow.
async fn drained(tenants: usize, bounds: Bounds, backlog: usize) -> Outcome<Duration> {
    drained_on(Database::migrated().await?, tenants, bounds, backlog).await
}

/// Jobs a second on a database that holds other things as well; it is dropped then.
pub async fn beside(database: Database) -> Outcome<f64> {
    Ok(rate(JOBS, drained_on(database, 1, Bounds::default(), 0).await?))
}

async fn drained_on(database: Database, tenants: usize, bounds: Bounds, backlog: usize) -> Outcome<Duration> {
    let engine = database.engine().await?;
    let tenants: Vec<Uuid> = (0..tenants).map(|_| Uuid::now_v7()).collect();
    if bounds != Bounds::default() {
        let mut tx = engine.begin_tenant(tenants[0]).await?;
        tx.limit(QUEUE, None, bounds).await?;
        tx.commit().await?;
    }
    let waiting = Waiting::start(&database, &engine, &tenants, CONCURRENCY, Work::new(JOBS)).await?;
    rig::fill(&engine, tenants[0], backlog, |job| job.priority(0).delay(Duration::from_hours(24))).await?;
    for tenant in &tenants {
        rig::fill(&engine, *tenant, JOBS / tenants.len(), |job| job).await?;
    }
    database.settle().await?;
    let took = waiting.run(JOBS).await?;
    check(&database, JOBS).await?;
    engine.close().await;
    database.drop().await?;
    Ok(took)
}

/// Every job is in the books as completed; the warm-up's beside them.
async fn check(database: &Database, jobs: usize) -> Outcome<()> {
    let mut conn = database.conn().await?;
    let done: i64 = sqlx::query_scalar("select count(*) from engine.job_history where state = 'completed'")
        .fetch_one(&mut conn)
        .await?;
    if usize::try_from(done)? < jobs {
        return Err(format!("only {done} of {jobs} jobs are in the books").into());
    }
    Ok(())
}

pub async fn thousand_tenants() -> Outcome<Figures> {
    let alone = one_tenant(Bounds::default()).await?;
    let took = drained(1_000, Bounds::default(), 0).await?;
    Ok(vec![("thousand_tenants_vs_one", alone.as_secs_f64() / took.as_secs_f64())])
}

pub async fn loose_limits() -> Outcome<Figures> {
    let off = one_tenant(Bounds::default()).await?;
    let loose = Bounds { max_running: Some(1_000_000), rate_per_s: Some(1e6), burst: Some(10_000_000) };
    let on = one_tenant(loose).await?;
    Ok(vec![("limits_loose_vs_off", off.as_secs_f64() / on.as_secs_f64())])
}

/// A million jobs for tomorrow, at top priority.
pub async fn scheduled_backlog() -> Outcome<Figures> {
    let clear = one_tenant(Bounds::default()).await?;
    let took = drained(1, Bounds::default(), 1_000_000).await?;
    Ok(vec![("scheduled_backlog_vs_clear", clear.as_secs_f64() / took.as_secs_f64())])
}

/// A million jobs beside a million rows of history, with a snapshot held all the time and without: how
/// fast the last hundred thousand went compared with the first, and that of the one run by the other.
pub async fn held_snapshot() -> Outcome<Figures> {
    let without = slowing(false).await?;
    let with = slowing(true).await?;
    Ok(vec![("held_snapshot_last_vs_first", with / without.min(1.0))])
}

async fn slowing(held: bool) -> Outcome<f64> {
    let all = 10 * JOBS;
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    let work = Work::new(JOBS);
    let waiting = Waiting::start(&database, &engine, &[tenant], CONCURRENCY, work.clone()).await?;
    let mut conn = database.conn().await?;
    run(
        &mut conn,
        "insert into engine.job_history
         select (h).* from (select h from engine.job_history h limit 1) one, generate_series(1, 1000000)",
    )
    .await?;
    rig::fill(&engine, tenant, all, |job| job).await?;
    database.settle().await?;
    let mut holder = database.conn().await?;
    if held {
        run(&mut holder, "begin isolation level repeatable read; select count(*) from engine.queues").await?;
    }
    let watching = tokio::spawn(async move {
        let mut reached = vec![Instant::now()];
        for step in 1..=10 {
            work.wait_for(step * JOBS).await;
            reached.push(Instant::now());
        }
        reached
    });
    waiting.run(all).await?;
    let reached = watching.await?;
    holder.close().await?;
    engine.close().await;
    database.drop().await?;
    // The very first hundred thousand begin cold, so the second stand for "first".
    let first = reached[2] - reached[1];
    let last = reached[10] - reached[9];
    Ok(first.as_secs_f64() / last.as_secs_f64())
}
