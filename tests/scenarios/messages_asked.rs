//! Asking for messages: one, many, later, taken back, looked for.

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::message::sandbox;

const MESSAGES: &str = "/api/v1/communication/messages";

/// Waits until a message is at this status, by the events that tell of it.
async fn until(client: &Client, id: &str, status: &str, event: &str) -> Value {
    let mut socket = Socket::open(client, Some(0)).await;
    loop {
        let stored = client.get(&format!("{MESSAGES}/{id}")).await.expect(200);
        if stored["status"] == status {
            return stored;
        }
        socket.until(event).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn many_are_accepted_together_or_none_and_found_by_their_request() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let one = sandbox(admin).await;
    let mut bad = one.clone();
    bad["to"] = json!("nobody");
    let refused =
        admin.post(&format!("{MESSAGES}/bulk"), &json!({"messages": [one, bad, {"to": "x"}]})).await;
    let problem = refused.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/messages/1/to", "{problem}");
    assert!(admin.all(MESSAGES).await.is_empty(), "none is written");
    for messages in [json!([]), json!(vec![one.clone(); 501])] {
        admin.post(&format!("{MESSAGES}/bulk"), &json!({ "messages": messages })).await.expect(422);
    }

    let messages: Vec<Value> = (0..40)
        .map(|n| {
            let mut message = one.clone();
            message["to"] = json!(format!("ada{n}@example.com"));
            message
        })
        .collect();
    let answer = admin.post(&format!("{MESSAGES}/bulk"), &json!({ "messages": messages })).await;
    let location = answer.location().expect("a Location").to_owned();
    let accepted = answer.expect(202);
    let ids = accepted["ids"].as_array().expect("ids").clone();
    assert_eq!(ids.len(), 40);
    let mut socket = Socket::open(admin, Some(0)).await;
    for _ in 0..40 {
        socket.until("message.sent").await;
    }
    let listed = admin.all(&location).await;
    assert_eq!(listed.len(), 40);
    assert!(listed.iter().all(|message| message["batch_id"] == accepted["batch_id"]), "{listed:?}");
    let third = admin.get(&format!("{MESSAGES}/{}", text(&ids[3]))).await.expect(200);
    assert_eq!(third["to"], "ada3@example.com", "ids come in the order of the request");
    assert!(app.other.admin.all(&location).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_to_be_sent_later_waits_and_can_be_taken_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut message = sandbox(admin).await;
    let tomorrow = app.process.app.platform.clock.now() + TimeDelta::days(1);
    message["send_at"] = json!(tomorrow);
    let [early, taken_back] = [(); 2].map(|()| admin.post(MESSAGES, &message));
    let early = text(&early.await.expect(202)["id"]).to_owned();
    let taken_back = text(&taken_back.await.expect(202)["id"]).to_owned();
    admin.post(&format!("{MESSAGES}/{taken_back}/cancel"), &json!({})).await.expect(204);
    admin.post(&format!("{MESSAGES}/{taken_back}/cancel"), &json!({})).await.expect(204);
    let stored = admin.get(&format!("{MESSAGES}/{taken_back}")).await.expect(200);
    assert_eq!((&stored["status"], &stored["error_code"]), (&json!("cancelled"), &json!("by_hand")));
    let other = app.other.admin.post(&format!("{MESSAGES}/{early}/cancel"), &json!({})).await;
    other.expect(404);
    assert_eq!(admin.get(&format!("{MESSAGES}/{early}")).await.expect(200)["status"], "queued");

    app.advance(TimeDelta::days(1) + TimeDelta::minutes(1)).await;
    // The token is good for ten minutes.
    let admin = &admin.anonymous().login(app.acme.slug, "admin@acme.example.com", PASSWORD).await;
    until(admin, &early, "sent", "message.sent").await;
    let outbox = admin.all("/api/v1/communication/sandbox/outbox").await;
    assert_eq!(outbox.len(), 1, "what was taken back is not sent");
    assert_eq!(outbox[0]["message_id"], early);
    let late = admin.post(&format!("{MESSAGES}/{early}/cancel"), &json!({})).await.expect(409);
    assert!(text(&late["type"]).ends_with("message-gone"), "{late}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    let cases = [
        ("send_at", json!(app.process.app.platform.clock.now() + TimeDelta::days(400)), "/send_at"),
        ("expires_at", json!(app.process.app.platform.clock.now() - TimeDelta::hours(1)), "/expires_at"),
        ("template", json!("hello"), "/template"),
        ("locale", json!("de"), "/locale"),
        ("template_id", Value::Null, "/template_id"),
        ("provider_id", json!(uuid::Uuid::nil()), "/provider_id"),
        ("to", Value::Null, "/to"),
        ("lead_id", json!(uuid::Uuid::nil()), "/lead_id"),
    ];
    for (field, value, at) in cases {
        let mut wrong = message.clone();
        wrong[field] = value;
        let problem = admin.post(MESSAGES, &wrong).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], at, "{field}: {problem}");
    }
    let sms = json!({"name": "text", "channel": "sms", "text": "Hi {{name}}"});
    let sms = admin.post("/api/v1/communication/templates", &sms).await.expect(201);
    let unsent = json!({"template_id": sms["id"], "to": "+14155550100", "variables": {"name": "Ada"}});
    let problem = admin.post(MESSAGES, &unsent).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/provider_id", "nobody sends SMS here: {problem}");
    app.process.stop().await;
}

#[tokio::test]
async fn any_account_of_the_channel_carries_what_names_none_and_templates_are_found_by_name() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    sandbox(admin).await;
    let german = json!({"name": "hello", "channel": "email", "locale": "de", "subject": "Hallo", "text": "Hallo {{name}}"});
    admin.post("/api/v1/communication/templates", &german).await.expect(201);
    let message = json!({"template": "hello", "locale": "de-AT", "to": "ada@example.com", "variables": {"name": "Ada"}});
    let id = text(&admin.post(MESSAGES, &message).await.expect(202)["id"]).to_owned();
    let stored = until(admin, &id, "sent", "message.sent").await;
    assert!(stored["provider_id"].is_string(), "{stored}");
    let outbox = admin.all("/api/v1/communication/sandbox/outbox").await;
    assert_eq!(outbox[0]["content"]["text"], "Hallo Ada");
    app.process.stop().await;
}

#[tokio::test]
async fn messages_are_looked_for_by_whom_they_are_to_and_what_became_of_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut message = sandbox(admin).await;
    let first = text(&admin.post(MESSAGES, &message).await.expect(202)["id"]).to_owned();
    message["to"] = json!("bob@example.com");
    message["purpose"] = json!("marketing");
    let second = text(&admin.post(MESSAGES, &message).await.expect(202)["id"]).to_owned();
    until(admin, &first, "sent", "message.sent").await;
    let stored = until(admin, &second, "suppressed", "message.suppressed").await;
    assert_eq!(stored["failure"], "gate", "nobody has agreed: {stored}");
    let found = async |query: &str| {
        let rows = admin.all(&format!("{MESSAGES}?{query}")).await;
        rows.iter().map(|row| text(&row["id"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("to=ADA%40example.com").await, [first.as_str()]);
    assert_eq!(found("status=suppressed").await, [second.as_str()]);
    assert_eq!(found("purpose=marketing&channel=email&failure=gate").await, [second.as_str()]);
    assert_eq!(found("from=2020-01-01T00:00:00Z").await, [second.as_str(), first.as_str()]);
    assert!(found("until=2020-01-01T00:00:00Z").await.is_empty());
    assert!(found("channel=sms").await.is_empty());
    admin.get(&format!("{MESSAGES}?to=nothing%20at%20all")).await.expect(422);

    let nobody = uuid::Uuid::nil();
    let asked = admin.get(&format!("{MESSAGES}/status?ids={second},{nobody},{first}")).await.expect(200);
    assert_eq!(asked["missing"], json!([nobody]));
    let at: Vec<_> =
        asked["items"].as_array().expect("items").iter().map(|item| text(&item["status"])).collect();
    assert_eq!(at, ["sent", "suppressed"]);
    let stranger = app.other.admin.get(&format!("{MESSAGES}/status?ids={first}")).await.expect(200);
    assert_eq!(stranger["missing"], json!([first]));
    app.process.stop().await;
}
