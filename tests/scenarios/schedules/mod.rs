//! What begins by itself: each time once, as its policies say.

mod api;

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use engine::{
    Engine,
    operate::Action,
    schedules::{self, Misfire, Overlap, Spec, Tick, When},
};
use switchboard_tests::{
    Database, Worker,
    probe::{Process, Seen, act, nobody, probe, reaches},
};
use uuid::Uuid;

fn every_minute(tenant: Uuid, overlap: Overlap, misfire: Misfire) -> Spec {
    let spec = Spec::of("each minute", probe(tenant, "tick"), When::Crontab("* * * * *".into()));
    Spec { overlap, misfire, ..spec }
}

async fn schedule(engine: &Engine, spec: &Spec) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = engine.begin_tenant(spec.job.tenant).await.expect("a transaction");
    tx.put_schedule(id, spec, &nobody()).await.expect("made");
    tx.commit().await.expect("committed");
    id
}

/// A database whose clock shows the beginning of a minute, so that none begins by itself within the test.
async fn early_in_a_minute() -> Database {
    let database = Database::create().await;
    let mut system = database.connect_as("switchboard_system").await;
    let left = "select 61 - date_part('second', engine.now())";
    database.advance(sqlx::query_scalar(left).fetch_one(&mut system).await.expect("seconds")).await;
    database
}

/// The record, the oldest first.
async fn record(engine: &Engine, tenant: Uuid, id: Uuid) -> Vec<Tick> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let mut ticks = schedules::ticks(tx.conn(), tenant, id, None, 10_000).await.expect("ticks");
    ticks.reverse();
    ticks
}

fn outcomes(ticks: &[Tick]) -> Vec<&str> {
    ticks.iter().map(|tick| tick.outcome.as_str()).collect()
}

async fn next_at(engine: &Engine, tenant: Uuid, id: Uuid) -> DateTime<Utc> {
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let view = schedules::get(tx.conn(), tenant, id).await.expect("an answer").expect("the schedule");
    view.next_at.expect("it goes on")
}

#[tokio::test]
async fn many_tickers_begin_each_time_once() {
    let database = early_in_a_minute().await;
    let (one, two) = (database.engine().await, database.engine().await);
    let tenant = Uuid::now_v7();
    let spec = every_minute(tenant, Overlap::Allow, Misfire::CatchUp(1000));
    let id = schedule(&one, &spec).await;
    let first = next_at(&one, tenant, id).await;
    for _ in 0..20 {
        database.advance(60.0).await;
        let (a, b, c, d) = tokio::join!(one.tick(), two.tick(), one.tick(), two.tick());
        assert_eq!([a, b, c, d].map(|moved| moved.expect("ticked")).iter().sum::<usize>(), 1);
    }
    let ticks = record(&one, tenant, id).await;
    assert_eq!(outcomes(&ticks), ["started"; 20]);
    for (minute, tick) in (0..).zip(&ticks) {
        assert_eq!(tick.due_at, first + chrono::TimeDelta::minutes(minute));
        assert_eq!(tick.job_state.as_deref(), Some("available"));
    }
    let jobs: BTreeSet<_> = ticks.iter().map(|tick| tick.job_id).collect();
    assert_eq!(jobs.len(), 20);
}

#[tokio::test]
async fn two_processes_are_killed_twenty_times_and_each_time_comes_once() {
    let database = early_in_a_minute().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let id = schedule(&engine, &every_minute(tenant, Overlap::Allow, Misfire::CatchUp(1000))).await;
    let first = next_at(&engine, tenant, id).await;
    let mut workers = vec![Worker::start(&database), Worker::start(&database)];
    for round in 0..20 {
        database.advance(60.0).await;
        // Not after the tick but at any moment of it.
        tokio::time::sleep(Duration::from_millis(97 * (round % 11))).await;
        workers.remove(0).kill().await;
        workers.push(Worker::start(&database));
    }
    let all = async {
        while record(&engine, tenant, id).await.len() < 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all times come");
    for worker in workers {
        worker.kill().await;
    }
    // Where the machine is slow a minute more may have passed.
    let ticks = record(&engine, tenant, id).await;
    assert!(outcomes(&ticks).iter().all(|outcome| *outcome == "started"), "{ticks:?}");
    assert!(
        (0..).zip(&ticks).all(|(minute, tick)| tick.due_at == first + chrono::TimeDelta::minutes(minute))
    );
    // One job for each, live or past, and no other.
    let mut system = database.connect_as("switchboard_system").await;
    let jobs: Vec<Uuid> = sqlx::query_scalar(
        "select id from engine.jobs where business_key = $1
         union all select id from engine.job_history where business_key = $1 order by 1",
    )
    .bind(schedules::business_key(id))
    .fetch_all(&mut system)
    .await
    .expect("the jobs");
    let mut begun: Vec<Uuid> = ticks.iter().filter_map(|tick| tick.job_id).collect();
    begun.sort_unstable();
    assert_eq!(jobs, begun);
}

#[tokio::test]
async fn two_hours_without_anybody_are_dealt_with_as_each_misfire_policy_says() {
    let database = early_in_a_minute().await;
    let engine = database.engine().await;
    let (tenant, mut made) = (Uuid::now_v7(), Vec::new());
    for misfire in [Misfire::Skip, Misfire::RunOnce, Misfire::CatchUp(5), Misfire::CatchUp(1000)] {
        let mut spec = every_minute(tenant, Overlap::Allow, misfire);
        spec.name = format!("{misfire:?}");
        spec.when = When::Crontab("*/10 * * * *".into());
        made.push(schedule(&engine, &spec).await);
    }
    let first = next_at(&engine, tenant, made[0]).await;
    let mut system = database.connect_as("switchboard_system").await;
    let now: DateTime<Utc> =
        sqlx::query_scalar("select engine.now()").fetch_one(&mut system).await.expect("the time");
    // To two hours and five minutes after the first time, so that no time is on time.
    let ahead = (first - now).as_seconds_f64() + 7_500.0;
    database.advance(ahead).await;
    engine.tick().await.expect("ticked");
    let started = |ticks: &[Tick]| ticks.iter().filter(|tick| tick.outcome == "started").count();
    let mut counts = Vec::new();
    for id in &made {
        let ticks = record(&engine, tenant, *id).await;
        let last = ticks.iter().map(|tick| tick.until_at.unwrap_or(tick.due_at)).max();
        assert_eq!(last, Some(first + chrono::TimeDelta::hours(2)), "nothing is left out of the record");
        counts.push(started(&ticks));
    }
    assert_eq!(counts, [0, 1, 5, 13]);
    engine.tick().await.expect("ticked");
    assert_eq!(record(&engine, tenant, made[3]).await.len(), 13, "and only once");
}

/// The record is the guard, not the place that the schedule has reached: a clock may jump back.
#[tokio::test]
async fn a_time_that_was_does_not_come_again() {
    let database = early_in_a_minute().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let id = schedule(&engine, &every_minute(tenant, Overlap::Allow, Misfire::RunOnce)).await;
    database.advance(60.0).await;
    engine.tick().await.expect("ticked");
    let before = record(&engine, tenant, id).await;
    let mut system = database.connect_as("switchboard_system").await;
    sqlx::query("update engine.schedules set next_at = $2 where id = $1")
        .bind(id)
        .bind(before[0].due_at)
        .execute(&mut system)
        .await
        .expect("moved back");
    assert_eq!(engine.tick().await.expect("ticked"), 1);
    assert_eq!(record(&engine, tenant, id).await.len(), 1);
    let jobs: i64 =
        sqlx::query_scalar("select count(*) from engine.jobs").fetch_one(&mut system).await.expect("jobs");
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn what_is_still_running_is_dealt_with_as_each_overlap_policy_says() {
    let database = early_in_a_minute().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut made = Vec::new();
    for overlap in [Overlap::Skip, Overlap::BufferOne, Overlap::Allow, Overlap::CancelOlder] {
        let mut spec = every_minute(tenant, overlap, Misfire::RunOnce);
        spec.name = format!("{overlap:?}");
        made.push(schedule(&engine, &spec).await);
    }
    for _ in 0..3 {
        database.advance(60.0).await;
        engine.tick().await.expect("ticked");
    }
    let mut records = Vec::new();
    for id in &made {
        records.push(record(&engine, tenant, *id).await);
    }
    assert_eq!(outcomes(&records[0]), ["started", "skipped", "skipped"]);
    assert_eq!(outcomes(&records[1]), ["started", "buffered", "skipped"]);
    assert_eq!(outcomes(&records[2]), ["started"; 3]);
    assert_eq!(outcomes(&records[3]), ["started"; 3]);
    let states: Vec<_> = records[3].iter().map(|tick| tick.job_state.clone().unwrap_or_default()).collect();
    assert_eq!(states, ["cancelled", "cancelled", "available"]);

    // The run ends, so what was buffered begins.
    act(&engine, tenant, Action::Cancel, &[records[1][0].job_id.expect("a job")]).await;
    engine.tick().await.expect("ticked");
    let buffered = record(&engine, tenant, made[1]).await;
    assert_eq!(outcomes(&buffered), ["started", "started", "skipped"]);
    let process = Process::start(&engine, 4, Seen::default()).await;
    reaches(&engine, tenant, buffered[1].job_id.expect("a job"), "completed").await;
    process.drain().await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_paused_and_holds_up_no_other() {
    let database = early_in_a_minute().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    let mut spec = every_minute(tenant, Overlap::Allow, Misfire::RunOnce);
    let broken = schedule(&engine, &spec).await;
    spec.name = "another".into();
    let sound = schedule(&engine, &spec).await;
    let mut system = database.connect_as("switchboard_system").await;
    sqlx::query("update engine.schedules set zone = 'Mars/Olympus' where id = $1")
        .bind(broken)
        .execute(&mut system)
        .await
        .expect("broken");
    database.advance(60.0).await;
    engine.tick().await.expect("ticked");
    assert_eq!(outcomes(&record(&engine, tenant, sound).await), ["started"]);
    let mut tx = engine.begin_tenant(tenant).await.expect("a transaction");
    let view = schedules::get(tx.conn(), tenant, broken).await.expect("an answer").expect("kept");
    assert!(view.paused_at.is_some() && view.why.expect("a reason").contains("Mars/Olympus"));
}
