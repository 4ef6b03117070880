//! What is asked at the moment of sending: what people have said by then counts, whatever was so at acceptance.

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{message::sandbox, routing::rules::lead};

pub const MESSAGES: &str = "/api/v1/communication/messages";
pub const SUPPRESSIONS: &str = "/api/v1/communication/suppressions";
pub const POLICY: &str = "/api/v1/communication/policy";
pub const CONSENT: &str = "/api/v1/compliance/gdpr/consent";

/// A marketing message to somebody, by the sandbox.
pub async fn marketing(client: &Client) -> Value {
    let mut message = sandbox(client).await;
    message["purpose"] = json!("marketing");
    message
}

pub fn to(message: &Value, address: &str) -> Value {
    let mut message = message.clone();
    message["to"] = json!(address);
    message
}

pub async fn send(client: &Client, message: &Value) -> String {
    client.post(MESSAGES, message).await.expect(202)["id"].as_str().expect("an id").to_owned()
}

/// Waits until an event of a type is told of a message; answers how the message is then.
pub async fn becomes(client: &Client, message: &str, event: &str) -> Value {
    let subject = format!("message:{message}");
    let mut socket = Socket::open(client, Some(0)).await;
    while socket.until(event).await.pop().expect("an event")["subject"] != subject {}
    client.get(&format!("{MESSAGES}/{message}")).await.expect(200)
}

pub async fn delivered(client: &Client) -> usize {
    client.all("/api/v1/communication/sandbox/outbox").await.len()
}

pub async fn agrees(client: &Client, who: &Value, granted: bool) -> Value {
    let mut said =
        json!({"channel": "email", "purpose": "marketing", "granted": granted, "source": "a form"});
    said.as_object_mut().expect("an object").extend(who.as_object().expect("an object").clone());
    client.post(CONSENT, &said).await.expect(201)
}

async fn queue(client: &Client, verb: &str) {
    client.post(&format!("/api/v1/queues/messages/{verb}"), &json!({})).await.expect(204);
}

#[tokio::test]
async fn marketing_goes_to_whoever_has_agreed_and_all_else_unless_they_said_no() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    let mut receipt = advert.clone();
    receipt["purpose"] = json!("transactional");
    let held = becomes(admin, &send(admin, &advert).await, "message.suppressed").await;
    assert_eq!((&held["status"], &held["error_code"]), (&json!("suppressed"), &json!("no_consent")));
    assert_eq!(delivered(admin).await, 0);
    becomes(admin, &send(admin, &receipt).await, "message.sent").await;
    agrees(admin, &json!({"to": "ADA@example.com"}), true).await;
    becomes(admin, &send(admin, &advert).await, "message.sent").await;
    // What was said by the lead and by its address counts together, and whoever said no has said so.
    let who = lead(admin, &json!({})).await;
    agrees(admin, &json!({ "lead_id": who }), false).await;
    let mut named = advert.clone();
    named["lead_id"] = who;
    let held = becomes(admin, &send(admin, &named).await, "message.suppressed").await;
    assert_eq!(held["error_code"], "consent_withdrawn");
    named["purpose"] = json!("transactional");
    becomes(admin, &send(admin, &named).await, "message.sent").await;
    assert_eq!(delivered(admin).await, 3);
    // Consent is a tenant's own.
    let theirs = marketing(&app.other.admin).await;
    let held = becomes(&app.other.admin, &send(&app.other.admin, &theirs).await, "message.suppressed").await;
    assert_eq!(held["error_code"], "no_consent");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_said_between_acceptance_and_sending_holds_the_message_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    let who = lead(admin, &json!({"email": "lead@example.com"})).await;
    let mut by_lead = advert.clone();
    by_lead["lead_id"] = who.clone();
    by_lead["to"] = Value::Null;
    agrees(admin, &json!({ "lead_id": who }), true).await;
    for address in ["one@example.com", "two@example.com", "three@example.com"] {
        agrees(admin, &json!({ "to": address }), true).await;
    }
    let mut receipt = to(&advert, "three@example.com");
    receipt["purpose"] = json!("transactional");
    queue(admin, "pause").await;
    let mut waiting = Vec::new();
    for (message, code) in [
        (by_lead, "consent_withdrawn"),
        (to(&advert, "one@example.com"), "consent_withdrawn"),
        (to(&advert, "two@example.com"), "suppressed"),
        (to(&advert, "three@example.com"), "suppressed"),
        (receipt, "suppressed"),
    ] {
        waiting.push((send(admin, &message).await, code));
    }
    let untouched = send(&app.other.admin, &sandbox(&app.other.admin).await).await;
    becomes(&app.other.admin, &untouched, "message.sent").await;

    agrees(admin, &json!({ "lead_id": who }), false).await;
    agrees(admin, &json!({ "to": "One@Example.com" }), false).await;
    for (address, scope) in [("two@example.com", "marketing"), ("three@example.com", "all")] {
        let wish = json!({"channel": "email", "to": address, "scope": scope});
        admin.post(SUPPRESSIONS, &wish).await.expect(201);
    }
    queue(admin, "resume").await;
    for (message, code) in &waiting {
        let held = becomes(admin, message, "message.suppressed").await;
        assert_eq!((&held["status"], &held["error_code"]), (&json!("suppressed"), &json!(code)), "{held}");
    }
    assert_eq!(delivered(admin).await, 0);
    assert_eq!(delivered(&app.other.admin).await, 1);
    app.process.stop().await;
}

#[tokio::test]
async fn of_many_at_one_moment_as_many_get_through_as_the_cap_says() {
    const MANY: usize = 50;
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    agrees(admin, &json!({"to": "ada@example.com"}), true).await;
    agrees(admin, &json!({"to": "eve@example.com"}), true).await;
    let cap = json!({"frequency_cap": {"most": 3, "hours": 24, "purposes": ["marketing"], "per": "channel"}});
    admin.send(admin.request(reqwest::Method::PUT, POLICY).json(&cap)).await.expect(200);
    let theirs = marketing(&app.other.admin).await;
    agrees(&app.other.admin, &json!({"to": "ada@example.com"}), true).await;

    let sends = (0..MANY).map(|_| send(admin, &advert));
    let sent = futures::future::join_all(sends).await;
    for _ in 0..5 {
        let theirs = send(&app.other.admin, &theirs).await;
        becomes(&app.other.admin, &theirs, "message.sent").await;
    }
    let (mut left, mut held, mut socket) = (0, 0, Socket::open(admin, Some(0)).await);
    while left + held < MANY {
        match socket.event().await["type"].as_str() {
            Some("switchboard.message.sent.v1") => left += 1,
            Some("switchboard.message.suppressed.v1") => held += 1,
            _ => {}
        }
    }
    assert_eq!((left, delivered(admin).await), (3, 3));
    let codes = admin.all(&format!("{MESSAGES}?status=suppressed")).await;
    assert!(codes.iter().all(|message| message["error_code"] == "frequency_cap"), "{codes:?}");
    assert_eq!(codes.len(), sent.len() - 3);
    // Somebody else has had none, what is no marketing is not counted, and a day later all is as before.
    becomes(admin, &send(admin, &to(&advert, "eve@example.com")).await, "message.sent").await;
    let mut receipt = advert.clone();
    receipt["purpose"] = json!("transactional");
    becomes(admin, &send(admin, &receipt).await, "message.sent").await;
    app.database.advance(24.0 * 3600.0 + 60.0).await;
    becomes(admin, &send(admin, &advert).await, "message.sent").await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_cap_for_a_person_counts_all_that_goes_to_the_lead() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (advert, who) = (marketing(admin).await, lead(admin, &json!({})).await);
    agrees(admin, &json!({ "lead_id": who }), true).await;
    agrees(admin, &json!({"to": "home@example.com"}), true).await;
    let cap = json!({"frequency_cap": {"most": 1, "hours": 1, "purposes": ["marketing"], "per": "person"}});
    admin.send(admin.request(reqwest::Method::PUT, POLICY).json(&cap)).await.expect(200);
    let mut at_home = to(&advert, "home@example.com");
    at_home["lead_id"] = who.clone();
    becomes(admin, &send(admin, &at_home).await, "message.sent").await;
    let mut at_work = to(&advert, "work@example.com");
    at_work["lead_id"] = who;
    for message in [at_work, to(&advert, "home@example.com")] {
        let held = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
        assert_eq!(held["error_code"], "frequency_cap");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_policy_is_changed_by_whoever_has_read_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let put = |policy: &Value, tag: &str| {
        let request = admin.request(reqwest::Method::PUT, POLICY).header("if-match", tag);
        admin.send(request.json(policy))
    };
    let first = admin.get(POLICY).await;
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let first = first.expect(200);
    assert_eq!((&first["version"], &first["quiet_hours"]), (&json!(0), &Value::Null));
    assert_eq!(first["consent"], json!({"marketing": "required", "transactional": "unless_withdrawn"}));
    let quiet = json!({"quiet_hours": {"from": "21:00", "until": "08:00", "purposes": ["marketing"]}});
    let made = put(&quiet, &tag).await.expect(200);
    assert_eq!((&made["version"], &made["quiet_hours"]["until"]), (&json!(1), &json!("08:00")));
    assert_eq!(put(&quiet, &tag).await.problem(412), "version-outdated");
    for (policy, pointer) in [
        (
            json!({"quiet_hours": {"from": "8", "until": "08:00", "purposes": ["marketing"]}}),
            "/quiet_hours/from",
        ),
        (
            json!({"quiet_hours": {"from": "08:00", "until": "08:00", "purposes": ["marketing"]}}),
            "/quiet_hours/until",
        ),
        (
            json!({"quiet_hours": {"from": "07:00", "until": "08:00", "purposes": []}}),
            "/quiet_hours/purposes",
        ),
        (
            json!({"frequency_cap": {"most": 0, "hours": 1, "purposes": ["marketing"], "per": "person"}}),
            "/frequency_cap/most",
        ),
        (json!({"consent": {"marketing": "never"}}), "/consent/marketing"),
    ] {
        let refused = put(&policy, "*").await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
        assert_eq!(refused.problem(422), "invalid");
    }
    assert_eq!(app.other.admin.get(POLICY).await.expect(200)["version"], 0, "a tenant's own");
    let log = admin.all("/api/v1/compliance/audit-logs?resource=message_policy").await;
    assert_eq!((log.len(), &log[0]["action"]), (1, &json!("update")));
    app.process.stop().await;
}
