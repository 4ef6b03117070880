//! What is looked at every few seconds while the load goes on: the process's memory, what waits, how large tables are, what in
//! them is dead, and what the log of the database took.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use tokio::{
    sync::watch,
    time::{Duration, Instant, MissedTickBehavior, interval},
};

use crate::{Outcome, engine::idle};

const EVERY: Duration = Duration::from_secs(5);

/// What lives only as long as something goes on: it may not grow, whatever has been done.
pub const LIVE: [(&str, &str); 18] = [
    ("engine.jobs", "select count(*) from engine.jobs"),
    ("engine.keys held by jobs", "select count(*) from engine.keys where expires_at is null"),
    ("engine.runs going on", "select count(*) from engine.runs where state in ('running', 'stopping')"),
    ("engine.lanes", "select count(*) from engine.lanes"),
    ("engine.nodes", "select count(*) from engine.nodes"),
    ("engine.tallies", "select count(*) from engine.tallies"),
    ("engine.limit_returns", "select count(*) from engine.limit_returns"),
    ("audit_log unsealed", "select count(*) from audit_log where seq is null"),
    ("messages on their way", "select count(*) from messages where status in ('queued', 'sending')"),
    ("campaign_runs going on", "select count(*) from campaign_runs where finished_at is null"),
    ("message_count_changes", "select count(*) from message_count_changes"),
    ("campaign_count_changes", "select count(*) from campaign_count_changes"),
    ("socket_tickets", "select count(*) from socket_tickets"),
    ("socket_counts", "select count(*) from socket_counts"),
    ("agent_presence", "select count(*) from agent_presence"),
    ("sessions", "select count(*) from sessions"),
    ("dashboard_sessions", "select count(*) from dashboard_sessions"),
    ("login_buckets", "select count(*) from login_buckets"),
];

/// Of these, what is added up every five minutes: between two times it grows with the work, so that only quarters which begin
/// at the same place of that time can be held against each other.
pub const FOLDED: [&str; 2] = ["message_count_changes", "campaign_count_changes"];
pub const FOLDED_EVERY_S: f64 = 300.0;

/// Seconds for which the oldest job waits that is due and may be begun.
const BACKLOG: &str = "
select coalesce(extract(epoch from engine.now() - min(j.run_at)), 0)::float8
  from engine.jobs j join engine.lanes l on l.id = j.lane
 where j.claim is null and j.run_at <= engine.now() and l.paused_at is null and l.parked_at is null";

/// Tables with their indexes and what is kept apart from them, partitions under the name of the whole; and dead rows.
const TABLES: &str = "
with parts as (
  select c.oid, coalesce(i.inhparent, c.oid) as whole
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid
   where c.relkind = 'r' and c.relnamespace in ('engine'::regnamespace, 'public'::regnamespace))
select p.whole::regclass::text, coalesce(sum(pg_total_relation_size(p.oid)), 0)::int8,
       coalesce(sum(s.n_dead_tup), 0)::int8
  from parts p left join pg_stat_all_tables s on s.relid = p.oid
 group by p.whole";

/// One look.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Seconds since the beginning.
    pub at_s: f64,
    pub rss_mb: f64,
    /// Of the process, all in all.
    pub cpu_s: f64,
    /// What all cores have done and have had time for, in the kernel's own ticks.
    pub machine: (f64, f64),
    pub backlog_s: f64,
    /// By the names of tables.
    pub bytes: BTreeMap<String, i64>,
    pub dead_rows: i64,
    pub wal_bytes: f64,
    /// In the order of [`LIVE`].
    pub live: Vec<i64>,
}

/// Looks every few seconds until it is told that it is over, and once more then.
pub async fn watch(
    mut conn: PgConnection,
    process: u32,
    began: Instant,
    mut is_over: watch::Receiver<bool>,
) -> Outcome<Vec<Look>> {
    let (mut looks, mut tick) = (Vec::new(), interval(EVERY));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let is_last = tokio::select! {
            _ = tick.tick() => false,
            _ = is_over.changed() => true,
        };
        looks.push(look(&mut conn, process, began).await?);
        if is_last {
            return Ok(looks);
        }
    }
}

/// One look.
pub async fn look(conn: &mut PgConnection, process: u32, began: Instant) -> Outcome<Look> {
    let at_s = began.elapsed().as_secs_f64();
    let tables: Vec<(String, i64, i64)> = sqlx::query_as(TABLES).fetch_all(&mut *conn).await?;
    let dead_rows = tables.iter().map(|(_, _, dead)| dead).sum();
    let mut live: Vec<i64> = Vec::new();
    for (_, counted) in LIVE {
        live.push(sqlx::query_scalar(counted).fetch_one(&mut *conn).await?);
    }
    Ok(Look {
        at_s,
        rss_mb: idle::rss_mb(process)?,
        cpu_s: idle::cpu(process)? / idle::TICKS_PER_S,
        machine: machine()?,
        backlog_s: sqlx::query_scalar(BACKLOG).fetch_one(&mut *conn).await?,
        bytes: tables.into_iter().map(|(name, bytes, _)| (name, bytes)).collect(),
        dead_rows,
        wal_bytes: sqlx::query_scalar("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8")
            .fetch_one(&mut *conn)
            .await?,
        live,
    })
}

/// What all cores have done, and how much time there was: the first line of the kernel's own account.
fn machine() -> Outcome<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("no account of the cores")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).map(str::parse::<f64>).collect::<Result<_, _>>()?;
    // User, nice, system, idle, and waiting for the disk, which is idle as well; guests are counted under users.
    let all: f64 = ticks.iter().take(8).sum();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    Ok((all - idle, all))
}
