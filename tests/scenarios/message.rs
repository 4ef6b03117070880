//! One message, from the request to the socket.

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

pub async fn sandbox(client: &Client) -> Value {
    let provider = json!({"name": "sandbox", "kind": "sandbox"});
    let template =
        json!({"name": "hello", "channel": "email", "subject": "Hi {{name}}", "text": "Dear {{name}}"});
    let provider = client.post("/api/v1/communication/providers", &provider).await.expect(201);
    let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
    json!({
        "provider_id": provider["id"],
        "template_id": template["id"],
        "to": "ada@example.com",
        "variables": {"name": "Ada"},
    })
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("a type")).collect()
}

#[tokio::test]
async fn a_message_is_sent_once_and_told_in_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut stranger = Socket::open(&app.other.admin, None).await;
    let mut socket = Socket::open(admin, None).await;
    assert_eq!(socket.frame().await["op"], "position");

    let message = sandbox(admin).await;
    let accepted = admin.post("/api/v1/communication/messages", &message).await;
    let location = accepted.location().expect("a Location").to_owned();
    let id = accepted.expect(202)["id"].as_str().expect("an id").to_owned();

    let live = socket.until("message.sent").await;
    assert_eq!(kinds(&live), ["switchboard.message.queued.v1", "switchboard.message.sent.v1"]);
    for (at, event) in live.iter().enumerate() {
        assert_eq!(event["sequence"], at + 1, "gapless from 1");
        assert_eq!(event["subject"], format!("message:{id}"));
        assert_eq!(event["tenantid"], app.acme.id.to_string());
        assert!(!event.to_string().contains("ada@"), "an event holds no personal data: {event}");
    }

    let stored = admin.get(&location).await.expect(200);
    assert_eq!((&stored["status"], &stored["to"]), (&json!("sent"), &json!("ada@example.com")));
    assert_eq!(stored["tries"].as_array().expect("tries").len(), 1);
    let outbox = admin.all("/api/v1/communication/sandbox/outbox").await;
    assert_eq!(outbox.len(), 1);
    assert_eq!(outbox[0]["content"]["text"], "Dear Ada");
    let jobs = admin.all("/api/v1/jobs?kind=send_message").await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0]["state"], "completed");
    let operation = format!("/api/v1/operations/{}", jobs[0]["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&operation).await.expect(200)["status"], "succeeded");

    let mut replayed = Socket::open(admin, Some(0)).await;
    assert_eq!(replayed.until("message.sent").await, live, "a replay tells the same, once, in order");
    let mut later = Socket::open(admin, Some(2)).await;
    assert_eq!(later.frame().await, json!({"op": "position", "sequence": 2}));
    let mut lost = Socket::open(admin, Some(99)).await;
    assert_eq!(lost.frame().await, json!({"op": "resync", "sequence": 2}));

    // The other tenant's first own event has sequence 1, and it saw nothing before it.
    let message = sandbox(&app.other.admin).await;
    let accepted = app.other.admin.post("/api/v1/communication/messages", &message).await;
    accepted.expect(202);
    assert_eq!(stranger.event().await["sequence"], 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_socket_tells_what_was_subscribed_to_and_where_it_stands() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let mut socket = Socket::open(admin, None).await;
    assert_eq!(socket.frame().await, json!({"op": "position", "sequence": 0}));
    socket.say(&json!({"op": "subscribe", "types": ["message.sent"]})).await;
    assert_eq!(socket.frame().await, json!({"op": "position", "sequence": 0}));
    socket.say(&json!({"op": "dance"})).await;
    assert_eq!(socket.frame().await["op"], "error");
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let sent = socket.event().await;
    assert_eq!((&sent["type"], &sent["sequence"]), (&json!("switchboard.message.sent.v1"), &json!(2)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_ticket_is_good_once_and_only_for_our_pages() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ticket = admin.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let foreign = Socket::with_ticket(admin, ticket, None, Some("https://evil.example")).await;
    assert!(foreign.is_err(), "a foreign page");
    let own = Socket::with_ticket(admin, ticket, None, Some("https://ops.example.com")).await;
    assert!(own.is_ok(), "an allowed page; the refused one did not use the ticket up");
    assert!(Socket::with_ticket(admin, ticket, None, None).await.is_err(), "the second use");
    app.process.stop().await;
}

#[tokio::test]
async fn a_burst_of_first_messages_is_all_taken() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let sends = (0..64).map(|_| admin.post("/api/v1/communication/messages", &message));
    for answer in futures::future::join_all(sends).await {
        answer.expect(202);
    }
    let mut socket = Socket::open(admin, Some(0)).await;
    for _ in 0..64 {
        socket.until("message.sent").await;
    }
    assert_eq!(admin.all("/api/v1/communication/sandbox/outbox").await.len(), 64);
    app.process.stop().await;
}
