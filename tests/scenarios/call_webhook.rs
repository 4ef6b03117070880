//! Calls as a phone system tells of them: signed, late, twice, and in any order.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{calls::webhook::sign, ctx::Clock};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, Socket, TestApp};

use crate::routing::team;

const CALLS: &str = "/api/v1/calls";
const SOURCES: &str = "/api/v1/call-sources";
const NUMBER: &str = "+14155550100";

/// A phone system and what it was given.
pub struct Pbx {
    client: Client,
    pub id: String,
    pub path: String,
    secret: String,
}

impl Pbx {
    pub async fn new(admin: &Client) -> Self {
        let made = admin.post(SOURCES, &json!({"name": "pbx"})).await.expect(201);
        let text = |field: &str| made[field].as_str().expect("text").to_owned();
        let (id, path, secret) = (text("id"), text("path"), text("secret"));
        Self { client: admin.anonymous(), id, path, secret }
    }

    /// Sends a webhook that was signed some seconds ago.
    pub async fn send(&self, app: &TestApp, id: &str, ago: i64, body: &Value) -> Answer {
        let timestamp = (app.clock.now() - TimeDelta::seconds(ago)).timestamp().to_string();
        let body = body.to_string();
        let signature = sign(&self.secret, id, &timestamp, body.as_bytes()).expect("a secret");
        self.raw(&self.path, [id, &timestamp, &signature], body).await
    }

    pub async fn raw(&self, path: &str, [id, timestamp, signature]: [&str; 3], body: String) -> Answer {
        let request = self.client.request(Method::POST, path);
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
        self.client.send(request.header("webhook-signature", signature).body(body)).await
    }

    /// Tells something of the call `c-1`.
    pub async fn tell(&self, app: &TestApp, id: &str, kind: &str, more: Value) {
        self.tell_late(app, id, (kind, None), more).await;
    }

    /// The same of an instant of the past.
    pub async fn tell_late(
        &self,
        app: &TestApp,
        id: &str,
        (kind, at): (&str, Option<DateTime<Utc>>),
        more: Value,
    ) {
        let mut data = json!({"call_id": "c-1", "number": NUMBER});
        if let Value::Object(more) = more {
            more.into_iter().for_each(|(name, value)| data[name] = value);
        }
        self.send(app, id, 0, &json!({ "type": kind, "timestamp": at, "data": data })).await.expect(204);
    }
}

/// The only call there is.
pub async fn only(admin: &Client) -> Value {
    let mut calls = admin.all(CALLS).await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    calls.pop().expect("one")
}

#[tokio::test]
async fn a_signed_call_is_taken_in_from_the_first_ring_to_its_end() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let pbx = Pbx::new(admin).await;
    let mut socket = Socket::open(admin, None).await;
    pbx.tell(&app, "m-1", "call.started", json!({"team_id": team})).await;
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!(told["data"]["agent_id"], agents[0]);
    let call = only(admin).await;
    assert_eq!((&call["status"], &call["external_id"]), (&json!("ringing"), &json!("c-1")));
    assert_eq!((&call["source_id"], &call["number"]), (&json!(pbx.id), &json!(NUMBER)));
    pbx.tell(&app, "m-2", "call.answered", json!({})).await;
    app.advance(TimeDelta::seconds(30)).await;
    let end = json!({"outcome": "callback", "satisfaction": 4, "recording": "https://pbx.example.com/1"});
    pbx.tell(&app, "m-3", "call.ended", end).await;
    let call = only(admin).await;
    assert_eq!(call["status"], "ended");
    assert!(call["talk_s"].as_i64().is_some_and(|seconds| seconds >= 30), "{call}");
    assert_eq!((&call["outcome"], &call["satisfaction"]), (&json!("callback"), &json!(4)));
    socket.until("call.completed").await;
    app.process.stop().await;
}

#[tokio::test]
async fn only_who_knows_the_secret_is_believed_and_a_former_one_for_a_day() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut pbx = Pbx::new(admin).await;
    let body = json!({"type": "call.started", "data": {"call_id": "c-1", "number": NUMBER}});
    let now = app.clock.now().timestamp().to_string();
    let forged = sign("whsec_AAAA", "m", &now, body.to_string().as_bytes()).expect("a signature");
    let good = sign(&pbx.secret, "m", &now, body.to_string().as_bytes()).expect("a signature");
    let (now, forged, good) = (now.as_str(), forged.as_str(), good.as_str());
    for (headers, sent) in [
        (["m", now, forged], body.to_string()),
        (["n", now, good], body.to_string()),
        (["m", now, good], body.to_string().replace("c-1", "c-2")),
        (["m", now, ""], body.to_string()),
        (["m", "", good], body.to_string()),
    ] {
        assert_eq!(pbx.raw(&pbx.path, headers, sent).await.problem(401), "unauthenticated", "{headers:?}");
    }
    assert_eq!(pbx.send(&app, "m", 301, &body).await.problem(401), "unauthenticated", "too old");
    assert_eq!(pbx.send(&app, "m", -310, &body).await.problem(401), "unauthenticated", "from the future");
    assert!(admin.all(CALLS).await.is_empty());

    // An address that nobody has says nothing, whatever is sent there.
    let (longer, other) = (format!("{}0", pbx.path), pbx.path.replace("sbc_", "sbc_0"));
    for path in ["/callbacks/calls/nothing", longer.as_str(), other.as_str()] {
        assert_eq!(pbx.raw(path, ["m", now, good], body.to_string()).await.problem(404), "not-found");
    }

    let former = pbx.secret.clone();
    let rotated = admin.post(&format!("{SOURCES}/{}/rotate", pbx.id), &json!({})).await.expect(200);
    let newer = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(former, newer);
    pbx.send(&app, "m-1", 0, &body).await.expect(204);
    pbx.secret.clone_from(&newer);
    pbx.send(&app, "m-2", 0, &body).await.expect(204);
    app.advance(TimeDelta::days(1)).await;
    pbx.send(&app, "m-3", 0, &body).await.expect(204);
    pbx.secret = former;
    assert_eq!(pbx.send(&app, "m-4", 0, &body).await.problem(401), "unauthenticated", "a day is over");
    app.process.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_replaced_twice_in_a_day_shuts_nobody_out() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut pbx = Pbx::new(admin).await;
    let body = json!({"type": "call.started", "data": {"call_id": "c-1", "number": NUMBER}});
    let rotate = format!("{SOURCES}/{}/rotate", pbx.id);
    assert_eq!(app.other.admin.post(&rotate, &json!({})).await.problem(404), "not-found");
    let first = pbx.secret.clone();
    let instant = |value: &Value| -> DateTime<Utc> {
        value["former_until"].as_str().expect("a time").parse().expect("an instant")
    };
    let once = admin.post(&rotate, &json!({})).await.expect(200);
    app.advance(TimeDelta::hours(20)).await;
    let admin = &admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let twice = admin.post(&rotate, &json!({})).await.expect(200);
    assert_eq!((instant(&twice) - instant(&once)).num_milliseconds(), 0, "it lasts no longer by that");
    // The phone system was told of none of them yet.
    pbx.send(&app, "m-1", 0, &body).await.expect(204);
    pbx.secret = once["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(pbx.send(&app, "m-2", 0, &body).await.problem(401), "unauthenticated", "it was replaced");
    pbx.secret = twice["secret"].as_str().expect("a secret").to_owned();
    pbx.send(&app, "m-3", 0, &body).await.expect(204);
    app.advance(TimeDelta::hours(4)).await;
    pbx.secret = first;
    assert_eq!(pbx.send(&app, "m-4", 0, &body).await.problem(401), "unauthenticated", "its day is over");

    // From then on it is the one before again.
    let admin = &admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let thrice = admin.post(&rotate, &json!({})).await.expect(200);
    assert!(instant(&thrice) > instant(&twice), "a day anew");
    pbx.secret = twice["secret"].as_str().expect("a secret").to_owned();
    pbx.send(&app, "m-5", 0, &body).await.expect(204);
    app.process.stop().await;
}

#[tokio::test]
async fn a_source_that_is_deleted_is_kept_out_and_its_calls_stay() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let pbx = Pbx::new(admin).await;
    let taken = admin.post(SOURCES, &json!({"name": "pbx"})).await;
    assert_eq!(taken.problem(409), "name-taken");
    assert_eq!(app.user(&app.acme, "Supervisor").await.get(SOURCES).await.problem(403), "permission-missing");
    pbx.tell(&app, "m-1", "call.started", json!({})).await;
    let listed = admin.all(SOURCES).await;
    assert_eq!(listed.len(), 1);
    assert!(!json!(listed).to_string().contains("whsec_"), "secrets are shown once");
    admin.delete(&format!("{SOURCES}/{}", pbx.id)).await.expect(204);
    assert_eq!(admin.delete(&format!("{SOURCES}/{}", pbx.id)).await.problem(404), "not-found");
    let body = json!({"type": "call.ended", "data": {"call_id": "c-1"}});
    assert_eq!(pbx.send(&app, "m-2", 0, &body).await.problem(404), "not-found");
    assert_eq!(only(admin).await["outcome"], "no_team");
    Pbx::new(admin).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_twice_or_out_of_order_only_moves_forward() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let pbx = Pbx::new(admin).await;
    let mut socket = Socket::open(admin, None).await;
    // The end is heard of first: nobody is asked to pick up what is over.
    pbx.tell(&app, "m-3", "call.ended", json!({"team_id": team})).await;
    assert_eq!(only(admin).await["status"], "abandoned");
    pbx.tell(&app, "m-1", "call.ringing", json!({"agent_id": agents[0]})).await;
    assert_eq!(only(admin).await["status"], "abandoned");
    pbx.tell(&app, "m-2", "call.answered", json!({"agent_id": agents[0]})).await;
    let over = only(admin).await;
    assert_eq!((&over["status"], &over["agent_id"]), (&json!("ended"), &agents[0]));
    // The same again, by the same id and by another one.
    for id in ["m-3", "m-2", "m-4"] {
        pbx.tell(&app, id, "call.ended", json!({})).await;
        pbx.tell(&app, id, "call.answered", json!({})).await;
    }
    let same = only(admin).await;
    assert_eq!((&same["version"], &same["status"]), (&over["version"], &json!("ended")));
    let told = socket.until("call.ended").await;
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
    assert!(!kinds.contains(&"switchboard.call.incoming.v1"), "{kinds:?}");
    let agent =
        admin.get(&format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"))).await.expect(200);
    assert_eq!(agent["status"], "available", "what was over long ago keeps nobody busy");
    app.process.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_what_is_not_known_passed_over() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let pbx = Pbx::new(admin).await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (number, (data, pointer)) in [
        (json!({}), "/data"),
        (json!({"call_id": "c-1"}), "/data/number"),
        (json!({"call_id": "c-1", "number": NUMBER, "team_id": nobody}), "/data/team_id"),
        (json!({"call_id": "c-1", "number": NUMBER, "agent_id": nobody}), "/data/agent_id"),
        (json!({"call_id": "c-1", "number": NUMBER, "satisfaction": 9}), "/data/satisfaction"),
        (json!({"call_id": "c-1", "number": NUMBER, "outcome": "lost"}), "/data/outcome"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"type": "call.started", "data": data});
        let refused = pbx.send(&app, &format!("m-{number}"), 0, &body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(refused.problem(422), "invalid");
    }
    pbx.send(&app, "m", 0, &json!({"type": "sms.received", "data": {"x": 1}})).await.expect(204);
    assert!(admin.all(CALLS).await.is_empty());
    // What was refused was not taken in: the same webhook may come again.
    pbx.tell(&app, "m-1", "call.started", json!({"unknown": true})).await;
    assert_eq!(only(admin).await["outcome"], "no_team");
    // The numbers of one tenant's phone system are nobody else's.
    assert!(app.other.admin.all(CALLS).await.is_empty());
    app.process.stop().await;
}
