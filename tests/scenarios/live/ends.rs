//! How sockets end that do not end themselves: nothing is heard of them, they take nothing, or there is no room.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use switchboard::process::Plan;
use switchboard_tests::{Socket, TestApp};
use tokio::{sync::oneshot, time::sleep};

use crate::live::{happen_with, key, many, sequences, until_counted};

/// So many events of this size are more than the two ends of a connection keep.
pub const EVENTS: usize = 4_000;
const BYTES: usize = 4_000;
/// Longer than any test.
const FOR_EVER: Duration = Duration::from_hours(1);

pub fn ever_patient(plan: &mut Plan) {
    (plan.sockets.idle, plan.sockets.patience, plan.sockets.behind) = (FOR_EVER, FOR_EVER, FOR_EVER);
}

pub async fn flood(app: &TestApp) {
    let body = json!({ "code": "x".repeat(BYTES) });
    for _ in 0..EVENTS / 500 {
        happen_with(app, &app.acme, &many("message.failed", 500), &body).await;
    }
}

#[tokio::test]
async fn one_that_is_not_heard_of_is_closed() {
    let app = TestApp::with(|plan| {
        ever_patient(plan);
        plan.sockets.idle = Duration::from_millis(500);
        plan.sockets.ping_every = Duration::from_millis(100);
    })
    .await;
    // It answers pings only while somebody waits for its frames.
    let silent = Socket::open(&app.acme.admin, None).await;
    let mut lively = Socket::open(&app.other.admin, None).await;
    let (stop, mut stopped) = oneshot::channel::<()>();
    let answers = tokio::spawn(async move {
        loop {
            tokio::select! {
                frame = lively.next() => drop(frame.expect("it stays open")),
                _ = &mut stopped => return lively,
            }
        }
    });
    until_counted(&app, &app.acme, |counted| counted.sockets == 0).await;
    assert_eq!(silent.closed_unanswered().await, 1008);
    until_counted(&app, &app.other, |counted| counted.sockets == 1).await;
    stop.send(()).expect("it waits");
    drop(answers.await.expect("it stayed open"));
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_takes_nothing_is_closed_and_the_others_go_on() {
    let app = TestApp::with(|plan| {
        ever_patient(plan);
        plan.sockets.patience = Duration::from_secs(4);
    })
    .await;
    let mut stuck = Socket::open(&app.acme.admin, None).await;
    let mut quick = Socket::open(&app.acme.admin, None).await;
    let reads = tokio::spawn(async move { sequences(&mut quick, EVENTS).await });
    flood(&app).await;
    let told = reads.await.expect("it is told all");
    assert_eq!(told, (1..=4_000).collect::<Vec<_>>());
    until_counted(&app, &app.acme, |counted| counted.slow == 1).await;
    until_counted(&app, &app.acme, |counted| counted.sockets <= 1).await;
    // What had left by then it gets, and then it hears why.
    assert_eq!(stuck.closed().await.0, 1013);
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_takes_too_little_does_not_stay_behind_for_ever() {
    let app = TestApp::with(|plan| {
        ever_patient(plan);
        plan.sockets.behind = Duration::from_millis(200);
    })
    .await;
    let mut slow = Socket::open(&app.acme.admin, None).await;
    flood(&app).await;
    let is_closed = || app.process.app.hub.counted().iter().any(|one| one.slow == 1);
    let mut told = 0;
    let end = loop {
        match slow.next().await {
            Ok(frame) => told += usize::from(frame["specversion"].is_string()),
            Err(end) => break end,
        }
        assert!(told < EVENTS, "it was told all, however late");
        // Something each time, so that no write waits for ever, and much less than there is.
        if !is_closed() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(end.map(|(code, _)| code), Some(1013));
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_takes_nothing_is_closed_by_a_change_of_its_rights_as_well() {
    let app = TestApp::with(ever_patient).await;
    let (path, client) = key(&app.acme, &["messages:read"]).await;
    let stuck = Socket::open(&client, None).await;
    let mut quick = Socket::open(&app.acme.admin, None).await;
    let reads = tokio::spawn(async move { sequences(&mut quick, EVENTS).await });
    flood(&app).await;
    reads.await.expect("it is told all");
    until_counted(&app, &app.acme, |counted| counted.sockets == 1 && counted.dropped >= 1).await;
    app.acme.admin.delete(&path).await.expect(204);
    until_counted(&app, &app.acme, |counted| counted.sockets == 0 && counted.slow == 0).await;
    drop(stuck);
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_missed_is_told_no_longer_than_the_rights_last() {
    let app = TestApp::with(ever_patient).await;
    let admin = &app.acme.admin;
    let mut quick = Socket::open(admin, None).await;
    let reads = tokio::spawn(async move { sequences(&mut quick, EVENTS).await });
    flood(&app).await;
    reads.await.expect("it is told all");
    let expires_at = app.process.app.platform.clock.now() + TimeDelta::minutes(5);
    let new = json!({"name": "k", "permissions": ["events:read", "messages:read"], "expires_at": expires_at});
    let made = admin.post("/api/v1/api-keys", &new).await.expect(201);
    let client = admin.with_bearer(made["key"].as_str().expect("a key"));
    let mut late = Socket::open(&client, Some(0)).await;
    late.event().await;
    // It cannot be through with it, for nobody has taken it.
    app.clock.advance(TimeDelta::minutes(6));
    let mut told = 1;
    let end = loop {
        match late.next().await {
            Ok(frame) => told += usize::from(frame["specversion"].is_string()),
            Err(end) => break end,
        }
    };
    assert!(told < EVENTS, "it was told all");
    assert!(end.as_ref().is_none_or(|(code, _)| *code == 1008), "{end:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn one_tenant_leaves_room_for_the_others() {
    let app = TestApp::with(|plan| plan.sockets.most = 10).await;
    let mut open = Vec::new();
    for _ in 0..9 {
        open.push(Socket::open(&app.acme.admin, None).await);
    }
    let refused = Socket::asking(&app.acme.admin, "").await.err();
    assert!(refused.expect("the last place is for others").to_string().contains("503"));
    open.push(Socket::open(&app.other.admin, None).await);
    app.process.stop().await;
}

#[tokio::test]
async fn more_than_there_is_room_for_are_told_to_come_again() {
    let app = TestApp::with(|plan| plan.sockets.most = 1).await;
    let first = Socket::open(&app.acme.admin, None).await;
    let ticket = app.acme.admin.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let refused = Socket::with_ticket(&app.acme.admin, ticket, None, None).await.err();
    assert!(refused.expect("no room").to_string().contains("503"));
    drop(first);
    until_counted(&app, &app.acme, |counted| counted.sockets == 0).await;
    // The ticket was not used up; the place is free a moment after the socket is counted out.
    let mut tries = 0;
    while let Err(refused) = Socket::with_ticket(&app.acme.admin, ticket, None, None).await {
        tries += 1;
        assert!(tries < 1_000 && refused.to_string().contains("503"), "{refused}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_says_too_much_is_closed() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.acme.admin, None).await;
    for _ in 0..51 {
        socket.say(&json!({"op": "ping"})).await;
    }
    assert_eq!(socket.closed().await.0, 1008);
    let mut pinging = Socket::open(&app.acme.admin, None).await;
    for _ in 0..51 {
        pinging.ping().await;
    }
    assert_eq!(pinging.closed().await.0, 1008, "pings are frames as well");
    let mut large = Socket::open(&app.acme.admin, None).await;
    large.say(&json!({"op": "subscribe", "resources": ["x".repeat(70_000)]})).await;
    let end = loop {
        if let Err(end) = large.next().await {
            break end;
        }
    };
    assert_eq!(end, None, "it is not read, and nothing more is said");
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_sends_bytes_is_closed() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.acme.admin, None).await;
    socket.bytes().await;
    assert_eq!(socket.closed().await.0, 1003);
    app.process.stop().await;
}

#[tokio::test]
async fn all_are_told_when_the_process_stops() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app.acme.admin, None).await;
    let ((), closed) = tokio::join!(app.process.stop(), socket.closed());
    assert_eq!(closed.0, 1001);
}
