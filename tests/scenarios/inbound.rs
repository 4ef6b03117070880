//! What people write: kept once, for whoever sees their lead, and a STOP is obeyed.

use std::sync::Arc;

use domain::{
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use switchboard_tests::{Socket, Tenant, TestApp};

use crate::{
    callbacks::messages::{Line, Scripted, count, open, system},
    rights::admitted,
};

pub const INBOUND: &str = "/api/v1/communication/inbound";
const NUMBER: &str = "+14155550100";

/// Has somebody write to a tenant; answers the id of what they wrote.
pub async fn written(app: &TestApp, tenant: &Tenant, provider: &str) -> String {
    let ctx = admitted(app, &tenant.admin).await;
    let id = ProviderId(provider.parse().expect("an id"));
    let account = Account { id, channel: Channel::Sms, credentials: Vec::new().into(), version: 1 };
    let wrote =
        Inbound { provider_message_id: "in-1".into(), from: NUMBER.into(), body: "When do you open?".into() };
    take(&ctx, &account, wrote).await.expect("it is taken in");
    let there = tenant.admin.get(INBOUND).await.expect(200);
    there["items"][0]["id"].as_str().expect("an id").to_owned()
}

fn wrote(name: &str, body: &str) -> Value {
    json!({"inbound": [{"name": name, "from": NUMBER, "body": body}]})
}

#[tokio::test]
async fn what_somebody_writes_is_kept_once_and_sealed() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let admin = &app.acme.admin;
    let line = Line::of(admin, "sms").await;
    let lead = admin.post("/api/v1/leads", &json!({"phone": NUMBER})).await.expect(201);
    let mut socket = Socket::open(admin, None).await;
    for _ in 0..2 {
        line.tell(&wrote("in-1", "Please call me")).await.expect(204);
    }
    let event = socket.until("message.received").await.pop().expect("an event");
    assert_eq!((&event["data"]["lead_id"], &event["data"]["keyword"]), (&lead["id"], &Value::Null));
    assert!(!event.to_string().contains("4155550100"), "ids only: {event}");
    let mut all = admin.all(INBOUND).await;
    assert_eq!(all.len(), 1);
    let one = all.pop().expect("one");
    assert_eq!((&one["from"], &one["body"]), (&json!(NUMBER), &json!("Please call me")));
    assert_eq!((&one["lead_id"], &one["channel"]), (&lead["id"], &json!("sms")));
    let path = format!("{INBOUND}/{}", one["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&path).await.expect(200), one);
    let exact = format!("{INBOUND}?from=%2B14155550100&lead_id={}", lead["id"].as_str().expect("an id"));
    assert_eq!(admin.all(&exact).await.len(), 1);
    assert!(admin.all(&format!("{INBOUND}?from=%2B14155550101")).await.is_empty());
    assert!(admin.all(&format!("{INBOUND}?keyword=stop")).await.is_empty());
    let path = format!("/api/v1/leads/{}/activities", lead["id"].as_str().expect("an id"));
    let done = admin.all(&path).await;
    assert_eq!(done.iter().filter(|one| one["ref_kind"] == "inbound_message").count(), 1, "{done:?}");

    // Who may not see personal data sees that something came, and cannot look for numbers.
    let key = json!({"name": "k", "permissions": ["messages:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    let seen = blind.get(INBOUND).await.expect(200)["items"][0].clone();
    assert_eq!((&seen["from"], &seen["body"]), (&json!("•••00"), &Value::Null));
    assert_eq!(blind.get(&exact).await.problem(403), "permission-missing");
    assert!(app.other.admin.all(INBOUND).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_stop_between_acceptance_and_sending_lets_nothing_out_and_a_start_takes_it_back() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let admin = &app.acme.admin;
    let line = Line::of(admin, "sms").await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    let message = line.send().await;
    line.tell(&wrote("in-1", " Stop ")).await.expect(204);
    admin.post("/api/v1/queues/messages/resume", &json!({})).await.expect(204);
    line.until(&message, "suppressed").await;
    assert!(adapter.sent().is_empty());
    let mut conn = system(&app).await;
    let held =
        "select count(*) from suppressions where reason = 'stop' and scope = 'all' and channel = 'sms'";
    assert_eq!(count(&mut conn, held).await, 1);
    assert_eq!(admin.all(&format!("{INBOUND}?keyword=stop")).await.len(), 1);

    line.tell(&wrote("in-2", "START")).await.expect(204);
    assert_eq!(count(&mut conn, held).await, 0);
    let message = line.send().await;
    line.until(&message, "sent").await;
    assert_eq!(adapter.sent().len(), 1);
    app.process.stop().await;
}
