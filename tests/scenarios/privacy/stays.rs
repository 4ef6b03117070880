//! What stays of somebody who was erased: that they are not written to, under all numbers and addresses that they had, until
//! they agree anew.

use chrono::TimeDelta;
use domain::ctx::Clock as _;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    calls::at,
    gates::{CONSENT, SUPPRESSIONS, becomes, send, to},
    message::sandbox,
    privacy::erasure::{DELETION, MAIL, PHONE, ask, at_once, comes_to, text},
    routing::rules::lead,
};

const LEADS: &str = "/api/v1/leads";
const BEFORE: &str = "before.kestrel@example.com";

/// To the lead, wherever it is reached.
fn by_lead(message: &Value, lead: &Value) -> Value {
    let mut message = message.clone();
    message["lead_id"] = lead.clone();
    message["to"] = Value::Null;
    message
}

async fn held_back(client: &Client, message: &Value, why: &str) {
    let kept = becomes(client, &send(client, message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed", "{why}: {kept:#}");
}

async fn goes(client: &Client, message: &Value) {
    becomes(client, &send(client, message).await, "message.sent").await;
}

fn agrees(who: &Value, said_at: Option<&str>) -> Value {
    let mut said = who.clone();
    for (field, value) in [
        ("channel", json!("email")),
        ("purpose", json!("transactional")),
        ("granted", json!(true)),
        ("source", json!("a form")),
        ("said_at", json!(said_at)),
    ] {
        said[field] = value;
    }
    said
}

#[tokio::test]
async fn what_was_agreed_to_before_lifts_nothing_and_what_is_agreed_to_after_does() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let person = lead(admin, &json!({ "email": MAIL })).await;
    let erasure = ask(admin, &person).await;
    comes_to(admin, &erasure, "done").await;
    let message = to(&sandbox(admin).await, MAIL);
    held_back(admin, &message, "they were erased").await;
    let earlier = (app.clock.now() - TimeDelta::days(1)).to_rfc3339();
    let old = admin.post(CONSENT, &agrees(&json!({ "to": MAIL }), Some(&earlier))).await.expect(201);
    assert_eq!(old["taken"], true, "it is kept, as all that is said: {old:#}");
    held_back(admin, &message, "that was said before they were erased").await;
    admin.post(CONSENT, &agrees(&json!({ "to": MAIL }), None)).await.expect(201);
    goes(admin, &message).await;
    // For this channel and purpose, and no other.
    let mut advert = message.clone();
    advert["purpose"] = json!("marketing");
    held_back(admin, &advert, "they agreed to hear of their own affairs").await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_shared_address_is_not_written_to_until_one_of_those_who_have_it_agrees() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let ada = lead(admin, &json!({"name": "Kestrelina", "email": MAIL})).await;
    let bob = lead(admin, &json!({"name": "Somebody Else", "email": MAIL, "phone": "+14155550138"})).await;
    let message = sandbox(admin).await;
    goes(admin, &by_lead(&message, &bob)).await;
    let erasure = ask(admin, &ada).await;
    comes_to(admin, &erasure, "done").await;
    // Nobody can tell who reads what is sent there.
    let again = lead(admin, &json!({"name": "Kestrelina", "email": MAIL})).await;
    held_back(admin, &by_lead(&message, &again), "who comes again").await;
    held_back(admin, &by_lead(&message, &bob), "who has the same address").await;
    held_back(admin, &to(&message, MAIL), "the address alone").await;
    // Where nobody else is reached nothing is kept back.
    let mut short = text(admin, PHONE).await;
    short["to"] = Value::Null;
    short["lead_id"] = bob.clone();
    goes(admin, &short).await;
    admin.post(CONSENT, &agrees(&json!({ "lead_id": again }), None)).await.expect(201);
    for message in [by_lead(&message, &again), by_lead(&message, &bob), to(&message, MAIL)] {
        goes(admin, &message).await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn where_they_were_reached_before_is_not_written_to_either() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let person = lead(admin, &json!({"name": "Kestrelina", "email": BEFORE})).await;
    let message = sandbox(admin).await;
    goes(admin, &by_lead(&message, &person)).await;
    // Another address since then, and one more while they ask.
    admin.patch(&at(LEADS, &person), &json!({ "email": MAIL })).await.expect(200);
    let asked = admin.post(DELETION, &json!({ "lead_id": person })).await.expect(201);
    let newest = "newest.kestrel@example.com";
    admin.patch(&at(LEADS, &person), &json!({ "email": newest })).await.expect(200);
    let identity = json!({"identity": "showed a passport"});
    admin.post(&format!("{}/identity", at(DELETION, &asked["id"])), &identity).await.expect(200);
    comes_to(admin, &asked, "done").await;
    for address in [BEFORE, MAIL, newest] {
        held_back(admin, &to(&message, address), address).await;
    }
    goes(admin, &to(&message, "else@example.com")).await;
    app.process.stop().await;
}

#[tokio::test]
async fn an_address_that_another_lead_was_written_to_is_that_ones() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let person = lead(admin, &json!({"name": "Kestrelina", "email": BEFORE})).await;
    let message = sandbox(admin).await;
    goes(admin, &by_lead(&message, &person)).await;
    admin.patch(&at(LEADS, &person), &json!({ "email": MAIL })).await.expect(200);
    // It is somebody else's by now.
    let other = lead(admin, &json!({"name": "Somebody Else", "email": BEFORE})).await;
    goes(admin, &by_lead(&message, &other)).await;
    let erasure = ask(admin, &person).await;
    comes_to(admin, &erasure, "done").await;
    held_back(admin, &to(&message, MAIL), "theirs").await;
    goes(admin, &by_lead(&message, &other)).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_person_is_suppressed_once_on_each_channel_and_with_their_own_reason_beside_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let person = lead(admin, &json!({"phone": PHONE, "email": MAIL})).await;
    let bounced = json!({"channel": "email", "to": MAIL, "scope": "all"});
    let by_hand = admin.post(SUPPRESSIONS, &bounced).await.expect(201);
    let erasure = ask(admin, &person).await;
    comes_to(admin, &erasure, "done").await;
    let all = admin.all(SUPPRESSIONS).await;
    let is = |one: &Value, what: [&str; 3]| [&one["channel"], &one["scope"], &one["reason"]] == what;
    for what in [
        ["sms", "all", "erased"],
        ["sms", "marketing", "erased"],
        ["whatsapp", "all", "erased"],
        ["whatsapp", "marketing", "erased"],
        ["email", "marketing", "erased"],
        ["email", "all", "manual"],
    ] {
        assert_eq!(all.iter().filter(|one| is(one, what)).count(), 1, "{what:?}: {all:#?}");
    }
    assert_eq!(all.len(), 6, "{all:#?}");
    assert!(all.iter().all(|one| one["to"].is_null()), "only hashes are left: {all:#?}");
    assert_eq!(admin.delete(&at(SUPPRESSIONS, &by_hand["id"])).await.problem(409), "person-erased");
    // What somebody of the tenant said stays when they agree, and can be taken back then.
    admin.post(CONSENT, &agrees(&json!({ "to": MAIL }), None)).await.expect(201);
    let message = to(&sandbox(admin).await, MAIL);
    held_back(admin, &message, "by hand").await;
    admin.delete(&at(SUPPRESSIONS, &by_hand["id"])).await.expect(204);
    goes(admin, &message).await;
    app.process.stop().await;
}
