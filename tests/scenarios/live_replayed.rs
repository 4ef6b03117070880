//! Whoever was away is told what they missed, in order, once, or that it is gone.

use serde_json::json;
use switchboard_tests::{Database, Socket, Tenant, TestApp};

use crate::live::{happen, many, sequences, until_counted};

/// Drops the beginning of what a tenant can be told, as whole days are dropped.
async fn drop_until(database: &Database, tenant: &Tenant, sequence: i64) {
    let mut owner = database.connect_as("none").await;
    sqlx::query("delete from engine.log_order where tenant_id = $1 and seq <= $2")
        .bind(tenant.id.0)
        .bind(sequence)
        .execute(&mut owner)
        .await
        .expect("the owner may");
}

/// Has so many things happen, and waits until they are numbered.
async fn past(app: &TestApp, count: usize) {
    let mut watch = Socket::open(&app.acme.admin, None).await;
    happen(app, &app.acme, &many("message.sent", count)).await;
    sequences(&mut watch, count).await;
}

#[tokio::test]
async fn what_was_missed_is_told_in_order_once_and_then_what_comes() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    past(&app, 1_300).await;
    let mut socket = Socket::open(admin, Some(100)).await;
    happen(&app, &app.acme, &many("message.read", 700)).await;
    assert_eq!(sequences(&mut socket, 1_900).await, (101..=2_000).collect::<Vec<_>>());
    let mut some = Socket::asking(admin, "since=1295&types=message.read").await.expect("the upgrade");
    assert_eq!(sequences(&mut some, 700).await, (1_301..=2_000).collect::<Vec<_>>());
    assert_eq!(some.frame().await, json!({"op": "position", "sequence": 2_000}));
    app.process.stop().await;
}

#[tokio::test]
async fn a_burst_that_no_queue_holds_is_told_whole() {
    let app = TestApp::start().await;
    let mut sockets = [
        Socket::open(&app.acme.admin, None).await,
        Socket::asking(&app.acme.admin, "types=message.sent").await.expect("the upgrade"),
    ];
    for _ in 0..4 {
        happen(&app, &app.acme, &many("message.sent", 1_000)).await;
    }
    for socket in &mut sockets {
        assert_eq!(sequences(socket, 4_000).await, (1..=4_000).collect::<Vec<_>>());
    }
    happen(&app, &app.acme, &many("message.sent", 1)).await;
    for socket in &mut sockets {
        assert_eq!(sequences(socket, 1).await, [4_001], "and it is live again");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_gone_is_said_to_be() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    past(&app, 10).await;
    drop_until(&app.database, &app.acme, 5).await;
    for (since, first) in [
        (4, json!({"op": "resync", "sequence": 10})),
        (0, json!({"op": "resync", "sequence": 10})),
        (11, json!({"op": "resync", "sequence": 10})),
        (10, json!({"op": "position", "sequence": 10})),
    ] {
        let mut socket = Socket::open(admin, Some(since)).await;
        assert_eq!(socket.frame().await, first, "{since}");
    }
    let mut kept = Socket::open(admin, Some(5)).await;
    assert_eq!(sequences(&mut kept, 5).await, [6, 7, 8, 9, 10]);
    // All of it, as after a quiet month.
    drop_until(&app.database, &app.acme, 10).await;
    let mut socket = Socket::open(admin, Some(9)).await;
    assert_eq!(socket.frame().await, json!({"op": "resync", "sequence": 10}));
    happen(&app, &app.acme, &many("message.sent", 1)).await;
    assert_eq!(sequences(&mut socket, 1).await, [11]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_socket_that_is_gone_is_counted_no_more() {
    let app = TestApp::start().await;
    let socket = Socket::open(&app.acme.admin, None).await;
    until_counted(&app, &app.acme, |counted| counted.sockets == 1).await;
    drop(socket);
    until_counted(&app, &app.acme, |counted| counted.sockets == 0).await;
    app.process.stop().await;
}
