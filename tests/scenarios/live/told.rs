//! What a socket is told: what its peer may see and asked for, and how far it is.

use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use crate::live::{happen, happen_with, key, many};

/// The types of the next events, without what is around each.
async fn kinds(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut kinds = Vec::new();
    for _ in 0..count {
        let event = socket.event().await;
        let kind = event["type"].as_str().expect("a type").trim_start_matches("switchboard.");
        kinds.push(kind.trim_end_matches(".v1").to_owned());
    }
    kinds
}

/// Passes over frames until this one; answers whether an event was among them.
async fn until(socket: &mut Socket, wanted: &Value) -> bool {
    let mut events = false;
    loop {
        let frame = socket.frame().await;
        if frame == *wanted {
            return events;
        }
        events |= frame["specversion"].is_string();
    }
}

#[tokio::test]
async fn each_is_told_what_it_asked_for() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut sockets = Vec::new();
    for query in [
        "",
        "types=message.*",
        "types=switchboard.message.sent.v1,lead.merged",
        "resources=message:2,call:1",
        "types=message.sent&resources=message:1",
    ] {
        let mut socket = Socket::asking(admin, query).await.expect("the upgrade");
        assert_eq!(socket.frame().await, json!({"op": "position", "sequence": 0}));
        sockets.push(socket);
    }
    let what = [
        ("message.sent", "message:1"),
        ("message.read", "message:2"),
        ("agent.status", "agent:1"),
        ("message.sent", "message:2"),
    ];
    let what = what.map(|(kind, subject)| (kind, subject.to_owned()));
    let body = json!({"from": "break", "to": "available", "why": "by_hand"});
    happen(&app, &app.acme, &what[..2]).await;
    happen_with(&app, &app.acme, &what[2..3], &body).await;
    happen(&app, &app.acme, &what[3..]).await;
    for (socket, told) in sockets.iter_mut().zip([
        &["message.sent", "message.read", "agent.status", "message.sent"][..],
        &["message.sent", "message.read", "message.sent"],
        &["message.sent", "message.sent"],
        &["message.read", "message.sent"],
        &["message.sent"],
    ]) {
        assert_eq!(kinds(socket, told.len()).await, told);
    }
    // It hears of the rest that there was some, and nothing more.
    let last = &mut sockets[4];
    assert!(!until(last, &json!({"op": "position", "sequence": 4})).await, "it is told how far it is");
    // From here on it wants something else, and all of it.
    last.say(&json!({"op": "subscribe", "types": ["message.read"]})).await;
    assert!(!until(last, &json!({"op": "position", "sequence": 4})).await);
    happen(&app, &app.acme, &what[..2]).await;
    assert_eq!(kinds(last, 1).await, ["message.read"]);
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_to_nothing_is_said_and_the_socket_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut socket = Socket::open(admin, None).await;
    assert_eq!(socket.frame().await["op"], "position");
    socket.say(&json!({"op": "subscribe", "types": ["message.snet", "message.sent"]})).await;
    let wrong = socket.frame().await;
    assert!(wrong["detail"].as_str().expect("a text").ends_with("no such types: message.snet"), "{wrong}");
    assert_eq!(socket.frame().await["op"], "position");
    let mut asking = Socket::asking(admin, "types=message.snet,message.sent").await.expect("the upgrade");
    assert_eq!(asking.frame().await["op"], "position");
    let wrong = asking.frame().await;
    assert!(wrong["detail"].as_str().expect("a text").ends_with("no such types: message.snet"), "{wrong}");
    let much: Vec<String> = (0..501).map(|number| format!("lead:{number}")).collect();
    socket.say(&json!({"op": "subscribe", "resources": much})).await;
    let wrong = socket.frame().await;
    assert!(wrong["detail"].as_str().expect("a text").contains("at most 500"), "{wrong}");
    // What it asked for before that holds.
    happen(&app, &app.acme, &[("message.read", "message:1".into()), ("message.sent", "message:2".into())])
        .await;
    assert_eq!(kinds(&mut socket, 1).await, ["message.sent"]);
    let much: Vec<String> = (0..101).map(|number| format!("types.of{number}")).collect();
    assert!(Socket::asking(admin, &format!("types={}", much.join(","))).await.is_err());
    assert!(Socket::asking(admin, "since=-1").await.is_err());
    assert!(Socket::asking(admin, "colour=red").await.is_err());
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_is_told_what_they_may_not_see_however_they_ask() {
    let app = TestApp::start().await;
    let (_, messages) = key(&app.acme, &["messages:read"]).await;
    let (_, leads) = key(&app.acme, &["leads:read"]).await;
    let (_, nothing) = key(&app.acme, &[]).await;
    let what = [("message.sent", "message:1".to_owned()), ("lead.updated", "lead:1".to_owned())];
    happen(&app, &app.acme, &what).await;
    for (client, told) in [
        (&messages, &["message.sent"][..]),
        (&leads, &["lead.updated"]),
        (&nothing, &[]),
        (&app.other.admin, &[]),
    ] {
        let asked = "since=0&types=message.*,lead.*";
        let mut replayed = Socket::asking(client, asked).await.expect("the upgrade");
        assert_eq!(kinds(&mut replayed, told.len()).await, told, "replayed");
        let mut live = Socket::open(client, None).await;
        live.say(&json!({"op": "subscribe", "types": ["message.sent", "lead.updated"]})).await;
        happen(&app, &app.acme, &what).await;
        assert_eq!(kinds(&mut live, told.len()).await, told, "live");
        live.say(&json!({"op": "ping"})).await;
        assert!(!until(&mut live, &json!({"op": "pong"})).await, "nothing else");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn tenants_have_sequences_of_their_own() {
    let app = TestApp::start().await;
    let (mut ours, mut theirs) =
        (Socket::open(&app.acme.admin, None).await, Socket::open(&app.other.admin, None).await);
    happen(&app, &app.acme, &many("message.sent", 3)).await;
    happen(&app, &app.other, &many("message.read", 1)).await;
    assert_eq!(kinds(&mut ours, 3).await, ["message.sent"; 3]);
    let event = theirs.event().await;
    assert_eq!((&event["sequence"], &event["tenantid"]), (&json!(1), &json!(app.other.id)));
    assert_eq!(event["type"], "switchboard.message.read.v1");
    app.process.stop().await;
}
