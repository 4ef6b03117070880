//! Campaigns that are paused, resumed, cancelled and agreed to, by people or by themselves.

use std::sync::Arc;

use domain::messages::provider::{Refusal, Route};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp, scripted::Scripted};

use crate::{
    campaigns::{CAMPAIGNS, by_mail, comes_to, draft, over, people, recipients, start},
    gates::delivered,
    onboarding::until,
    routing::rules::lead,
    sending::{account, open, rests},
};

const MANY: usize = 25;

async fn queue(client: &Client, verb: &str) {
    client.post(&format!("/api/v1/queues/messages/{verb}"), &json!({})).await.expect(204);
}

async fn steer(client: &Client, path: &str, verb: &str) -> Value {
    client.post(&format!("{path}/{verb}"), &json!({})).await.expect(200)
}

/// A campaign whose messages wait to be sent.
async fn queued(client: &Client) -> String {
    let content = by_mail(client).await;
    people(client, MANY).await;
    queue(client, "pause").await;
    let path = draft(client, &content, &json!({})).await;
    start(client, &path).await;
    comes_to(client, &path, |progress| progress["statuses"]["queued"] == MANY).await;
    path
}

#[tokio::test]
async fn a_pause_holds_what_was_handed_over_and_a_resume_sends_it_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = queued(admin).await;
    let paused = steer(admin, &path, "pause").await;
    assert_eq!((&paused["status"], &paused["pause_code"]), (&json!("paused"), &json!("by_hand")));
    assert_eq!(admin.post(&format!("{path}/pause"), &json!({})).await.problem(409), "campaign-state");
    let mut socket = Socket::open(admin, None).await;
    queue(admin, "resume").await;
    for _ in 0..MANY {
        let waits = socket.until("message.deferred").await.pop().expect("an event");
        assert_eq!(waits["data"]["code"], "campaign_paused");
    }
    rests(admin, "send_message").await;
    app.advance(chrono::TimeDelta::seconds(50)).await;
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["statuses"]["queued"], delivered(admin).await), (&json!(MANY), 0), "{progress}");
    assert_eq!(progress["run_status"], "paused");
    assert_eq!(steer(admin, &path, "resume").await["status"], "running");
    let progress = over(admin, &path).await;
    assert_eq!((&progress["status"], &progress["statuses"]), (&json!("finished"), &json!({"sent": MANY})));
    assert_eq!(delivered(admin).await, MANY);
    for verb in ["resume", "pause", "cancel", "start"] {
        let refused = admin.post(&format!("{path}/{verb}"), &json!({})).await;
        assert_eq!(refused.problem(409), "campaign-state", "{verb}: it is over");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_cancelled_does_not_leave() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = queued(admin).await;
    assert_eq!(steer(admin, &path, "cancel").await["status"], "cancelled");
    let progress = over(admin, &path).await;
    assert_eq!((&progress["status"], &progress["run_status"]), (&json!("cancelled"), &json!("cancelled")));
    assert_eq!(progress["statuses"], json!({"cancelled": MANY}));
    queue(admin, "resume").await;
    // Its jobs find nothing to do.
    let done = |jobs: &Value| jobs["items"].as_array().is_some_and(Vec::is_empty);
    until(admin, "/api/v1/jobs?kind=send_message&state=available", done).await;
    assert_eq!(delivered(admin).await, 0);
    let reasons = recipients(admin, &path).await;
    assert!(reasons.iter().all(|one| one["reason"] == "campaign_cancelled"), "{reasons:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_not_reached_by_the_first_channel_is_tried_by_the_next_and_failures_stop_it() {
    let (sms, mail) =
        (Arc::new(Scripted::new("texts", Route::Echoes)), Arc::new(Scripted::new("mails", Route::Echoes)));
    let app = open(|_| {}, &[&sms, &mail]).await;
    let admin = &app.acme.admin;
    account(admin, "texts", 1, "hold").await;
    let mails = json!({"name": "mails", "kind": "mails", "channel": "email"});
    admin.post("/api/v1/communication/providers", &mails).await.expect(201);
    for (name, channel) in [("text", "sms"), ("letter", "email")] {
        let mut template = json!({"name": name, "channel": channel, "text": "Dear {{name}}"});
        if channel == "email" {
            template["subject"] = json!("News");
        }
        admin.post("/api/v1/communication/templates", &template).await.expect(201);
    }
    let content = json!({
        "purpose": "transactional", "channels": [{"channel": "sms"}, {"channel": "email"}],
        "variants": [{"name": "a", "messages": [
            {"channel": "sms", "template": "text"}, {"channel": "email", "template": "letter"},
        ]}],
    });
    let both = json!({"phone": "+4930901820", "email": "ada@example.com", "name": "Ada"});
    lead(admin, &both).await;
    let path = draft(admin, &content, &json!({})).await;
    start(admin, &path).await;
    sms.call().await.refuse(Refusal::Permanent);
    mail.call().await.take();
    let progress = over(admin, &path).await;
    assert_eq!(progress["statuses"], json!({"sent": 1}));
    let one = recipients(admin, &path).await.remove(0);
    assert_eq!((&one["channel"], &one["reason"]), (&json!("email"), &Value::Null), "{one}");

    // Half of the last ten and five at least.
    let mut only = content.clone();
    only["channels"] = json!([{"channel": "email"}]);
    only["variants"][0]["messages"] = json!([{"channel": "email", "template": "letter"}]);
    people(admin, 20).await;
    let limits =
        json!({"limits": {"rate_per_minute": 60, "breaker": {"window": 10, "percent": 50, "least": 3}}});
    let path = draft(admin, &only, &limits).await;
    let mut socket = Socket::open(admin, None).await;
    start(admin, &path).await;
    let refusing = Arc::clone(&mail);
    let refusing = tokio::spawn(async move {
        for _ in 0..20 {
            refusing.call().await.refuse(Refusal::Permanent);
        }
    });
    let told = socket.until("campaign.paused").await.pop().expect("an event");
    refusing.abort();
    assert_eq!(told["data"]["code"], "breaker");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["run_status"], &progress["pause_code"]), (&json!("paused"), &json!("breaker")));
    assert!(progress["statuses"]["planned"].as_i64().is_some_and(|planned| planned > 0), "{progress}");
    app.process.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_that_nobody_else_agreed_to_or_that_costs_too_much() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let other = app.user(&app.acme, "Manager").await;
    let mut content = by_mail(admin).await;
    content["channels"][0]["cost_micros"] = json!(10_000_000);
    people(admin, 8).await;
    let limits = json!({"needs_approval": true, "limits": {"budget_cents": 50}});
    let path = draft(admin, &content, &limits).await;
    let refused = admin.post(&format!("{path}/start"), &json!({})).await;
    assert_eq!(refused.problem(409), "campaign-state");
    let id = path.rsplit('/').next().expect("an id");
    let schedule = "/api/v1/automation/schedule-campaign";
    let waits = admin.post(schedule, &json!({"campaign_id": id})).await.expect(200);
    assert_eq!(waits["status"], "awaiting_approval");
    assert_eq!(admin.post(&format!("{path}/approve"), &json!({})).await.problem(409), "own-campaign");
    assert_eq!(steer(&other, &path, "reject").await["status"], "draft");
    admin.post(schedule, &json!({"campaign_id": id})).await.expect(200);
    let approved = steer(&other, &path, "approve").await;
    assert_eq!(approved["status"], "scheduled");
    assert!(approved["approved_by"].is_string(), "{approved}");
    let mut socket = Socket::open(admin, None).await;
    start(admin, &path).await;
    let told = socket.until("campaign.paused").await.pop().expect("an event");
    assert_eq!(told["data"]["code"], "budget");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"planned": 3, "sent": 5}), "fifty cents are five messages");
    assert_eq!((&progress["cost_cents"], delivered(admin).await), (&json!(50), 5));
    // It goes on with more, for whoever may say so.
    let more = json!({"budget_cents": 70});
    let runs = json!({"name": "runs", "permissions": ["campaigns:run", "campaigns:write"]});
    let runs = admin.post("/api/v1/api-keys", &runs).await.expect(201);
    let runs = admin.with_bearer(runs["key"].as_str().expect("a key"));
    let resume = format!("{path}/resume");
    assert_eq!(runs.post(&resume, &more).await.problem(403), "permission-missing", "it needed approval");
    assert_eq!(admin.post(&resume, &more).await.problem(409), "own-campaign", "whoever wrote it has no say");
    let refused = other.post(&resume, &json!({"budget_cents": -1})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/budget_cents");
    let resumed = other.post(&resume, &more).await.expect(200);
    assert_eq!((&resumed["status"], &resumed["limits"]["budget_cents"]), (&json!("running"), &json!(70)));
    let told = socket.until("campaign.paused").await.pop().expect("an event");
    assert_eq!(told["data"]["code"], "budget");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"planned": 1, "sent": 7}), "and seventy are seven");
    // A change takes the approval with it.
    let again = draft(admin, &content, &json!({"needs_approval": true})).await;
    let id = again.rsplit('/').next().expect("an id");
    admin.post(schedule, &json!({"campaign_id": id})).await.expect(200);
    steer(&other, &again, "approve").await;
    let body = json!({"name": "Other", "audience": {}, "content": content, "needs_approval": true});
    let changed = admin.send(admin.request(reqwest::Method::PUT, &again).json(&body)).await.expect(200);
    assert_eq!((&changed["status"], &changed["approved_by"]), (&json!("draft"), &Value::Null));
    assert_eq!(admin.all(&format!("{CAMPAIGNS}?status=draft")).await.len(), 1);
    app.process.stop().await;
}
