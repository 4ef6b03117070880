//! Upkeep: rescue of what dead nodes held, numbering of the log, partitions ahead, expired keys.
//! Any process can do it; one leads at a time, by an advisory lock on a connection of its own.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Engine, bus::Hint};

const TICK: Duration = Duration::from_secs(1);
const PARTITIONS_EVERY: Duration = Duration::from_mins(10);
/// Numbering looks this often even if no hint arrives.
const NUMBERING_POLL: Duration = Duration::from_secs(1);

/// Keeps the engine in order until `stop`, leading whenever no other process does.
pub async fn run(engine: Engine, node: Uuid, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = lead(&engine, node, &stop).await {
            tracing::warn!(%error, "upkeep was interrupted; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Leads until the connection breaks or `stop`. The lock goes with the connection.
async fn lead(engine: &Engine, node: Uuid, stop: &CancellationToken) -> sqlx::Result<()> {
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
    let kept = keep(engine, node, &mut conn, stop).await;
    numbering.abort();
    kept?;
    conn.close().await
}

async fn keep(
    engine: &Engine,
    node: Uuid,
    conn: &mut PgConnection,
    stop: &CancellationToken,
) -> sqlx::Result<()> {
    let mut partitions_due = Instant::now();
    loop {
        if Instant::now() >= partitions_due {
            sqlx::query!("call engine.ensure_partitions()").execute(&mut *conn).await?;
            partitions_due = Instant::now() + PARTITIONS_EVERY;
        }
        rescue(engine, node, conn).await?;
        sqlx::query!(
            "delete from engine.keys where ctid = any(array(
               select ctid from engine.keys where expires_at <= engine.now() limit 1000 for update skip locked))"
        )
        .execute(&mut *conn)
        .await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn rescue(engine: &Engine, node: Uuid, conn: &mut PgConnection) -> sqlx::Result<()> {
    let dead = sqlx::query!(r#"select node as "node!", jobs as "jobs!" from engine.rescue($1)"#, node)
        .fetch_all(conn)
        .await?;
    for lost in &dead {
        tracing::warn!(node.id = %lost.node, jobs = lost.jobs, "a node fell silent; its jobs run again");
        metrics::counter!("engine_jobs_rescued_total").increment(lost.jobs.unsigned_abs());
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
        let wanted = async {
            loop {
                match hints.recv().await {
                    Ok(Hint::Logged | Hint::Missed) | Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wanted => {}
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
