//! What every provider must do, whichever it is: one table, a row for each way a call can end.

use std::collections::HashSet;

use fakes::smtp::{Nature, Server};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::smtp;

/// A provider in one of its moods, and how a message to it must end.
struct Case {
    kind: &'static str,
    credentials: Value,
    to: &'static str,
    event: &'static str,
    status: &'static str,
    /// How often the other side has it.
    delivered: usize,
}

fn cases(server: &Server) -> Vec<Case> {
    let smtp = json!({
        "host": server.addr.ip().to_string(), "port": server.addr.port(), "tls": "none", "from": "a@example.com",
    });
    let case = |kind, credentials: &Value, to, event, status, delivered| {
        let credentials = credentials.clone();
        Case { kind, credentials, to, event, status, delivered }
    };
    let sandbox = |refuse: &str| json!({ "refuse": refuse });
    vec![
        case("sandbox", &json!({}), "s1@example.com", "message.sent", "sent", 1),
        case("sandbox", &sandbox("permanent"), "s2@example.com", "message.failed", "failed", 0),
        case("sandbox", &sandbox("transient"), "s3@example.com", "message.retrying", "queued", 0),
        case("sandbox", &sandbox("account"), "s4@example.com", "message.retrying", "queued", 0),
        case("smtp", &smtp, "m1@example.com", "message.sent", "sent", 1),
        case("smtp", &smtp, "refuse-550-5.1.1@example.com", "message.bounced", "bounced", 0),
        case("smtp", &smtp, "refuse-451-4.3.0@example.com", "message.retrying", "queued", 0),
        case("smtp", &smtp, "refuse-550-5.7.1@example.com", "message.retrying", "queued", 0),
        case("smtp", &smtp, "lost@example.com", "message.unknown", "unknown", 1),
        case("smtp", &smtp, "cut@example.com", "message.unknown", "unknown", 0),
    ]
}

async fn delivered(client: &Client, server: &Server, message: &Value, to: &str) -> usize {
    let path =
        format!("/api/v1/communication/sandbox/outbox?message_id={}", message["id"].as_str().expect("an id"));
    client.all(&path).await.len() + server.ledger().iter().filter(|mail| mail.to == to).count()
}

#[tokio::test]
async fn every_provider_ends_every_call_in_the_same_words() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    let template = smtp::template(admin).await;
    let mut kinds = HashSet::new();
    for (at, case) in cases(&server).into_iter().enumerate() {
        let provider = json!({"name": format!("p{at}"), "kind": case.kind, "credentials": case.credentials});
        let provider = admin.post("/api/v1/communication/providers", &provider).await.expect(201);
        assert!(provider.get("credentials").is_none(), "credentials are write-only: {provider}");
        let message = json!({
            "provider_id": provider["id"], "template_id": template, "to": case.to, "variables": {"name": "Ada"},
        });
        let message = admin.post("/api/v1/communication/messages", &message).await.expect(202);
        let subject = format!("message:{}", message["id"].as_str().expect("an id"));
        let mut socket = Socket::open(admin, Some(0)).await;
        while socket.until(case.event).await.pop().expect("an event")["subject"] != subject {}
        let path = format!("/api/v1/communication/messages/{}", message["id"].as_str().expect("an id"));
        let stored = admin.get(&path).await.expect(200);
        let named = format!("{} to {}: {stored}", case.kind, case.to);
        assert_eq!(stored["status"], case.status, "{named}");
        assert_eq!(stored["tries"].as_array().expect("tries").len(), 1, "{named}");
        assert_eq!(delivered(admin, &server, &stored, case.to).await, case.delivered, "{named}");
        assert!(!stored["error_text"].to_string().contains("@example.com"), "{named}");
        kinds.insert(case.kind);
    }
    // Those who speak HTTP have a table of their own in `contract`.
    assert_eq!(kinds, HashSet::from(["sandbox", "smtp"]));
    app.process.stop().await;
}
