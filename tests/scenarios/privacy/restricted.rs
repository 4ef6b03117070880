//! Whoever is restricted is kept as they are: they are not called, no campaign and no sequence writes to them, they are not
//! deleted, and nothing of theirs goes by its age.

use domain::privacy::retention::apply;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp};

use crate::{
    calls::{CALLS, at, begun, step},
    campaigns::{by_mail, draft, over, people, recipients, start},
    gates::{becomes, delivered, send},
    leads::actions::{done, result},
    message::sandbox,
    onboarding::until,
    privacy::erasure::DELETION,
    rights::admitted,
    routing::rules::lead,
    routing::team,
    sequences::held::{has_sent, message_of},
    sequences::{desk, ended, enter, published, steps},
};

const RESTRICTION: &str = "/api/v1/compliance/gdpr/restriction";
const RETENTION: &str = "/api/v1/compliance/retention";
const LEADS: &str = "/api/v1/leads";
const PHONE: &str = "+14155550101";

async fn restrict(client: &Client, lead: &Value) -> Value {
    let why = json!({"lead_id": lead, "reason": "says the number is wrong"});
    client.post(RESTRICTION, &why).await.expect(201)
}

async fn lift(client: &Client, restriction: &Value) {
    let path = format!("{}/lift", at(RESTRICTION, &restriction["id"]));
    client.post(&path, &json!({"reason": "corrected, and told them"})).await.expect(200);
}

#[tokio::test]
async fn whoever_is_restricted_is_not_called_but_may_call() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let ada = lead(admin, &json!({ "phone": PHONE })).await;
    let set = restrict(admin, &ada).await;
    let by_lead = json!({"direction": "outbound", "lead_id": ada, "agent_id": agents[0]});
    let by_number = json!({"direction": "outbound", "number": PHONE, "agent_id": agents[0]});
    for call in [&by_lead, &by_number] {
        assert_eq!(admin.post(CALLS, call).await.problem(409), "lead-restricted", "{call}");
    }
    assert!(admin.all(CALLS).await.is_empty(), "no call is left of what was refused");
    begun(admin, &json!({"direction": "outbound", "number": "+14155550102", "agent_id": agents[0]})).await;
    let calls = begun(admin, &json!({"direction": "inbound", "number": PHONE, "team_id": team})).await;
    assert_eq!(admin.get(&calls).await.expect(200)["lead_id"], ada, "who calls is answered");
    lift(admin, &set).await;
    begun(admin, &by_lead).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_restricted_is_not_deleted_by_hand_one_by_one_or_with_others() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada", "source": "paid_ads"})).await;
    let bob = lead(admin, &json!({"name": "Bob", "source": "paid_ads"})).await;
    let set = restrict(admin, &ada).await;
    assert_eq!(admin.delete(&at(LEADS, &ada)).await.problem(409), "lead-restricted");
    let (delete, ads) = (json!({"kind": "delete"}), json!({"source": "paid_ads"}));
    let told = done(admin, &delete, &ads).await;
    assert_eq!(told, result(2, 1, 0, &json!({"lead-restricted": 1})));
    assert_eq!(admin.get(&at(LEADS, &bob)).await.problem(404), "not-found");
    assert_eq!(admin.get(&at(LEADS, &ada)).await.expect(200)["name"], "Ada");
    lift(admin, &set).await;
    admin.delete(&at(LEADS, &ada)).await.expect(204);
    app.process.stop().await;
}

/// A closed lead with a call, a note and a message, all with words.
async fn closed(client: &Client, agent: &Value, message: &Value, number: usize) -> Value {
    let ada = json!({"name": "Ada", "email": format!("l{number}@example.com"), "phone": format!("+1415555010{number}")});
    let ada = lead(client, &ada).await;
    let call = begun(client, &json!({"direction": "outbound", "lead_id": ada, "agent_id": agent})).await;
    step(client, &call, "answer", &json!({})).await.expect(200);
    step(client, &call, "end", &json!({"notes": "an old story"})).await.expect(200);
    let note = json!({"kind": "note", "note": "an old note"});
    client.post(&format!("{}/activities", at(LEADS, &ada)), &note).await.expect(201);
    let mut message = message.clone();
    message["lead_id"] = ada.clone();
    message["to"] = Value::Null;
    becomes(client, &send(client, &message).await, "message.sent").await;
    client.patch(&at(LEADS, &ada), &json!({"status": "lost"})).await.expect(200);
    ada
}

#[tokio::test]
async fn nothing_of_whoever_is_restricted_goes_by_its_age() {
    // Without a scheduler nothing goes by itself, so that what goes is seen step by step.
    let app = TestApp::with_roles("api,worker,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let message = sandbox(admin).await;
    let goes = closed(admin, &agents[0], &message, 1).await;
    let stays = closed(admin, &agents[0], &message, 2).await;
    let set = restrict(admin, &stays).await;
    app.database.advance(40.0 * 86_400.0).await;
    let rules = |closed: Option<i32>| {
        json!({
            "cool_off_days": 0, "closed_leads_days": closed, "messages_days": 30, "calls_days": 30, "notes_days": 30,
        })
    };
    let would = admin.post(&format!("{RETENTION}/preview"), &rules(Some(30))).await.expect(200);
    for what in ["closed_leads", "messages", "calls", "notes"] {
        assert_eq!(would[what], 1, "{what}: {would}");
    }
    assert!(would["held"].as_i64() >= Some(4), "of each kind one is kept: {would}");
    // Words first, for an erasure would take them along.
    admin.send(admin.request(Method::PUT, RETENTION).json(&rules(None))).await.expect(200);
    let ctx = admitted(&app, admin).await;
    while apply::some(&ctx).await.expect("applied") > 0 {}
    let notes = async |lead: &Value| {
        let calls = admin.all(&format!("{CALLS}?lead_id={}", lead.as_str().expect("an id"))).await;
        let done = admin.all(&format!("{}/activities", at(LEADS, lead))).await;
        let noted = done.iter().filter(|one| one["note"] == "an old note").count();
        (calls.iter().filter(|call| call["notes"] == "an old story").count(), noted)
    };
    assert_eq!(notes(&goes).await, (0, 0), "what is old is gone");
    assert_eq!(notes(&stays).await, (1, 1), "what is restricted is kept");
    assert_eq!(admin.all("/api/v1/communication/sandbox/outbox").await.len(), 1);
    admin.send(admin.request(Method::PUT, RETENTION).json(&rules(Some(30)))).await.expect(200);
    while apply::some(&ctx).await.expect("applied") > 0 {}
    let erased: Vec<Value> = admin.all(DELETION).await.iter().map(|one| one["lead_id"].clone()).collect();
    assert_eq!(erased, [goes]);
    lift(admin, &set).await;
    while apply::some(&ctx).await.expect("applied") > 0 {}
    assert_eq!(notes(&stays).await, (0, 0), "it goes as all else once it is lifted");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_restricted_gets_nothing_of_a_campaign_that_has_them_in_its_audience() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let content = by_mail(admin).await;
    people(admin, 2).await;
    let ada = lead(admin, &json!({"name": "Ada", "email": "ada@example.com"})).await;
    let set = restrict(admin, &ada).await;
    let path = draft(admin, &content, &json!({})).await;
    start(admin, &path).await;
    assert_eq!(over(admin, &path).await["statuses"], json!({"sent": 2, "suppressed": 1}));
    let all = recipients(admin, &path).await;
    let theirs = all.iter().find(|one| one["lead_id"] == ada).expect("they are in the audience");
    let message = admin.get(&at("/api/v1/communication/messages", &theirs["message_id"])).await.expect(200);
    assert_eq!((&message["status"], &message["error_code"]), (&json!("suppressed"), &json!("restricted")));
    assert_eq!(delivered(admin).await, 2);
    // What was not sent for its sake is not sent when it ends, and the next campaign is for them again.
    lift(admin, &set).await;
    let next = draft(admin, &content, &json!({})).await;
    start(admin, &next).await;
    assert_eq!(over(admin, &next).await["statuses"], json!({"sent": 3}));
    assert_eq!(delivered(admin).await, 5);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_restricted_on_their_way_through_a_sequence_gets_nothing_more_of_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let sequence = published(admin, "welcome", &steps(&[("first", 0), ("second", 60)])).await;
    let (ada, bob) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let (hers, his) = (enter(admin, &sequence, &ada).await, enter(admin, &sequence, &bob).await);
    for way in [&hers, &his] {
        has_sent(admin, way, 1).await;
    }
    restrict(admin, &ada).await;
    app.database.advance(2.0 * 3600.0).await;
    for way in [&hers, &his] {
        ended(admin, way).await;
    }
    has_sent(admin, &his, 2).await;
    let way = admin.get(&hers).await.expect(200);
    let held = until(admin, &message_of(&way, 1), |message| message["status"] == "suppressed").await;
    assert_eq!(held["error_code"], "restricted");
    assert_eq!(delivered(admin).await, 3, "the second one was his only");
    app.process.stop().await;
}
