//! Presence: an agent is signed off when their last socket is gone for good, and not before.

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    agents::{ended, person},
    routing::team,
};

/// A little longer than a socket may take to come back.
const WHILE: TimeDelta = TimeDelta::seconds(31);

fn at(agent: &Value) -> String {
    format!("/api/v1/agents/{}", agent.as_str().expect("an id"))
}

async fn shown(client: &Client, agent: &Value) -> Value {
    client.get(&at(agent)).await.expect(200)
}

/// The one job that looks for somebody who left.
async fn looking(client: &Client) -> Value {
    let mut jobs = client.all("/api/v1/jobs?kind=leave_agent").await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.pop().expect("one")
}

/// Opens a socket that is counted.
async fn open(client: &Client) -> Socket {
    let mut socket = Socket::open(client, None).await;
    socket.frame().await;
    socket
}

/// Looks again and again until so many sockets of agents are counted.
async fn counted(app: &TestApp, sockets: i64) {
    let mut system = app.database.connect_as("switchboard_system").await;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let there: i64 = sqlx::query_scalar("select coalesce(sum(sockets), 0) from agent_presence")
            .fetch_one(&mut system)
            .await
            .expect("an answer");
        if there == sockets {
            return;
        }
        assert!(Instant::now() < until, "{there} sockets are counted, not {sockets}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_last_socket_that_is_gone_signs_off_and_a_second_tab_does_not() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let own = person(&app, &agents[0]).await;
    let mut watch = Socket::open(admin, None).await;
    let (first, second) = (open(&own).await, open(&own).await);
    counted(&app, 2).await;
    assert_eq!(shown(admin, &agents[0]).await["connected"], true);
    assert_eq!(shown(admin, &agents[1]).await["connected"], false);

    drop(first);
    counted(&app, 1).await;
    app.advance(WHILE).await;
    assert!(admin.all("/api/v1/jobs?kind=leave_agent").await.is_empty(), "one is still open");
    assert_eq!(shown(admin, &agents[0]).await["status"], "available");

    drop(second);
    counted(&app, 0).await;
    assert_eq!(shown(admin, &agents[0]).await["status"], "available", "they may come back");
    app.advance(WHILE).await;
    let told = watch.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"from": "available", "to": "offline", "why": "gone"}));
    let gone = shown(admin, &agents[0]).await;
    assert_eq!((&gone["status"], &gone["connected"]), (&json!("offline"), &json!(false)));
    assert_eq!(shown(admin, &agents[1]).await["status"], "available", "who never had a socket stays");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_comes_back_in_time_stays_and_so_does_what_was_said_by_hand() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let own = person(&app, &agents[0]).await;
    drop(open(&own).await);
    counted(&app, 0).await;
    let back = open(&own).await;
    app.advance(WHILE).await;
    ended(admin, "leave_agent", 1).await;
    assert_eq!(shown(admin, &agents[0]).await["status"], "available");

    // Said after they left: it holds.
    drop(back);
    counted(&app, 0).await;
    admin.patch(&at(&agents[0]), &json!({"status": "break"})).await.expect(200);
    app.advance(WHILE).await;
    ended(admin, "leave_agent", 2).await;
    assert_eq!(shown(admin, &agents[0]).await["status"], "break");
    app.process.stop().await;
}

#[tokio::test]
async fn each_departure_has_its_own_while() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let own = person(&app, &agents[0]).await;
    let mut watch = Socket::open(admin, None).await;
    drop(open(&own).await);
    counted(&app, 0).await;
    app.advance(TimeDelta::seconds(20)).await;
    let back = open(&own).await;
    counted(&app, 1).await;
    drop(back);
    counted(&app, 0).await;
    // The first departure's job looks now, finds that they left anew, and waits for the rest.
    let due = looking(admin).await["run_at"].clone();
    app.advance(TimeDelta::seconds(15)).await;
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let job = looking(admin).await;
        if job["state"] == "completed" || (job["run_at"].is_string() && job["run_at"] != due) {
            break;
        }
        assert!(Instant::now() < until, "nobody looks: {job}");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shown(admin, &agents[0]).await["status"], "available");
    app.advance(WHILE).await;
    let told = watch.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"]["why"], "gone");
    looking(admin).await;
    app.process.stop().await;
}

#[tokio::test]
async fn sockets_go_with_their_process() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    person(&app, &agents[0]).await;
    let user = shown(admin, &agents[0]).await["user_id"].clone();
    let mut watch = Socket::open(admin, None).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "insert into agent_presence (tenant_id, user_id, node, sockets)
         values ($1, $2::uuid, gen_random_uuid(), 2)",
    )
    .bind(app.acme.id.0)
    .bind(user.as_str().expect("an id"))
    .execute(&mut system)
    .await
    .expect("a process that was killed had two");
    // The upkeep of the next minute counts them out.
    app.advance(TimeDelta::seconds(61)).await;
    counted(&app, 0).await;
    let until = Instant::now() + Duration::from_secs(30);
    while admin.all("/api/v1/jobs?kind=leave_agent").await.is_empty() {
        assert!(Instant::now() < until, "nobody looks for them");
        sleep(Duration::from_millis(20)).await;
    }
    app.advance(WHILE).await;
    let told = watch.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"from": "available", "to": "offline", "why": "gone"}));
    app.process.stop().await;
}
