//! How soon a job runs after its commit, enqueued in one process and run in another; and the worker
//! process itself, which writes a line for each start and end.

use std::{
    io::Write,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use engine::JobKind;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use uuid::Uuid;

use super::rig::{self, Noop, Process, Work};
use crate::{Outcome, database::Database, table::Figures};

const JOBS: usize = 500;
/// 50 jobs a second.
const EVERY: Duration = Duration::from_millis(20);

/// A worker in a process of its own. Killed when it is dropped.
pub struct Remote {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// One line of a worker: the job's number, and when in microseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Started(u64, u64),
    Ended(u64, u64),
}

impl Remote {
    pub async fn start(database: &Database, concurrency: usize, takes: Duration) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", &concurrency.to_string(), &takes.as_millis().to_string()])
            .env("BENCH_DATABASE", database.owner.get_database().unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("a worker without an output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next_line().await?;
        if ready.as_deref() != Some("ready") {
            return Err(format!("a worker did not begin: {ready:?}").into());
        }
        Ok(Self { _child: child, lines })
    }

    pub async fn next(&mut self) -> Outcome<Event> {
        let line = self.lines.next_line().await?.ok_or("a worker ended early")?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("a worker's line was cut short");
        let (what, number, at) = (word()?, word()?.parse()?, word()?.parse()?);
        Ok(if what == "s" { Event::Started(number, at) } else { Event::Ended(number, at) })
    }
}

/// The hidden command: works until its input ends.
pub async fn worker(concurrency: usize, takes_ms: u64) -> Outcome<()> {
    let url = std::env::var("DATABASE_URL")?;
    let connect = url.parse::<PgConnectOptions>()?.database(&std::env::var("BENCH_DATABASE")?);
    let settings = engine::Settings { connect, app_connections: 4, system_connections: 4 };
    let engine = engine::Engine::connect(settings).await?;
    let mut work = Work::new(usize::MAX);
    work.takes = Duration::from_millis(takes_ms);
    work.began = Some(std::sync::Arc::new(|envelope| tell('s', envelope)));
    work.ended = Some(std::sync::Arc::new(|envelope| tell('e', envelope)));
    let process = Process::join(&engine).await?.work(concurrency, work).await?;
    println!("ready");
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await?;
    process.drain().await?;
    engine.close().await;
    Ok(())
}

fn tell(what: char, envelope: &engine::worker::Envelope) {
    let number =
        Noop::decode(envelope.version, &envelope.args).ok().and_then(|noop| noop.0["number"].as_u64());
    // The parent that reads this may have gone; the worker ends then by itself.
    let _ = writeln!(std::io::stdout(), "{what} {} {}", number.unwrap_or(0), micros());
}

#[expect(clippy::disallowed_methods, reason = "two processes compare the machine's own clock")]
pub fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}

pub fn numbered(tenant: Uuid, number: u64) -> Outcome<engine::NewJob> {
    let mut job = rig::job(tenant)?;
    job.args = serde_json::value::to_raw_value(&serde_json::json!({"number": number}))?;
    Ok(job)
}

pub async fn latency() -> Outcome<Figures> {
    let database = Database::migrated().await?;
    let engine = database.engine().await?;
    let tenant = Uuid::now_v7();
    let mut remote = Remote::start(&database, 50, Duration::ZERO).await?;
    let mut tick = tokio::time::interval(EVERY);
    let mut waits = Vec::with_capacity(JOBS);
    for number in 0..JOBS as u64 + 50 {
        tick.tick().await;
        let mut tx = engine.begin_tenant(tenant).await?;
        tx.enqueue(&[numbered(tenant, number)?], &rig::nobody()).await?;
        tx.commit().await?;
        let committed = micros();
        let started = loop {
            match remote.next().await? {
                Event::Started(which, at) if which == number => break at,
                _ => {}
            }
        };
        // The first second warms connections and plans.
        if number >= 50 {
            waits.push(started.saturating_sub(committed));
        }
    }
    waits.sort_unstable();
    engine.close().await;
    drop(remote);
    database.drop().await?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a few milliseconds")]
    let ms = |share: usize| waits[(waits.len() * share / 100).min(waits.len() - 1)] as f64 / 1_000.0;
    Ok(vec![("pickup_ms_p50", ms(50)), ("pickup_ms_p99", ms(99))])
}
