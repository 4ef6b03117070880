//! Calls by the API: their life from the first ring to what they came to, and who is asked to take them.

mod locks;
mod ringing;
pub mod seen;
mod told;
mod waiting;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    activities::timeline,
    agents::{ended, person},
    message::sandbox,
    routing::team,
};

pub const CALLS: &str = "/api/v1/calls";
pub const NUMBER: &str = "+14155550100";

pub fn at(prefix: &str, id: &Value) -> String {
    format!("{prefix}/{}", id.as_str().expect("an id"))
}

pub async fn lead(client: &Client) -> Value {
    let lead = json!({"name": "Ada", "phone": NUMBER, "email": "ada@example.com"});
    client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
}

/// Begins a call; answers where it is.
pub async fn begun(client: &Client, call: &Value) -> String {
    let made = client.post(CALLS, call).await;
    let path = made.location().expect("a Location").to_owned();
    let _ = made.expect(201);
    path
}

pub async fn step(client: &Client, path: &str, step: &str, body: &Value) -> Answer {
    client.post(&format!("{path}/{step}"), body).await
}

pub async fn status_of(client: &Client, agent: &Value) -> Value {
    client.get(&at("/api/v1/agents", agent)).await.expect(200)["status"].clone()
}

pub async fn set(client: &Client, agent: &Value, status: &str) -> Answer {
    let path = format!("{}/status", at("/api/v1/agents", agent));
    client.send(client.request(Method::PUT, &path).json(&json!({ "status": status }))).await
}

#[tokio::test]
async fn a_call_rings_is_answered_ends_and_is_told_at_each_step() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let lead = lead(admin).await;
    let mut socket = Socket::open(admin, None).await;
    let call = json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]});
    let path = begun(admin, &call).await;
    let new = admin.get(&path).await.expect(200);
    assert_eq!((&new["status"], &new["number"]), (&json!("queued"), &json!(NUMBER)));
    assert_eq!((&new["agent_id"], &new["team_id"], &new["lead_id"]), (&agents[0], &team, &lead));

    step(admin, &path, "ring", &json!({})).await.expect(200);
    assert_eq!(status_of(admin, &agents[0]).await, "available");
    step(admin, &path, "answer", &json!({})).await.expect(200);
    assert_eq!(status_of(admin, &agents[0]).await, "on_call");
    assert_eq!(set(admin, &agents[0], "break").await.problem(409), "agent-in-call");
    app.advance(TimeDelta::seconds(60)).await;
    let end = json!({
        "outcome": "interested", "satisfaction": 5, "notes": "calls back\nafter five",
        "recording": "https://pbx.example.com/r/1", "value_cents": 990,
    });
    let over = step(admin, &path, "end", &end).await.expect(200);
    assert_eq!(over["status"], "ended");
    assert!(over["talk_s"].as_i64().is_some_and(|seconds| seconds >= 60), "{over}");
    for field in ["outcome", "satisfaction", "notes", "recording", "value_cents"] {
        assert_eq!(over[field], end[field], "{field}");
    }
    assert_eq!(status_of(admin, &agents[0]).await, "available", "the team gives no time for a wrap-up");

    let told = socket.until("call.completed").await;
    let last = told.last().expect("an event").clone();
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| kind.starts_with("switchboard.call.")).collect();
    let steps = ["queued", "ringing", "answered", "ended", "completed"];
    assert_eq!(kinds, steps.map(|step| format!("switchboard.call.{step}.v1")));
    assert_eq!(last["data"]["talk_s"], over["talk_s"]);
    assert_eq!((&last["data"]["outcome"], &last["data"]["agent_id"]), (&json!("interested"), &agents[0]));
    assert!(!last.to_string().contains("4155550100"), "no personal data in events");

    ended(admin, "score_lead", 1).await;
    let scores = admin.get(&format!("{}/scores", at("/api/v1/leads", &lead))).await.expect(200);
    assert_eq!(scores[0]["why"], "called");
    app.process.stop().await;
}

#[tokio::test]
async fn a_wrap_up_follows_where_the_team_gives_time_and_a_sale_closes_the_lead() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    admin.patch(&at("/api/v1/teams", &team), &json!({"wrap_up_s": 60})).await.expect(200);
    let lead = lead(admin).await;
    let call = json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]});
    let path = begun(admin, &call).await;
    step(admin, &path, "answer", &json!({})).await.expect(200);
    step(admin, &path, "end", &json!({})).await.expect(200);
    assert_eq!(status_of(admin, &agents[0]).await, "wrap_up");
    let sold = json!({"outcome": "converted", "value_cents": 5000});
    let disposed = step(admin, &path, "disposition", &sold).await.expect(200);
    assert_eq!((&disposed["outcome"], &disposed["value_cents"]), (&json!("converted"), &json!(5000)));
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.expect(200)["status"], "converted");
    // As by hand: it stands in the timeline, and the score is looked at again.
    let shown = timeline(admin, &lead).await;
    assert_eq!((&shown[0]["kind"], &shown[0]["status"]), (&json!("status"), &json!("converted")));
    ended(admin, "score_lead", 2).await;
    let mut socket = Socket::open(admin, None).await;
    app.advance(TimeDelta::seconds(61)).await;
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"]["why"], "wrap_up_over");
    // A closed lead is not matched by its number any more.
    let incoming = json!({"direction": "inbound", "number": NUMBER, "team_id": team});
    let path = begun(admin, &incoming).await;
    assert_eq!(admin.get(&path).await.expect(200)["lead_id"], Value::Null);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_no_step_of_a_call_is_refused() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let outgoing = json!({"direction": "outbound", "number": NUMBER, "agent_id": agents[0]});
    let said = json!({"outcome": "other"});
    let path = begun(admin, &outgoing).await;
    assert_eq!(step(admin, &path, "disposition", &said).await.problem(409), "call-state");
    step(admin, &path, "ring", &json!({})).await.expect(200);
    assert_eq!(step(admin, &path, "ring", &json!({})).await.problem(409), "call-state");
    step(admin, &path, "answer", &json!({})).await.expect(200);
    for again in ["ring", "answer", "disposition"] {
        let body = if again == "disposition" { said.clone() } else { json!({}) };
        assert_eq!(step(admin, &path, again, &body).await.problem(409), "call-state", "{again}");
    }
    step(admin, &path, "end", &json!({})).await.expect(200);
    for again in ["ring", "answer", "end"] {
        assert_eq!(step(admin, &path, again, &json!({})).await.problem(409), "call-state", "{again}");
    }
    step(admin, &path, "disposition", &said).await.expect(200);
    assert_eq!(step(admin, &path, "disposition", &said).await.problem(409), "call-disposed");

    // What nobody answers is missed, and what never rang is abandoned.
    let missed = begun(admin, &outgoing).await;
    step(admin, &missed, "ring", &json!({})).await.expect(200);
    assert_eq!(step(admin, &missed, "end", &json!({})).await.expect(200)["status"], "missed");
    let abandoned = begun(admin, &outgoing).await;
    assert_eq!(step(admin, &abandoned, "end", &json!({})).await.expect(200)["status"], "abandoned");

    for (body, pointer) in [
        (json!({"direction": "outbound"}), "/number"),
        (json!({"direction": "outbound", "number": "415"}), "/number"),
        (json!({"direction": "inbound", "number": NUMBER, "agent_id": agents[0]}), "/agent_id"),
    ] {
        let refused = admin.post(CALLS, &body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(refused.problem(422), "invalid");
    }
    let path = begun(admin, &outgoing).await;
    for wrong in [
        json!({"satisfaction": 0}),
        json!({"satisfaction": 6}),
        json!({"recording": "http://pbx.example.com"}),
        json!({"value_cents": 5}),
        json!({"outcome": "won"}),
    ] {
        assert_eq!(step(admin, &path, "end", &wrong).await.problem(422), "invalid", "{wrong}");
    }
    set(admin, &agents[1], "break").await.expect(200);
    let busy = step(admin, &path, "ring", &json!({"agent_id": agents[1]})).await;
    assert_eq!(busy.problem(409), "agent-not-free");
    let changed = admin.patch(&path, &json!({"satisfaction": 3, "version": 1})).await.expect(200);
    assert_eq!(changed["satisfaction"], 3);
    assert_eq!(
        admin.patch(&path, &json!({"notes": "x", "version": 1})).await.problem(409),
        "version-changed"
    );
    app.process.stop().await;
}

#[tokio::test]
async fn an_incoming_call_comes_to_the_owner_of_its_lead_and_to_nobody_else() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 3, 10).await;
    let lead = lead(admin).await;
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[1]});
    admin.post("/api/v1/automation/leads/route", &direct).await.expect(200);
    let (own, colleague) = (person(&app, &agents[1]).await, person(&app, &agents[0]).await);
    let mut socket = Socket::open(&own, None).await;
    let path = begun(admin, &json!({"direction": "inbound", "number": NUMBER})).await;
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!((&told["data"]["agent_id"], &told["data"]["lead_id"]), (&agents[1], &lead));
    assert_eq!(own.get(&path).await.expect(200)["number"], NUMBER);
    assert_eq!(own.all(CALLS).await.len(), 1);
    assert_eq!(colleague.get(&path).await.problem(404), "not-found");
    assert!(colleague.all(CALLS).await.is_empty());
    assert_eq!(step(&colleague, &path, "answer", &json!({})).await.problem(404), "not-found");
    step(&own, &path, "answer", &json!({})).await.expect(200);
    assert_eq!(status_of(admin, &agents[1]).await, "on_call");

    // The owner is in a call: the lead's team takes the next one.
    let next = begun(admin, &json!({"direction": "inbound", "number": NUMBER})).await;
    let next = admin.get(&next).await.expect(200);
    assert_eq!(next["status"], "ringing");
    assert!([&agents[0], &agents[2]].contains(&&next["agent_id"]), "{next}");
    // The owner sees it all the same: it is about their lead.
    assert_eq!(own.all(CALLS).await.len(), 2);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_personal_about_a_call_is_masked_and_not_to_be_searched_for() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = begun(admin, &json!({"direction": "outbound", "number": NUMBER})).await;
    admin.patch(&path, &json!({"notes": "n", "recording": "https://pbx.example.com"})).await.expect(200);
    let key = json!({"name": "k", "permissions": ["calls:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    let masked = key.get(&path).await.expect(200);
    assert_eq!(masked["number"], "•••00");
    assert_eq!((&masked["notes"], &masked["recording"]), (&Value::Null, &Value::Null));
    let by_number = format!("{CALLS}?number=%2B14155550100");
    assert_eq!(key.get(&by_number).await.problem(403), "permission-missing");
    assert_eq!(admin.all(&by_number).await.len(), 1);
    assert!(admin.all(&format!("{CALLS}?number=%2B4930901820")).await.is_empty());
    assert!(admin.all(&format!("{CALLS}?status=ended")).await.is_empty());
    assert_eq!(admin.all(&format!("{CALLS}?to=2100-01-01T00:00:00Z")).await.len(), 1);
    assert!(admin.all(&format!("{CALLS}?from=2100-01-01T00:00:00Z")).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_word_with_the_lead_is_the_reply_that_a_workflow_waits_for() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let lead = lead(admin).await;
    let run = onboarding(admin, &lead, &team).await;
    let call = json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]});
    let path = begun(admin, &call).await;
    step(admin, &path, "answer", &json!({})).await.expect(200);
    step(admin, &path, "end", &json!({})).await.expect(200);
    let reply = reply(admin, &run, |reply| reply["outcome"] == "signalled").await;
    assert_eq!(at(CALLS, &reply["output"]["call_id"]), path);
    app.process.stop().await;
}

/// Begins to onboard a lead, until its reply is waited for; answers where the run is.
pub async fn onboarding(client: &Client, lead: &Value, team: &Value) -> String {
    let message = sandbox(client).await;
    let run = json!({
        "lead_id": lead, "strategy": "round_robin", "team_id": team, "provider_id": message["provider_id"],
        "welcome_template_id": message["template_id"], "follow_up_template_id": message["template_id"],
    });
    let accepted = client.post("/api/v1/workflows", &json!({"workflow": "onboard_lead", "input": run})).await;
    let run = accepted.location().expect("a Location").to_owned();
    let _ = accepted.expect(202);
    reply(client, &run, |reply| reply["state"] == "sleeping").await;
    run
}

/// Looks again and again at how a run waits for a reply.
pub async fn reply(client: &Client, run: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let seen = client.get(run).await.expect(200);
        let steps = seen["steps"].as_array().cloned().unwrap_or_default();
        if let Some(step) = steps.into_iter().find(|step| step["name"] == "reply" && holds(step)) {
            return step;
        }
        assert!(Instant::now() < until, "it stays {seen:#}");
        sleep(Duration::from_millis(20)).await;
    }
}
