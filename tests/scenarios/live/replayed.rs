//! Whoever was away is told what they missed, in order, once, or that it is gone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use serde_json::json;
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{Database, Socket, Tenant, TestApp, app::platform, heads_file};
use tokio::task::{LocalSet, spawn_local};

use crate::{
    live::ends::{EVENTS, ever_patient, flood},
    live::{STATS, happen, many, sequences, until_counted},
};

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
async fn whoever_wants_little_of_much_hears_how_far_it_is() {
    let app = TestApp::with(|plan| plan.sockets.look_every = Duration::from_millis(1)).await;
    past(&app, 1_300).await;
    let asked = "since=0&types=message.read";
    let mut socket = Socket::asking(&app.acme.admin, asked).await.expect("the upgrade");
    let mut places = Vec::new();
    while places.last() != Some(&1_300) {
        let frame = socket.frame().await;
        assert_eq!(frame["op"], "position", "{frame}");
        places.push(frame["sequence"].as_i64().expect("a number"));
    }
    assert!(places.len() > 1 && places.is_sorted(), "from there it could go on: {places:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_comes_in_before_a_process_knows_where_the_log_ends() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    for statement in ["begin", "lock table engine.log_batches in access exclusive mode"] {
        sqlx::query(statement).execute(&mut owner).await.expect("the owner may");
    }
    let plan = Plan::unbounded(Roles { api: true, notifier: true, ..Roles::default() }, heads_file());
    let platform = platform(&database).await;
    let here = LocalSet::new();
    let start = async {
        let starting = spawn_local(Process::start(platform, plan));
        database.blocks(&starting).await;
        assert!(!starting.is_finished(), "what is numbered now would be told to nobody who is open");
        sqlx::query("commit").execute(&mut owner).await.expect("let go");
        starting.await.expect("it does not panic").expect("it starts").stop().await;
    };
    here.run_until(start).await;
}

#[tokio::test]
async fn of_many_who_come_each_waits_for_its_turn_and_the_api_goes_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let readers = Arc::clone(&app.process.app.hub.readers);
    let all = u32::try_from(readers.available_permits()).expect("a small number");
    let taken = readers.acquire_many(all).await.expect("nobody closes it");
    let mut socket = Socket::asking(admin, "").await.expect("the upgrade");
    until_counted(&app, &app.acme, |counted| counted.sockets == 1).await;
    for _ in 0..20 {
        admin.get(STATS).await.expect(200);
    }
    assert!(socket.frame().now_or_never().is_none(), "it has not asked the database yet");
    drop(taken);
    assert_eq!(socket.frame().await, json!({"op": "position", "sequence": 0}));
    app.process.stop().await;
}

#[tokio::test]
async fn what_waits_in_the_queue_and_stands_in_the_log_is_told_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut watch = Socket::open(admin, None).await;
    let readers = Arc::clone(&app.process.app.hub.readers);
    let all = u32::try_from(readers.available_permits()).expect("a small number");
    let taken = readers.acquire_many(all).await.expect("nobody closes it");
    let mut socket = Socket::asking(admin, "since=0").await.expect("the upgrade");
    until_counted(&app, &app.acme, |counted| counted.sockets == 2).await;
    // It has its queue, and has not yet read where the log ends.
    happen(&app, &app.acme, &many("message.sent", 3)).await;
    assert_eq!(sequences(&mut watch, 3).await, [1, 2, 3]);
    drop(taken);
    assert_eq!(sequences(&mut socket, 3).await, [1, 2, 3]);
    happen(&app, &app.acme, &many("message.sent", 1)).await;
    assert_eq!(sequences(&mut socket, 1).await, [4], "and nothing of it again");
    app.process.stop().await;
}

#[tokio::test]
async fn a_log_that_takes_its_time_makes_nobody_slow() {
    let app = TestApp::with(|plan| plan.sockets.behind = Duration::from_secs(1)).await;
    let mut socket = Socket::open(&app.acme.admin, None).await;
    let readers = Arc::clone(&app.process.app.hub.readers);
    let all = u32::try_from(readers.available_permits()).expect("a small number");
    let taken = readers.acquire_many(all).await.expect("nobody closes it");
    // One batch, of which the queue holds half; the rest is more than a page.
    happen(&app, &app.acme, &many("message.sent", 1_000)).await;
    until_counted(&app, &app.acme, |counted| counted.dropped == 1).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1_300) {
        app.acme.admin.get(STATS).await.expect(200);
    }
    drop(taken);
    assert_eq!(sequences(&mut socket, 1_000).await, (1..=1_000).collect::<Vec<_>>());
    app.process.stop().await;
}

#[tokio::test]
async fn a_burst_that_no_queue_holds_is_told_whole() {
    let app = TestApp::start().await;
    let mut sockets = [
        Socket::open(&app.acme.admin, None).await,
        Socket::asking(&app.acme.admin, "types=message.sent").await.expect("the upgrade"),
    ];
    // Whoever asks for nothing of before hears of what is done from here on.
    assert_eq!(sockets[1].frame().await, json!({"op": "position", "sequence": 0}));
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
async fn what_goes_while_somebody_is_behind_is_said_to_be_gone() {
    let app = TestApp::with(ever_patient).await;
    let mut slow = Socket::open(&app.acme.admin, None).await;
    let mut quick = Socket::open(&app.acme.admin, None).await;
    let reads = tokio::spawn(async move { sequences(&mut quick, EVENTS).await });
    flood(&app).await;
    reads.await.expect("it is told all");
    drop_until(&app.database, &app.acme, 3_999).await;
    let mut last = 0;
    let gone = loop {
        let frame = slow.frame().await;
        let sequence = frame["sequence"].as_i64().expect("a sequence");
        if frame["op"] == "resync" {
            break sequence;
        }
        if frame["op"] != "position" {
            assert_eq!(sequence, last + 1, "nothing is left out without a word");
            last = sequence;
        }
    };
    assert_eq!(gone, 3_999);
    assert!(last < gone, "it was behind");
    assert_eq!(sequences(&mut slow, 1).await, [4_000]);
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
