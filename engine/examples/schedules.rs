//! A job that begins by itself, once for each time however many processes tick: `./x example schedules`.

mod shared;

use std::time::Duration;

use engine::{
    JobKind, NewJob, Outcome,
    schedules::{self, Calendar, Spec, When},
};
use serde::{Deserialize, Serialize};
use shared::Result;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct WishGoodMorning;

impl JobKind for WishGoodMorning {
    const KIND: &'static str = "wish_good_morning";
    const QUEUE: &'static str = "examples";
}

#[tokio::main]
async fn main() -> Result<()> {
    show(shared::database().await?).await
}

/// # Errors
/// If Postgres refuses.
///
/// # Panics
/// If the engine does not do what the example says.
pub async fn show(connect: PgConnectOptions) -> Result<()> {
    // On the last Sunday of March the clock in Berlin jumps from two to three: half past two is due at the jump.
    let mornings = Calendar::parse("30 2 * * *", "Europe/Berlin")?;
    let saturday = "2026-03-28T12:00:00Z".parse()?;
    let times: Vec<String> = mornings.after(saturday).take(2).map(|due| due.to_rfc3339()).collect();
    println!("half past two in Berlin: {times:?}");
    assert_eq!(times, ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00"]);

    // In a second, and not again. Two processes tick.
    let (tenant, schedule) = (Uuid::now_v7(), Uuid::now_v7());
    let (engine, other) = (shared::engine(connect.clone()).await?, shared::engine(connect).await?);
    let stop = CancellationToken::new();
    let ticking = [&engine, &other].map(|engine| tokio::spawn(schedules::run(engine.clone(), stop.clone())));
    let mut tx = engine.begin_tenant(tenant).await?;
    let now: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select engine.now()").fetch_one(tx.conn()).await?;
    let job = NewJob::of(tenant, Uuid::nil(), &WishGoodMorning)?;
    let spec = Spec::of("good morning", job, When::Once(now + Duration::from_secs(1)));
    tx.put_schedule(schedule, &spec, &shared::nobody()).await?;
    tx.commit().await?;

    let (said, mut wishes) = mpsc::channel(8);
    let worker = shared::Worker::start(
        &engine,
        &[shared::kind::<WishGoodMorning>()],
        4,
        said,
        |envelope, said| async move {
            said.send(envelope.claim.job).await?;
            Ok(Outcome::Done("good morning".into()))
        },
    )
    .await?;
    let job = wishes.recv().await.ok_or("the worker has ended")?;
    stop.cancel();
    for ticking in ticking {
        ticking.await?;
    }
    worker.stop().await?;
    let mut tx = engine.begin_tenant(tenant).await?;
    let record = schedules::ticks(tx.conn(), tenant, schedule, None, 10).await?;
    println!("the record of its times: {record:#?}");
    assert_eq!(record.iter().map(|tick| tick.job_id).collect::<Vec<_>>(), [Some(job)]);
    Ok(())
}
