//! An attempt ends in a word: `./x example outcomes`.

mod shared;

use std::time::Duration;

use engine::{Engine, JobKind, NewJob, Outcome, jobs, worker::Envelope};
use serde::{Deserialize, Serialize};
use shared::Result;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Play {
    /// Succeeds at once.
    Done,
    /// Fails the first time; the next attempt comes when it says.
    RetryOnce,
    /// Finds that it is too early; the attempt does not count.
    SnoozeOnce,
    /// Will never work: kept as a dead letter that people can look at and retry.
    Discard,
    /// Ends its job in the transaction of its effect: then the effect happens exactly once.
    Settle,
    /// Panics on every attempt; after the last it is a dead letter as well.
    Panic,
}

#[derive(Serialize, Deserialize)]
struct Act(Play);

impl JobKind for Act {
    const KIND: &'static str = "act";
    const QUEUE: &'static str = "examples";
    const MAX_ATTEMPTS: i16 = 2;
    const TIMEOUT: Duration = Duration::from_secs(10);
}

#[tokio::main]
async fn main() -> Result<()> {
    show(shared::database().await?).await
}

async fn handle(envelope: Envelope, engine: Engine, ended: mpsc::Sender<Uuid>) -> Result<Outcome> {
    let Act(play) = Act::decode(envelope.version, &envelope.args)?;
    let claim = envelope.claim;
    let first = claim.attempt == 1;
    ended.send(claim.job).await?;
    Ok(match play {
        Play::RetryOnce if first => {
            let why = "the provider is busy".to_owned();
            Outcome::Retry { after: Some(Duration::from_millis(20)), code: "busy", why }
        }
        Play::SnoozeOnce if envelope.business_key.is_none() && snoozes(&engine, &claim).await? => {
            Outcome::Snooze { after: Duration::from_millis(20) }
        }
        Play::Done | Play::RetryOnce | Play::SnoozeOnce => Outcome::Done(serde_json::json!({"ok": true})),
        Play::Discard => Outcome::Discard { code: "no_such_lead", why: "it was deleted".into() },
        Play::Panic => panic!("as the example wants it"),
        Play::Settle => {
            let mut tx = engine.begin_tenant(claim.tenant).await?;
            // … the effect, in the same transaction …
            let ending = claim.ending(Outcome::Done(serde_json::json!({"settled": true})), || 0.5);
            let held = tx.finish(ending.as_slice()).await?;
            // Lost to another node: the effect must not stay either.
            if held.is_empty() {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
            Outcome::Settled
        }
    })
}

/// The first time it notes that it has been here; progress is kept with the job.
async fn snoozes(engine: &Engine, claim: &engine::finish::Claim) -> Result<bool> {
    let mut tx = engine.begin_tenant(claim.tenant).await?;
    let before = jobs::get(tx.conn(), claim.tenant, claim.job).await?;
    jobs::report_progress(tx.conn(), claim, 0.5, "looked once").await?;
    tx.commit().await?;
    Ok(before.is_some_and(|job| job.note.is_none()))
}

/// # Errors
/// If Postgres refuses.
///
/// # Panics
/// If the engine does not do what the example says.
pub async fn show(connect: PgConnectOptions) -> Result<()> {
    let engine = shared::engine(connect).await?;
    let tenant = Uuid::now_v7();
    let (began, mut attempts) = mpsc::channel(64);
    let of_worker = engine.clone();
    let worker =
        shared::Worker::start(&engine, &[shared::kind::<Act>()], 4, began, move |envelope, began| {
            handle(envelope, of_worker.clone(), began)
        })
        .await?;

    let plays = [Play::Done, Play::RetryOnce, Play::SnoozeOnce, Play::Discard, Play::Settle, Play::Panic];
    let jobs: Vec<NewJob> = plays
        .iter()
        .map(|play| NewJob::of(tenant, Uuid::now_v7(), &Act(*play)))
        .collect::<serde_json::Result<_>>()?;
    let mut tx = engine.begin_tenant(tenant).await?;
    tx.enqueue(&jobs, &shared::nobody()).await?;
    tx.commit().await?;

    // Six first attempts, and a second one of those that retry, snooze and panic.
    for _ in 0..9 {
        attempts.recv().await.ok_or("the worker ended early")?;
    }
    worker.stop().await?;
    for (play, job) in plays.iter().zip(&jobs) {
        let mut tx = engine.begin_tenant(tenant).await?;
        let job = jobs::get(tx.conn(), tenant, job.id).await?.ok_or("it is kept")?;
        println!("{play:?}: {} after {} attempts, output {:?}", job.state, job.attempt, job.output);
        let wanted = if matches!(play, Play::Discard | Play::Panic) { "discarded" } else { "completed" };
        assert_eq!(job.state, wanted);
    }
    engine.close().await;
    Ok(())
}
