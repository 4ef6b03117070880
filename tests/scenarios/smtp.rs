//! E-mail over SMTP: a real conversation with a server that keeps its own ledger.

use std::{collections::HashSet, time::Duration};

use fakes::{
    faults::Fault,
    smtp::{Manner, Nature, Server, Stage},
};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

pub async fn account(client: &Client, server: &Server, more: &Value) -> Value {
    let mut credentials = json!({
        "host": server.addr.ip().to_string(), "port": server.addr.port(), "tls": "none",
        "from": "Acme <hello@acme.example.com>",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        credentials[name] = value.clone();
    }
    let name = format!("mail {}", client.all("/api/v1/communication/providers").await.len());
    let provider = json!({"name": name, "kind": "smtp", "credentials": credentials});
    client.post("/api/v1/communication/providers", &provider).await.expect(201)["id"].clone()
}

pub async fn template(client: &Client) -> Value {
    let template = json!({
        "name": "hello", "channel": "email", "subject": "Grüße, {{name}}",
        "text": "Dear {{name}},\n.\n..a dot", "html": "<p>Dear {{name}}</p>",
    });
    client.post("/api/v1/communication/templates", &template).await.expect(201)["id"].clone()
}

/// Sends to each address and waits until none is under way; answers the messages by address.
async fn send(client: &Client, provider: &Value, to: &[&str], last: &str) -> Vec<Value> {
    let template = template(client).await;
    let mut socket = Socket::open(client, Some(0)).await;
    let mut ids = Vec::new();
    for to in to {
        let message = json!({"provider_id": provider, "template_id": template, "to": to, "variables": {"name": "A<b>"}});
        ids.push(client.post("/api/v1/communication/messages", &message).await.expect(202)["id"].clone());
    }
    let mut open: HashSet<String> =
        ids.iter().map(|id| format!("message:{}", id.as_str().expect("an id"))).collect();
    while !open.is_empty() {
        let told = socket.until(last).await.pop().expect("an event");
        open.remove(told["subject"].as_str().expect("a subject"));
    }
    let mut messages = Vec::new();
    for id in ids {
        let path = format!("/api/v1/communication/messages/{}", id.as_str().expect("an id"));
        messages.push(client.get(&path).await.expect(200));
    }
    messages
}

#[tokio::test]
async fn mails_arrive_whole_over_kept_connections() {
    let app = TestApp::start().await;
    let server = Server::start(Nature::default()).await.expect("a server");
    let admin = &app.acme.admin;
    let provider = account(admin, &server, &json!({})).await;
    let sent = send(admin, &provider, &["a@example.com", "b@example.com"], "message.sent").await;
    assert!(sent.iter().all(|message| message["status"] == "sent"));
    let ledger = server.ledger();
    assert_eq!(ledger.len(), 2);
    for mail in &ledger {
        assert_eq!(mail.from, "hello@acme.example.com");
        let of = sent.iter().find(|message| message["to"] == mail.to).expect("a message of ours");
        assert_eq!(mail.header("message-id"), of["provider_message_id"].as_str().map(ToOwned::to_owned));
        assert_eq!(mail.header("from").as_deref(), Some("Acme <hello@acme.example.com>"));
        assert!(mail.header("subject").expect("a subject").contains("=?utf-8?"), "{}", mail.data);
        assert!(mail.data.contains("Dear A<b>") && mail.data.contains("\n..a dot"), "{}", mail.data);
        assert!(mail.data.contains("<p>Dear A&lt;b&gt;</p>"), "{}", mail.data);
    }
    let before = server.connections();
    send(admin, &provider, &["c@example.com"], "message.sent").await;
    assert_eq!(server.connections(), before, "a kept connection served again");
    app.process.stop().await;
}

#[tokio::test]
async fn refusals_are_told_by_their_codes_and_never_by_the_servers_prose() {
    let app = TestApp::start().await;
    let server = Server::start(Nature::default()).await.expect("a server");
    let admin = &app.acme.admin;
    let provider = account(admin, &server, &json!({})).await;
    let refused = send(admin, &provider, &["refuse-550-5.1.1@example.com"], "message.bounced").await;
    assert_eq!((&refused[0]["status"], &refused[0]["error_code"]), (&json!("bounced"), &json!("550 5.1.1")));
    assert!(!refused[0]["error_text"].to_string().contains("example.com"), "{}", refused[0]);
    let later = send(admin, &provider, &["busy@example.com"], "message.retrying").await;
    assert_eq!(later[0]["attempts"], 1);
    app.database.advance(600.0).await;
    Socket::open(admin, Some(0)).await.until("message.sent").await;
    assert_eq!(server.ledger().len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn what_breaks_after_the_final_dot_is_unknown_and_not_sent_again() {
    let app = TestApp::start().await;
    let server = Server::start(Nature::default()).await.expect("a server");
    let admin = &app.acme.admin;
    let provider = account(admin, &server, &json!({})).await;
    let messages = send(admin, &provider, &["lost@example.com", "cut@example.com"], "message.unknown").await;
    assert!(messages.iter().all(|message| message["status"] == "unknown"), "{messages:?}");
    app.database.advance(3600.0).await;
    send(admin, &provider, &["after@example.com"], "message.sent").await;
    let took: Vec<_> = server.ledger().into_iter().map(|mail| mail.to).collect();
    assert_eq!(took, ["lost@example.com", "after@example.com"], "one was taken, and nothing twice");
    let listed = admin.all("/api/v1/communication/messages?status=unknown").await;
    assert_eq!(listed.len(), 2, "what is uncertain is listed");
    app.process.stop().await;
}

#[tokio::test]
async fn where_a_server_falls_silent_before_the_message_it_was_surely_not_sent() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let template = template(admin).await;
    let mut socket = Socket::open(admin, Some(0)).await;
    let (mut servers, mut open) = (Vec::new(), HashSet::new());
    for (silent_at, tls) in [
        (Some(Stage::Greeting), "none"),
        // Not a word of the handshake comes either.
        (Some(Stage::Greeting), "implicit"),
        (Some(Stage::Hello), "none"),
        (Some(Stage::Starttls), "starttls"),
        (Some(Stage::Sender), "none"),
        (Some(Stage::Recipient), "none"),
        (Some(Stage::Data), "none"),
        // Only here the message has left.
        (None, "none"),
    ] {
        let server = Server::start(Nature::default()).await.expect("a server");
        server.behave(Manner { silent_at, ..Manner::default() });
        server.world().faults.of_all(Some(Fault::Timeout { accepted: false }));
        let provider = account(admin, &server, &json!({"tls": tls})).await;
        let message = json!({
            "provider_id": provider, "template_id": template, "to": "a@example.com", "variables": {"name": "Ada"},
        });
        let id = admin.post("/api/v1/communication/messages", &message).await.expect(202)["id"].clone();
        let wanted = if silent_at.is_some() { "retrying" } else { "unknown" };
        open.insert((
            format!("message:{}", id.as_str().expect("an id")),
            format!("switchboard.message.{wanted}.v1"),
        ));
        servers.push(server);
    }
    while !open.is_empty() {
        let event = socket.event().await;
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let met = (text("subject"), text("type"));
        assert!(met.1 != "switchboard.message.unknown.v1" || open.contains(&met), "{event}");
        open.remove(&met);
    }
    let in_doubt = admin.all("/api/v1/communication/messages?status=unknown").await;
    assert_eq!(in_doubt.len(), 1, "{in_doubt:?}");
    assert!(servers.iter().all(|server| server.ledger().is_empty()));
    app.process.stop().await;
}

#[tokio::test]
async fn all_steps_before_the_message_share_one_deadline() {
    let app = TestApp::start().await;
    let server = Server::start(Nature::default()).await.expect("a server");
    let admin = &app.acme.admin;
    let provider = account(admin, &server, &json!({})).await;
    send(admin, &provider, &["a@example.com"], "message.sent").await;
    // The kept connection breaks late, and the next one is slow until it falls silent: together longer than a call.
    let slow = Duration::from_millis(4_500);
    server.behave(Manner { slow, silent_at: Some(Stage::Recipient), once: true });
    send(admin, &provider, &["b@example.com"], "message.retrying").await;
    assert!(admin.all("/api/v1/communication/messages?status=unknown").await.is_empty());
    assert_eq!(server.ledger().len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn without_starttls_or_login_nothing_is_sent_and_the_account_is_named() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let plain = Server::start(Nature::default()).await.expect("a server");
    let provider = account(admin, &plain, &json!({"tls": "starttls"})).await;
    let messages = send(admin, &provider, &["a@example.com"], "message.retrying").await;
    assert_eq!(messages[0]["error_code"], "starttls", "{}", messages[0]);
    let login = Nature { login: Some(("u".into(), "p".into())), ..Nature::default() };
    let strict = Server::start(login).await.expect("a server");
    let provider = account(admin, &strict, &json!({})).await;
    let messages = send(admin, &provider, &["b@example.com"], "message.retrying").await;
    assert_eq!(messages[0]["error_code"], "530 5.7.0", "{}", messages[0]);
    assert!(plain.ledger().is_empty() && strict.ledger().is_empty());
    app.process.stop().await;
}

/// Says a line of 64 MiB; answers whether the other side left before it had taken it in.
async fn pour(mut stream: TcpStream) -> bool {
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..1_024 {
        if stream.write_all(&piece).await.is_err() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_line_without_end_is_not_taken_in() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (told, mut left) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever comes after the test has seen enough.
            let _ = told.send(pour(stream).await);
        }
    });
    let credentials = json!({"host": "127.0.0.1", "port": port, "tls": "none", "from": "a@example.com"});
    let provider = json!({"name": "endless", "kind": "smtp", "credentials": credentials});
    let provider = admin.post("/api/v1/communication/providers", &provider).await.expect(201)["id"].clone();
    let verify = format!("/api/v1/communication/providers/{}/verify", provider.as_str().expect("an id"));
    let verified = admin.post(&verify, &json!({})).await.expect(200);
    assert_eq!(verified["result"], "unreachable", "{verified}");
    assert_eq!(left.recv().await, Some(true), "to look at the account");
    let messages = send(admin, &provider, &["a@example.com"], "message.retrying").await;
    assert_eq!(messages[0]["error_code"], "connect", "{}", messages[0]);
    assert_eq!(left.recv().await, Some(true), "to send");
    server.abort();
    app.process.stop().await;
}
