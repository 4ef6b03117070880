//! The same in processes: that it happens at all, and what holds while connections break and processes drain.

use std::{sync::Arc, time::Duration};

use engine::{Engine, Outcome, operate::Action};
use serde_json::Value;
use switchboard_tests::{
    Database,
    probe::{Process, Seen, enqueue, probe},
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{limit, number, put, taken};

/// Each job waits until it is let go.
fn gated() -> (Arc<Notify>, Seen) {
    let gate = Arc::new(Notify::new());
    let of_jobs = Arc::clone(&gate);
    let seen = Seen::default().answering(move |_, _| {
        let gate = Arc::clone(&of_jobs);
        Some(Box::pin(async move {
            gate.notified().await;
            Outcome::Done(Value::Null)
        }))
    });
    (gate, seen)
}

/// The row of the job that begins and that of the job that ended are of one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_at_its_limit_ends_and_claims_in_one_transaction() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 1).await;
    let ids = put(&engine, tenant, 30).await;
    let (gate, seen) = gated();
    let process = Process::start(&engine, 4, seen.clone()).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut together = false;
    // A hint or a poll may keep the dispatcher busy at one moment or another, so not each of them is.
    for begun in 2..=ids.len() {
        gate.notify_one();
        seen.wait_for(begun).await;
        let job = |at: usize| ids[seen.list()[at].parse::<usize>().expect("a number")];
        together = sqlx::query_scalar(
            "select exists (select from engine.job_history h, engine.jobs j
                             where h.id = $1 and j.id = $2 and h.xmin = j.xmin)",
        )
        .bind(job(begun - 2))
        .bind(job(begun - 1))
        .fetch_one(&mut system)
        .await
        .expect("an answer");
        if together {
            break;
        }
    }
    process.drain().await;
    assert!(together);
}

/// What somebody else holds for a while is no fault of the connection.
#[tokio::test(flavor = "multi_thread")]
async fn an_ending_that_is_held_up_costs_its_dispatcher_no_connection() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 1).await;
    let ids = put(&engine, tenant, 30).await;
    let (gate, seen) = gated();
    let process = Process::start(&engine, 4, seen.clone()).await;
    seen.wait_for(1).await;
    let mut owner = database.connect_as("none").await;
    let made = "select max(made::bigint) from engine.nodes, jsonb_each_text(connections) as c(queue, made)";
    let (before, mut held_up) = (number(&mut owner, made).await, false);
    for begun in 1..ids.len() {
        let job = ids[seen.list()[begun - 1].parse::<usize>().expect("a number")];
        let mut operator = engine.begin_tenant(tenant).await.expect("a transaction");
        operator.act(Action::Cancel, &[job]).await.expect("asked, and not committed yet");
        gate.notify_one();
        let waits = "select count(*) filter (where query like '%engine.finish(%')
                          + 1000 * count(*) filter (where query like '%engine.finish_and_claim(%')
                       from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        loop {
            let waiting = number(&mut owner, waits).await;
            held_up |= waiting >= 1000;
            if waiting % 1000 > 0 {
                break;
            }
        }
        operator.rollback().await.expect("let go");
        seen.wait_for(begun + 1).await;
        if held_up {
            break;
        }
    }
    assert!(held_up, "none was handed over");
    assert_eq!(number(&mut owner, made).await, before);
    process.drain().await;
}

fn working(time: Duration) -> Seen {
    Seen::default().doing(move || Box::pin(tokio::time::sleep(time)))
}

async fn put_work(engine: &Engine, tenant: Uuid, count: usize) {
    let jobs: Vec<_> = (0..count).map(|_| probe(tenant, "work")).collect();
    enqueue(engine, tenant, &jobs).await;
}

const ENDED: &str = "select count(*) from engine.job_history where state = 'completed'";
const HELD: &str = "select count(*) from engine.jobs where node is not null";

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_while_dispatchers_lose_their_connections_ends_once() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 4).await;
    put_work(&engine, tenant, 200).await;
    let seen = working(Duration::from_millis(5));
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(Process::start(&database.engine().await, 20, seen.clone()).await);
    }
    let (mut owner, mut cut) = (database.connect_as("none").await, 0);
    for begun in (20..180).step_by(20) {
        seen.wait_for(begun).await;
        cut += number(
            &mut owner,
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid()
                and query like '%engine.finish_and_claim%'",
        )
        .await;
    }
    assert!(cut > 0, "some of them ended and claimed in one statement");
    let mut system = database.connect_as("switchboard_system").await;
    let all = async { while number(&mut system, ENDED).await < 200 {} };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all end");
    for process in processes {
        process.drain().await;
    }
    let ids = number(&mut system, "select count(distinct id) from engine.job_history").await;
    assert_eq!((number(&mut system, ENDED).await, ids), (200, 200));
    assert_eq!((number(&mut system, HELD).await, taken(&mut system).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_in_the_hands_of_a_dispatcher_that_drains() {
    let database = Database::create().await;
    let engine = database.engine().await;
    let tenant = Uuid::now_v7();
    limit(&engine, tenant, 4).await;
    put_work(&engine, tenant, 400).await;
    let mut system = database.connect_as("switchboard_system").await;
    let mut begun = 0;
    for _ in 0..5 {
        let seen = working(Duration::from_millis(3));
        let process = Process::start(&database.engine().await, 20, seen.clone()).await;
        seen.wait_for(30).await;
        process.drain().await;
        begun += i64::try_from(seen.list().len()).expect("a few");
        assert_eq!(number(&mut system, ENDED).await, begun, "what has ended is in the books");
        assert_eq!((number(&mut system, HELD).await, taken(&mut system).await), (0, 0));
    }
}
