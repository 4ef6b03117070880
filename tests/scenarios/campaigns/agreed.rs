//! Campaigns that somebody must agree to: what was agreed to is what is sent, and nobody agrees to what they wrote.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    campaigns::{CAMPAIGNS, by_mail, comes_to, draft, over, people, start},
    gates::delivered,
};

const SCHEDULE: &str = "/api/v1/automation/schedule-campaign";
const TEMPLATES: &str = "/api/v1/communication/templates";

async fn submit(client: &Client, path: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let waits = client.post(SCHEDULE, &json!({"campaign_id": id})).await.expect(200);
    assert_eq!(waits["status"], "awaiting_approval");
}

async fn says(client: &Client, text: &str) {
    let template = json!({"name": "hello", "channel": "email", "subject": "Hi", "text": text});
    client.post(TEMPLATES, &template).await.expect(201);
}

/// A key of somebody's that may do all that is done with campaigns.
async fn key(client: &Client) -> Client {
    let permissions =
        json!(["campaigns:read", "campaigns:write", "campaigns:approve", "campaigns:run", "messages:send",]);
    let made = client.post("/api/v1/api-keys", &json!({"name": "k", "permissions": permissions})).await;
    client.with_bearer(made.expect(201)["key"].as_str().expect("a key"))
}

#[tokio::test]
async fn what_is_changed_in_a_template_after_the_approval_is_not_sent() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let other = app.user(&app.acme, "Manager").await;
    let content = by_mail(admin).await;
    people(admin, 1).await;
    let needs = json!({"needs_approval": true});
    let (agreed, changed) = (draft(admin, &content, &needs).await, draft(admin, &content, &needs).await);
    let free = draft(admin, &content, &json!({})).await;
    for path in [&agreed, &changed] {
        submit(admin, path).await;
        other.post(&format!("{path}/approve"), &json!({})).await.expect(200);
    }
    says(admin, "Pay {{name}}").await;
    let shown = admin.get(&format!("{agreed}/preview")).await.expect(200);
    assert_eq!(shown["messages"][0]["text"], "Dear Person 0", "what is shown is what is sent");
    // Of what is written anew nothing is agreed to.
    let body = json!({"name": "Other", "audience": {}, "content": content, "needs_approval": true});
    admin.send(admin.request(Method::PUT, &changed).json(&body)).await.expect(200);
    let shown = admin.get(&format!("{changed}/preview")).await.expect(200);
    assert_eq!(shown["messages"][0]["text"], "Pay Person 0");
    let mut sent = Vec::new();
    for path in [&agreed, &free] {
        start(admin, path).await;
        over(admin, path).await;
        let mails = admin.all("/api/v1/communication/sandbox/outbox").await;
        let texts = mails.iter().filter_map(|mail| mail["content"]["text"].as_str());
        sent = texts.map(ToOwned::to_owned).collect();
    }
    sent.sort();
    assert_eq!(sent, ["Dear Person 0", "Pay Person 0"], "where nobody must agree it is as the run begins");

    // What is not offered any more is not sent either, whoever agreed to it before.
    submit(admin, &changed).await;
    other.post(&format!("{changed}/approve"), &json!({})).await.expect(200);
    let newest = admin.all(&format!("{TEMPLATES}?name=hello&latest=true")).await.remove(0);
    admin.delete(&format!("{TEMPLATES}/{}", newest["id"].as_str().expect("an id"))).await.expect(204);
    let refused = admin.post(&format!("{changed}/start"), &json!({})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/content/variants/0/messages/0/template");
    assert_eq!(delivered(admin).await, 2);
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_agrees_by_a_key_to_what_they_wrote_nor_to_what_they_wrote_by_a_key() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let other = app.user(&app.acme, "Admin").await;
    let content = by_mail(admin).await;
    let (own, another, others) = (key(admin).await, key(admin).await, key(&other).await);
    let needs = json!({"needs_approval": true});
    for writer in [admin, &own] {
        let path = draft(writer, &content, &needs).await;
        submit(writer, &path).await;
        for mine in [admin, &own, &another] {
            let refused = mine.post(&format!("{path}/approve"), &json!({})).await;
            assert_eq!(refused.problem(409), "own-campaign");
        }
        let approved = others.post(&format!("{path}/approve"), &json!({})).await.expect(200);
        assert_eq!(approved["status"], "scheduled");
    }
    assert_eq!(admin.all(&format!("{CAMPAIGNS}?status=scheduled")).await.len(), 2);
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_allows_what_they_wrote_to_spend_more() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let other = app.user(&app.acme, "Manager").await;
    let mut content = by_mail(admin).await;
    content["channels"][0]["cost_micros"] = json!(10_000_000);
    people(admin, 3).await;
    let more = json!({"budget_cents": 30});
    for (needs_approval, may) in [(true, false), (false, true)] {
        let limits = json!({"needs_approval": needs_approval, "limits": {"budget_cents": 10}});
        let path = draft(admin, &content, &limits).await;
        if needs_approval {
            submit(admin, &path).await;
            other.post(&format!("{path}/approve"), &json!({})).await.expect(200);
        }
        start(admin, &path).await;
        let spent = |progress: &Value| progress["pause_code"] == "budget";
        comes_to(admin, &path, spent).await;
        let resume = format!("{path}/resume");
        if !may {
            for mine in [admin, &key(admin).await] {
                assert_eq!(mine.post(&resume, &more).await.problem(409), "own-campaign");
            }
            // Without another budget it is no one's business to agree.
            admin.post(&resume, &json!({})).await.expect(200);
            comes_to(admin, &path, spent).await;
        }
        let who = if may { admin } else { &other };
        assert_eq!(who.post(&resume, &more).await.expect(200)["status"], "running");
        assert_eq!(over(admin, &path).await["statuses"], json!({"sent": 3}));
    }
    app.process.stop().await;
}
