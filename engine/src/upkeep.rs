//! Upkeep: rescue of what dead nodes held, numbering of the log, partitions ahead, expired keys.
//! Any process can do it; one leads at a time, by an advisory lock on a connection of its own.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Engine,
    bus::{Hint, hint_of},
};

const TICK: Duration = Duration::from_secs(1);
const PARTITIONS_EVERY: Duration = Duration::from_mins(10);
const PARKING_EVERY: Duration = Duration::from_mins(1);
/// A census is at least so far from the last, and takes at most this share of the time.
const CENSUS: Duration = Duration::from_secs(5);
const CENSUS_SHARE: u32 = 100;
/// Numbering looks this often even if no hint arrives.
const NUMBERING_POLL: Duration = Duration::from_secs(1);

/// How long the past is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Days that finished jobs can be looked up.
    pub history_days: u16,
    /// Days that the log can be replayed.
    pub log_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { history_days: 30, log_days: 30 }
    }
}

/// Keeps the engine in order until `stop`, leading whenever no other process does.
pub async fn run(engine: Engine, node: Uuid, retention: Retention, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = lead(&engine, node, retention, &stop).await {
            tracing::warn!(%error, "upkeep was interrupted; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Leads until the connection breaks or `stop`. The lock goes with the connection.
async fn lead(
    engine: &Engine,
    node: Uuid,
    retention: Retention,
    stop: &CancellationToken,
) -> sqlx::Result<()> {
    let mut conn = PgConnection::connect_with(&engine.system_options()).await?;
    loop {
        let leads = sqlx::query_scalar!(r#"select pg_try_advisory_lock(1003, 0) as "leads!""#)
            .fetch_one(&mut conn)
            .await?;
        if leads {
            break;
        }
        tokio::select! {
            () = stop.cancelled() => return conn.close().await,
            () = tokio::time::sleep(TICK) => {}
        }
    }
    tracing::debug!("leading the upkeep");
    let numbering = tokio::spawn(number(engine.clone(), stop.clone()));
    let kept = keep(engine, node, retention, &mut conn, stop).await;
    numbering.abort();
    kept?;
    conn.close().await
}

async fn keep(
    engine: &Engine,
    node: Uuid,
    retention: Retention,
    conn: &mut PgConnection,
    stop: &CancellationToken,
) -> sqlx::Result<()> {
    let (mut partitions_due, mut parking_due, mut census_due) =
        (Instant::now(), Instant::now(), Instant::now());
    loop {
        if Instant::now() >= partitions_due {
            sqlx::query!("call engine.ensure_partitions()").execute(&mut *conn).await?;
            if let Err(error) = crate::retention::drop_past(engine, retention).await {
                tracing::warn!(%error, "old partitions could not be dropped; trying again later");
            }
            partitions_due = Instant::now() + PARTITIONS_EVERY;
        }
        if Instant::now() >= parking_due {
            park(conn).await?;
            parking_due = Instant::now() + PARKING_EVERY;
        }
        if Instant::now() >= census_due {
            let began = Instant::now();
            sqlx::query!("select engine.census()").execute(&mut *conn).await?;
            census_due = Instant::now() + CENSUS.max(began.elapsed() * CENSUS_SHARE);
        }
        second(engine, node, conn).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Says which kinds wait for a node that knows them.
async fn park(conn: &mut PgConnection) -> sqlx::Result<()> {
    let parked = sqlx::query!(
        r#"select kind as "kind!", version as "version!", lanes as "lanes!" from engine.park()"#
    )
    .fetch_all(conn)
    .await?;
    for row in parked {
        tracing::warn!(
            job.kind = row.kind,
            row.version,
            "no node knows this kind in this version; its jobs are parked"
        );
        metrics::counter!("engine_lanes_parked_total", "kind" => row.kind)
            .increment(row.lanes.unsigned_abs());
    }
    Ok(())
}

/// A node that was found dead.
struct Lost {
    node: Uuid,
    jobs: i64,
    quarantined: i64,
}

/// What is done every second, in one statement: rescue, folding, expired keys.
async fn second(engine: &Engine, node: Uuid, conn: &mut PgConnection) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"with expired as (
             delete from engine.keys where ctid = any(array(
               select ctid from engine.keys where expires_at <= engine.now() limit 1000 for update skip locked)))
           select lost.node as "node?", lost.jobs as "jobs?", lost.quarantined as "quarantined?"
             from (select engine.fold_tallies()) folded left join engine.rescue($1) lost on true"#,
        node
    )
    .fetch_all(conn)
    .await?;
    let dead: Vec<Lost> = rows
        .into_iter()
        .filter_map(|row| Some(Lost { node: row.node?, jobs: row.jobs?, quarantined: row.quarantined? }))
        .collect();
    for lost in &dead {
        tracing::warn!(node.id = %lost.node, jobs = lost.jobs, "a node fell silent; its jobs run again");
        metrics::counter!("engine_jobs_rescued_total").increment(lost.jobs.unsigned_abs());
    }
    if let Some(lost) = dead.first().filter(|lost| lost.quarantined > 0) {
        tracing::error!(jobs = lost.quarantined, "jobs that bring their process down were quarantined");
        metrics::counter!("engine_jobs_quarantined_total").increment(lost.quarantined.unsigned_abs());
    }
    if !dead.is_empty() {
        engine.bus().publish(Hint::Missed);
    }
    Ok(())
}

/// Numbers the log on every hint and at least once a second.
async fn number(engine: Engine, stop: CancellationToken) {
    let mut hints = engine.bus().subscribe();
    while !stop.is_cancelled() {
        match engine.number_log().await {
            Ok(Some(batch)) => {
                engine.bus().publish(Hint::Numbered { batch });
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "numbering the log failed; it goes on shortly"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = hint_of(&mut hints, |hint| *hint == Hint::Logged) => {}
            () = tokio::time::sleep(NUMBERING_POLL) => {}
        }
    }
}

impl Engine {
    /// Numbers what was committed since the last batch; `None` if that was nothing.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn number_log(&self) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar!(r#"select batch as "batch!" from engine.number_log()"#)
            .fetch_optional(self.system())
            .await
    }
}
