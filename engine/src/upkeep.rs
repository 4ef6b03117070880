//! Upkeep: rescue of what dead nodes held, numbering of the log, what no node can run, the census.
//! Every process sees to rescue and numbering each second, so that no death and no frozen process can stop
//! them; a lock inside each statement lets one at a time. What comes round less often, and numbering on
//! every hint, is for the oldest node that beats.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Engine,
    bus::{Hint, hint_of},
    db::Line,
    worker::chance,
};

const TICK: Duration = Duration::from_secs(1);
const DAYS_AHEAD_EVERY: Duration = Duration::from_hours(1);
const PARKING_EVERY: Duration = Duration::from_mins(1);
const CENSUS: Duration = Duration::from_secs(5);
/// A chore takes at most this share of the time.
const CHORE_SHARE: u32 = 100;
/// When a chore that failed is tried again.
const FAILED: Duration = Duration::from_secs(30);
/// Numbering looks this often even if no hint arrives.
const NUMBERING_POLL: Duration = Duration::from_secs(1);

/// From one batch of numbers to the next, at least.
const NUMBERING_REST: Duration = Duration::from_millis(10);

/// How long the past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Keeps the engine in order until `stop`.
pub async fn run(engine: Engine, node: Uuid, stop: CancellationToken) {
    let mut upkeep = Upkeep::of(&engine, node);
    let numbering = tokio::spawn(number(engine, Arc::clone(&upkeep.leads), stop.clone()));
    while !stop.is_cancelled() {
        if let Err(error) = upkeep.second().await {
            tracing::warn!(%error, "upkeep was interrupted; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(about(TICK)) => {}
        }
    }
    // It ends with the stop as well.
    let _ = numbering.await;
}

/// A little more: processes that were started together must not all come at one moment.
fn about(time: Duration) -> Duration {
    time.mul_f64(1.0 + chance() / 10.0)
}

/// What comes round less often than each second.
#[derive(Clone, Copy)]
enum Chore {
    /// Also where the schedule that drops the past is paused: without its day no job can end.
    DaysAhead,
    Parking,
    Census,
}

struct Upkeep {
    engine: Engine,
    node: Uuid,
    line: Line,
    leads: Arc<AtomicBool>,
    due: [(Chore, Instant); 3],
}

impl Upkeep {
    fn of(engine: &Engine, node: Uuid) -> Self {
        let due = [Chore::DaysAhead, Chore::Parking, Chore::Census].map(|chore| (chore, Instant::now()));
        Self { engine: engine.clone(), node, line: Line::new(engine), leads: Arc::default(), due }
    }

    /// Rescue first; a chore that fails is tried again later and keeps nothing else from being done.
    async fn second(&mut self) -> sqlx::Result<()> {
        let node = self.node;
        let rows = self.line.run(async |conn| keep(conn, node).await).await?;
        let leads = rows.first().is_some_and(|row| row.leads);
        if leads != self.leads.swap(leads, Ordering::Relaxed) {
            tracing::debug!(leads, "the upkeep has changed hands");
        }
        self.tell(&rows.into_iter().filter_map(Kept::lost).collect::<Vec<_>>());
        for at in 0..self.due.len() {
            let (chore, due) = self.due[at];
            if leads && Instant::now() >= due {
                let began = Instant::now();
                let next = self.chore(chore).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "a chore of the upkeep failed; trying again later");
                    FAILED
                });
                self.due[at].1 = Instant::now() + next.max(began.elapsed() * CHORE_SHARE);
            }
        }
        Ok(())
    }

    /// Does a chore and answers when it is due again.
    async fn chore(&mut self, chore: Chore) -> sqlx::Result<Duration> {
        match chore {
            Chore::DaysAhead => {
                let ensure = async |conn: &mut PgConnection| {
                    sqlx::query!("call engine.ensure_partitions()").execute(conn).await
                };
                self.line.run(ensure).await?;
                Ok(DAYS_AHEAD_EVERY)
            }
            Chore::Parking => {
                self.line.run(park).await?;
                Ok(PARKING_EVERY)
            }
            Chore::Census => {
                let census = async |conn: &mut PgConnection| {
                    sqlx::query_scalar!(r#"select engine.census() as "orphans!""#).fetch_one(conn).await
                };
                let orphans = self.line.run(census).await?;
                if orphans > 0 {
                    tracing::error!(orphans, "jobs were held by nodes that are gone; they run again");
                    self.engine.bus().publish(Hint::Missed);
                }
                Ok(CENSUS)
            }
        }
    }

    fn tell(&self, dead: &[Lost]) {
        for lost in dead {
            tracing::warn!(node.id = %lost.node, jobs = lost.jobs, "a node fell silent; its jobs run again");
            metrics::counter!("engine_nodes_lost_total").increment(1);
            metrics::counter!("engine_jobs_rescued_total").increment(lost.jobs.unsigned_abs());
        }
        if let Some(lost) = dead.first().filter(|lost| lost.quarantined > 0) {
            tracing::error!(jobs = lost.quarantined, "jobs that bring their process down were quarantined");
            metrics::counter!("engine_jobs_quarantined_total").increment(lost.quarantined.unsigned_abs());
        }
        if !dead.is_empty() {
            self.engine.bus().publish(Hint::Missed);
            self.engine.bus().publish(Hint::Logged);
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

/// A line of `engine.keep`, and whether this node leads.
struct Kept {
    leads: bool,
    node: Option<Uuid>,
    jobs: Option<i64>,
    quarantined: Option<i64>,
}

impl Kept {
    fn lost(self) -> Option<Lost> {
        Some(Lost { node: self.node?, jobs: self.jobs?, quarantined: self.quarantined? })
    }
}

/// What every node does each second, in one statement; a lock keeps two from doing it at once.
async fn keep(conn: &mut PgConnection, node: Uuid) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"with lead as materialized (select engine.leads($1) as leads)
           select lead.leads as "leads!", kept.node as "node?", kept.jobs as "jobs?", kept.quarantined as "quarantined?"
             from lead left join lateral engine.keep($1) kept on true"#,
        node
    )
    .fetch_all(conn)
    .await
}

/// Numbers the log each second, and on every hint where this node leads.
async fn number(engine: Engine, leads: Arc<AtomicBool>, stop: CancellationToken) {
    let mut hints = engine.bus().subscribe();
    while !stop.is_cancelled() {
        match engine.number_log().await {
            Ok(Some(batch)) => {
                engine.bus().publish(Hint::Numbered { batch });
                // Under steady traffic a moment's rows go into one batch.
                tokio::time::sleep(NUMBERING_REST).await;
                continue;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "numbering the log failed; it goes on shortly"),
        }
        let hinted = async {
            hint_of(&mut hints, |hint| *hint == Hint::Logged && leads.load(Ordering::Relaxed)).await;
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = hinted => {}
            () = tokio::time::sleep(about(NUMBERING_POLL)) => {}
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
