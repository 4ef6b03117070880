//! Drip sequences over the API: what a lead gets, when, and what ends it.

pub mod held;
mod locks;
mod many;
mod same;
mod steered;

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Timelike, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::{
    gates::{CONSENT, agrees},
    inbound::written,
    onboarding::{subjects, until},
    routing::rules::lead,
    sequences::held::has_sent,
};

pub const SEQUENCES: &str = "/api/v1/sequences";
pub const ENROLMENTS: &str = "/api/v1/sequences/enrolments";
const TEMPLATES: &str = "/api/v1/communication/templates";
/// Whose owner [`written`] has write.
const NUMBER: &str = "+14155550100";
pub const DAY: f64 = 24.0 * 3600.0;

/// An account by which e-mails go.
pub async fn account(client: &Client) -> Value {
    let provider = json!({"name": "sandbox", "kind": "sandbox"});
    client.post("/api/v1/communication/providers", &provider).await.expect(201)["id"].clone()
}

/// A template whose subject is its name, unless another one is said.
pub async fn template(client: &Client, name: &str, subject: &str) -> Value {
    let new = json!({"name": name, "channel": "email", "subject": subject, "text": "Hello"});
    client.post(TEMPLATES, &new).await.expect(201)["id"].clone()
}

/// An account and templates of these names.
pub async fn desk(client: &Client, names: &[&str]) -> Value {
    for name in names {
        template(client, name, name).await;
    }
    account(client).await
}

/// Sends what needs no consent, in steps by the names of templates, each so many minutes after the one before.
pub fn steps(all: &[(&str, u32)]) -> Value {
    let step = |(name, minutes): &(&str, u32)| json!({"template": name, "delay": {"minutes": minutes}});
    json!({"purpose": "transactional", "steps": all.iter().map(step).collect::<Vec<_>>()})
}

pub fn at(id: &Value) -> String {
    format!("{SEQUENCES}/{}", id.as_str().expect("an id"))
}

pub async fn drafted(client: &Client, name: &str, definition: &Value) -> Value {
    let draft = json!({"name": name, "definition": definition});
    client.post(SEQUENCES, &draft).await.expect(201)["id"].clone()
}

pub async fn published(client: &Client, name: &str, definition: &Value) -> Value {
    let id = drafted(client, name, definition).await;
    steer(client, &id, "publish").await.expect(200);
    id
}

pub async fn steer(client: &Client, sequence: &Value, verb: &str) -> Answer {
    client.post(&format!("{}/{verb}", at(sequence)), &json!({})).await
}

pub async fn replace(client: &Client, sequence: &Value, name: &str, definition: &Value) {
    let draft = json!({"name": name, "definition": definition});
    client.send(client.request(Method::PUT, &at(sequence)).json(&draft)).await.expect(200);
}

/// Has a lead enter; answers where its enrolment is read.
pub async fn enter(client: &Client, sequence: &Value, lead: &Value) -> String {
    let path = format!("{}/enrolments", at(sequence));
    let entered = client.post(&path, &json!({ "lead_id": lead })).await.expect(201);
    format!("{ENROLMENTS}/{}", entered["id"].as_str().expect("an id"))
}

/// Has so many new leads enter; answers where their enrolments are read.
pub async fn entered(client: &Client, sequence: &Value, many: usize) -> Vec<String> {
    let mut ways = Vec::with_capacity(many);
    for _ in 0..many {
        ways.push(enter(client, sequence, &lead(client, &json!({})).await).await);
    }
    ways
}

/// Waits until an enrolment has taken so many steps.
pub async fn has_taken(client: &Client, enrolment: &str, steps: usize) -> Value {
    until(client, enrolment, |one| one["steps"].as_array().is_some_and(|all| all.len() == steps)).await
}

/// Waits until an enrolment has ended; answers how.
pub async fn ended(client: &Client, enrolment: &str) -> (Value, Value) {
    let one = until(client, enrolment, |one| one["state"] != "waiting").await;
    (one["state"].clone(), one["reason"].clone())
}

/// Waits until these were delivered and no others, in any order.
pub async fn delivered(client: &Client, wanted: &[&str]) {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    let mut last = Vec::new();
    let reached = async {
        while last != wanted {
            last = subjects(client).await;
            last.sort_unstable();
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
    assert!(reached.is_ok(), "{last:?} instead of {wanted:?}");
}

#[tokio::test]
async fn a_lead_gets_one_message_after_the_other_and_each_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let sequence = published(admin, "welcome", &steps(&[("first", 0), ("second", 3 * 24 * 60)])).await;
    let mut socket = Socket::open(admin, None).await;
    let who = lead(admin, &json!({})).await;
    let path = format!("{}/enrolments", at(&sequence));
    let entered = admin.post(&path, &json!({ "lead_id": who })).await.expect(201);
    let told = socket.until("sequence.entered").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"sequence_id": sequence, "lead_id": who, "version": 1}));
    let one = format!("{ENROLMENTS}/{}", entered["id"].as_str().expect("an id"));
    has_sent(admin, &one, 1).await;
    let waits = admin.get(&one).await.expect(200);
    assert_eq!((&waits["state"], &waits["step"]), (&json!("waiting"), &json!(1)));
    delivered(admin, &["first"]).await;
    let again = admin.post(&path, &json!({ "lead_id": who })).await.expect(200);
    assert_eq!(again["id"], entered["id"], "whoever is on their way stays there");
    let jobs = admin.all("/api/v1/jobs?state=scheduled").await;
    assert!(jobs.is_empty(), "whoever waits is a row and nothing else: {jobs:?}");

    app.database.advance(2.9 * DAY).await;
    assert_eq!(admin.get(&one).await.expect(200)["step"], 1);
    app.database.advance(0.2 * DAY).await;
    assert_eq!(ended(admin, &one).await, (json!("completed"), Value::Null));
    delivered(admin, &["first", "second"]).await;
    let over = admin.get(&one).await.expect(200);
    let taken: Vec<_> =
        over["steps"].as_array().expect("steps").iter().map(|step| &step["outcome"]).collect();
    assert_eq!(taken, ["sent", "sent"]);
    let message = over["steps"][1]["message_id"].as_str().expect("a message");
    let message = admin.get(&format!("/api/v1/communication/messages/{message}")).await.expect(200);
    assert_eq!(message["lead_id"], who);
    let told = socket.until("sequence.ended").await.pop().expect("an event");
    assert_eq!((&told["data"]["state"], &told["data"]["lead_id"]), (&json!("completed"), &who));
    assert!(!told.to_string().contains('@'), "ids only: {told}");
    assert_eq!(admin.post(&path, &json!({ "lead_id": who })).await.problem(409), "been-through");

    let goes = admin.get(&format!("{}/progress", at(&sequence))).await.expect(200);
    assert_eq!((&goes["entered"], &goes["completed"], &goes["waiting"]), (&json!(1), &json!(1), &json!(0)));
    let sent: Vec<_> = goes["steps"].as_array().expect("steps").iter().map(|step| &step["sent"]).collect();
    assert_eq!(sent, [&json!(1), &json!(1)]);
    assert!(app.other.admin.all(ENROLMENTS).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_replies_has_come_to_the_goal_at_once_and_the_others_go_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["first", "second"]).await;
    let mut definition = steps(&[("first", 0), ("second", 60)]);
    definition["goals"] = json!([{"kind": "replied"}]);
    let sequence = published(admin, "until they reply", &definition).await;
    definition["goals"] = json!([]);
    definition["steps"][1]["leave_if"] = json!([{"kind": "replied"}]);
    let asks_later = published(admin, "asks later", &definition).await;
    let (speaks, silent) = (lead(admin, &json!({"phone": NUMBER})).await, lead(admin, &json!({})).await);
    let mut ways = Vec::new();
    for (sequence, who) in [(&sequence, &speaks), (&sequence, &silent), (&asks_later, &speaks)] {
        let way = enter(admin, sequence, who).await;
        has_sent(admin, &way, 1).await;
        ways.push(way);
    }
    written(&app, &app.acme, provider.as_str().expect("an id")).await;
    // Not a moment later: what was taken in has ended it.
    let now = admin.get(&ways[0]).await.expect(200);
    assert_eq!((&now["state"], &now["reason"], &now["step"]), (&json!("goal"), &json!("replied"), &json!(1)));
    let later = admin.get(&ways[2]).await.expect(200);
    assert_eq!((&later["state"], later["replied_at"].is_string()), (&json!("waiting"), true));
    app.database.advance(2.0 * 3600.0).await;
    assert_eq!(ended(admin, &ways[1]).await, (json!("completed"), Value::Null));
    assert_eq!(ended(admin, &ways[2]).await, (json!("left"), json!("replied")));
    delivered(admin, &["first", "first", "first", "second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_happens_to_a_lead_ends_its_way_if_that_is_the_goal() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(
        admin,
        "until",
        &json!({
            "steps": [{"template": "first", "delay": {"minutes": 60}}],
            "goals": [{"kind": "converted"}, {"kind": "opted_out"}, {"kind": "score_at_least", "score": 1}],
        }),
    )
    .await;
    let mut ways = Vec::new();
    for _ in 0..4 {
        let who = lead(admin, &json!({"source": "referral"})).await;
        agrees(admin, &json!({ "lead_id": who }), true).await;
        let way = enter(admin, &sequence, &who).await;
        ways.push((who, way));
    }
    let [(buys, bought), (objector, refused), (favourite, scored), (_, stays)] = &ways[..] else {
        panic!("four")
    };
    let path = format!("/api/v1/leads/{}", buys.as_str().expect("an id"));
    admin.patch(&path, &json!({"status": "converted"})).await.expect(200);
    agrees(admin, &json!({ "lead_id": objector }), false).await;
    admin.post("/api/v1/automation/leads/score", &json!({ "lead_id": favourite })).await.expect(200);
    for (way, reason) in [(bought, "converted"), (refused, "opted_out"), (scored, "score")] {
        let now = admin.get(way).await.expect(200);
        assert_eq!((&now["state"], &now["reason"]), (&json!("goal"), &json!(reason)), "{now}");
    }
    assert_eq!(admin.get(stays).await.expect(200)["state"], "waiting");
    app.database.advance(2.0 * 3600.0).await;
    assert_eq!(ended(admin, stays).await.0, "completed");
    delivered(admin, &["first"]).await;
    let goes = admin.get(&format!("{}/progress", at(&sequence))).await.expect(200);
    assert_eq!(goes["reasons"], json!({"converted": 1, "opted_out": 1, "score": 1}));
    // What was said is kept, and counts for what comes.
    assert!(!admin.all(CONSENT).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn steps_are_left_out_by_what_is_so_when_they_are_due() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let mut definition = steps(&[("first", 0), ("second", 0)]);
    definition["steps"][0]["skip_if"] = json!([{"kind": "converted"}]);
    let sequence = published(admin, "careful", &definition).await;
    let bought = lead(admin, &json!({"status": "converted"})).await;
    let calls_only =
        admin.post("/api/v1/leads", &json!({"phone": "+4930901820"})).await.expect(201)["id"].clone();
    let way = enter(admin, &sequence, &bought).await;
    assert_eq!(ended(admin, &way).await.0, "completed");
    let steps = has_taken(admin, &way, 2).await["steps"].clone();
    assert_eq!((&steps[0]["outcome"], &steps[0]["reason"]), (&json!("skipped"), &json!("converted")));
    assert_eq!(steps[1]["outcome"], "sent");
    let way = enter(admin, &sequence, &calls_only).await;
    assert_eq!(ended(admin, &way).await.0, "completed");
    let steps = has_taken(admin, &way, 2).await["steps"].clone();
    assert_eq!((&steps[0]["reason"], &steps[1]["reason"]), (&json!("no_address"), &json!("no_address")));
    delivered(admin, &["second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_has_entered_stays_on_their_version_and_gets_its_words() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["news", "more"]).await;
    let sequence = published(admin, "news", &steps(&[("news", 60)])).await;
    let early = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    template(admin, "news", "other news").await;
    replace(admin, &sequence, "news", &steps(&[("news", 60), ("more", 0)])).await;
    let same = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    assert_eq!(admin.get(&same).await.expect(200)["version"], 1, "a draft is nobody's way");
    let now = steer(admin, &sequence, "publish").await.expect(200);
    assert_eq!((&now["published_version"], &now["state"]), (&json!(2), &json!("active")));
    let late = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    assert_eq!(admin.get(&late).await.expect(200)["version"], 2);
    app.database.advance(2.0 * 3600.0).await;
    for way in [&early, &same, &late] {
        assert_eq!(ended(admin, way).await.0, "completed");
    }
    delivered(admin, &["news", "news", "other news", "more"]).await;
    let versions = admin.all(&format!("{}/versions", at(&sequence))).await;
    let numbers: Vec<_> = versions.iter().map(|version| &version["version"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
    assert_ne!(versions[0]["wordings"][0]["versions"], versions[1]["wordings"][0]["versions"]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_time_of_day_is_by_the_clock_where_the_lead_is() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["morning"]).await;
    let definition = json!({
        "purpose": "transactional", "steps": [{"template": "morning", "delay": {"minutes": 1440, "at": "09:00"}}],
    });
    let sequence = published(admin, "mornings", &definition).await;
    // Nobody turns clocks there.
    for (fields, ahead) in [
        (json!({"phone": "+81312345678"}), 9),
        (json!({"region": "Asia/Tokyo"}), 9),
        (json!({"region": "Asia/Kolkata"}), 5),
        (json!({}), 0),
    ] {
        let way = enter(admin, &sequence, &lead(admin, &fields).await).await;
        let one = admin.get(&way).await.expect(200);
        let instant = |field: &str| -> DateTime<Utc> {
            one[field].as_str().expect("an instant").parse().expect("an instant")
        };
        let (entered, due) = (instant("entered_at"), instant("due_at"));
        let offset = ahead * 3600 + if ahead == 5 { 1800 } else { 0 };
        let there = due.with_timezone(&FixedOffset::east_opt(offset).expect("an offset"));
        assert_eq!((there.hour(), there.minute()), (9, 0), "{fields}");
        let hours = (due - entered).num_hours();
        assert!((24..48).contains(&hours), "{fields}: {hours}");
    }
    app.process.stop().await;
}
