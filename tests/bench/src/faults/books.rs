//! The judge: what was accepted, against the books in Postgres and the ledger on the disk.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    ledger::{self, Line, What},
    load::Memory,
    site::Site,
    worker::Does,
};
use crate::Outcome;

/// How long the jobs that are left may take once nothing disturbs them.
const PATIENCE: Duration = Duration::from_mins(2);
/// The kernel tells the time since its start in hundredths of a second.
const GRAIN: f64 = 0.02;

/// What the books and the ledger say.
#[derive(Debug, Default)]
pub struct Judged {
    /// Accepted and not completed, or completed without its effect.
    pub lost: usize,
    /// In the books more than once, or with more than one effect.
    pub doubled: usize,
    /// Begun before it was due.
    pub early: usize,
    /// Begun again after it had begun.
    pub begun_again: usize,
    /// Begun again although an attempt had come to its end.
    pub again_after_end: usize,
    /// From commit to the first beginning, in seconds, sorted.
    pub waits: Vec<f64>,
    pub lines: Vec<Line>,
}

/// Waits until nothing is left to do, then judges.
pub async fn judge(site: &Site, put: &Memory) -> Outcome<Judged> {
    let mut conn = site.system().await?;
    empty(&mut conn).await?;
    let ends: Vec<(Uuid, String, i64)> =
        sqlx::query_as("select id, state, count(*) from engine.job_history group by id, state")
            .fetch_all(&mut conn)
            .await?;
    let effects: Vec<(Uuid, i64)> =
        sqlx::query_as("select job, count(*) from effects group by job").fetch_all(&mut conn).await?;
    conn.close().await?;
    let effects: HashMap<Uuid, i64> = effects.into_iter().collect();
    let mut judged = Judged { lines: ledger::read(&site.ledger())?, ..Judged::default() };
    let mut completed = HashSet::new();
    let mut times: HashMap<Uuid, i64> = HashMap::new();
    for (id, state, count) in ends {
        *times.entry(id).or_default() += count;
        if state == "completed" {
            completed.insert(id);
        }
    }
    judged.doubled = times.values().chain(effects.values()).filter(|count| **count > 1).count();
    let mut first: HashMap<Uuid, f64> = HashMap::new();
    let mut ended: HashSet<Uuid> = HashSet::new();
    for line in &judged.lines {
        match line.what {
            What::Began => {
                judged.again_after_end += usize::from(ended.contains(&line.job));
                judged.begun_again += usize::from(first.contains_key(&line.job));
                first.entry(line.job).or_insert(line.at);
            }
            What::Ended => drop(ended.insert(line.job)),
            What::Refused => {}
        }
    }
    // What has left any trace was accepted, whether or not its commit was answered.
    let traced = |id: &Uuid| times.contains_key(id) || first.contains_key(id) || effects.contains_key(id);
    let unsure = put.unsure.iter().filter(|(id, _)| traced(id)).map(|(id, does)| (*id, *does));
    for (id, does) in put.accepted.iter().map(|(id, job)| (*id, job.does)).chain(unsure) {
        let effect_missing = does == Does::Effect && !effects.contains_key(&id);
        judged.lost += usize::from(does != Does::Crash && (!completed.contains(&id) || effect_missing));
    }
    // Completed without a handler that began is as good as lost.
    judged.lost += completed.iter().filter(|id| !first.contains_key(id)).count();
    for (id, job) in &put.accepted {
        let Some(began) = first.get(id) else { continue };
        judged.early += usize::from(*began + GRAIN < job.due);
        judged.waits.push((began - job.committed).max(0.0));
    }
    judged.waits.sort_by(f64::total_cmp);
    Ok(judged)
}

/// Resolves when no job is unfinished.
pub async fn empty(conn: &mut PgConnection) -> Outcome<()> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let left: Vec<(Uuid, Option<Uuid>)> =
            sqlx::query_as("select id, node from engine.jobs limit 5").fetch_all(&mut *conn).await?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > patience {
            return Err(format!("jobs do not end: {left:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Judged {
    /// The longest time from a moment until each of these processes has begun a job.
    pub fn resumed(&self, processes: &[u32], at: f64) -> f64 {
        let next = |process: &u32| {
            let of = |line: &&Line| line.process == *process && line.what == What::Began && line.at > at;
            self.lines.iter().filter(of).map(|line| line.at - at).fold(f64::INFINITY, f64::min)
        };
        processes.iter().map(next).fold(0.0, f64::max)
    }

    /// The longest time from a moment until what a process had begun then, and not ended, was begun by
    /// another one.
    pub fn taken_over(&self, process: u32, at: f64) -> f64 {
        let mut open: HashSet<Uuid> = HashSet::new();
        let mut longest: f64 = 0.0;
        for line in &self.lines {
            if line.process == process && line.at <= at {
                match line.what {
                    What::Began => drop(open.insert(line.job)),
                    What::Ended | What::Refused => drop(open.remove(&line.job)),
                }
            } else if line.process != process && line.what == What::Began && open.remove(&line.job) {
                longest = longest.max(line.at - at);
            }
        }
        longest
    }
}
