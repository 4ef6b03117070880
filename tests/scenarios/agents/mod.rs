//! Agents: what they are doing, how they are changed and found, and how they go.

mod abilities;
mod audited;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, Socket, TestApp};
use tokio::time::{Duration, Instant, sleep};

use crate::routing::team;

pub const AGENTS: &str = "/api/v1/agents";
pub const TEAMS: &str = "/api/v1/teams";
const LEADS: &str = "/api/v1/leads";
const ROUTE: &str = "/api/v1/automation/leads/route";
const RULES: &str = "/api/v1/automation/routing-rules";
const QUEUES: &str = "/api/v1/automation/queues";
pub const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

pub async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PUT, path).json(body)).await
}

pub fn at(prefix: &str, id: &Value) -> String {
    format!("{prefix}/{}", id.as_str().expect("an id"))
}

async fn set(client: &Client, agent: &Value, status: &str) -> Answer {
    put(client, &format!("{}/status", at(AGENTS, agent)), &json!({ "status": status })).await
}

/// Looks again and again until all jobs of a kind have ended, and there are so many.
pub async fn ended(client: &Client, kind: &str, count: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let jobs = client.all(&format!("/api/v1/jobs?kind={kind}")).await;
        if jobs.len() == count && jobs.iter().all(|job| job["state"] == "completed") {
            return;
        }
        assert!(Instant::now() < until, "not {count} of {kind} have ended: {jobs:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A user with the role of an agent, linked to one.
pub async fn person(app: &TestApp, agent: &Value) -> Client {
    let admin = &app.acme.admin;
    let email = format!("p{}@acme.example.com", app.process.app.platform.chance.id());
    let user = json!({"name": "P", "email": email, "password": PASSWORD, "role": "Agent"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    admin.patch(&at(AGENTS, agent), &json!({"user_id": user["id"]})).await.expect(200);
    admin.anonymous().login("acme", &email, PASSWORD).await
}

pub fn pointer(answer: Answer) -> String {
    let pointer = answer.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.problem(422), "invalid");
    pointer
}

#[tokio::test]
async fn a_status_is_set_by_hand_and_told_but_calls_are_not() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let mut socket = Socket::open(admin, None).await;
    let before = admin.get(&at(AGENTS, &agents[0])).await.expect(200);
    assert_eq!((&before["is_free"], &before["on_shift"]), (&json!(true), &json!(true)));
    let resting = set(admin, &agents[0], "break").await.expect(200);
    assert_eq!((&resting["status"], &resting["is_free"]), (&json!("break"), &json!(false)));
    assert_ne!(resting["status_since"], before["status_since"]);
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"from": "available", "to": "break", "why": "by_hand"}));
    assert_eq!(told["subject"], format!("agent:{}", agents[0].as_str().expect("an id")));
    let again = set(admin, &agents[0], "break").await.expect(200);
    assert_eq!(again["version"], resting["version"], "what is there already changes nothing");
    let back = set(admin, &agents[0], "available").await.expect(200);
    assert_ne!(back["idle_since"], before["idle_since"]);

    assert_eq!(pointer(set(admin, &agents[0], "on_call").await), "/status");
    assert_eq!(pointer(set(admin, &agents[0], "asleep").await), "/status");
    assert_eq!(set(admin, &json!(NOBODY), "break").await.problem(404), "not-found");
    assert_eq!(set(&app.other.admin, &agents[0], "break").await.problem(404), "not-found");
    for status in ["on_call", "wrap_up"] {
        let new = json!({"name": "a", "capacity": 1, "status": status});
        assert_eq!(pointer(admin.post(AGENTS, &new).await), "/status");
    }
    // Agents say it of themselves, and of nobody else.
    let own = person(&app, &agents[0]).await;
    set(&own, &agents[0], "break").await.expect(200);
    assert_eq!(set(&own, &agents[1], "break").await.problem(403), "beyond-your-rights");
    app.process.stop().await;
}

#[tokio::test]
async fn a_wrap_up_ends_by_itself_unless_something_else_has_begun() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let endless = set(admin, &agents[0], "wrap_up").await.expect(200);
    assert_eq!(endless["wrap_up_until"], Value::Null, "the team says nothing");
    set(admin, &agents[0], "available").await.expect(200);
    admin.patch(&at(TEAMS, &team), &json!({"wrap_up_s": 60})).await.expect(200);

    let mut socket = Socket::open(admin, None).await;
    for agent in &agents {
        let writing = set(admin, agent, "wrap_up").await.expect(200);
        assert!(writing["wrap_up_until"].is_string(), "{writing}");
        socket.until("agent.status").await;
    }
    // The second one rests, and writes up once more: only the later end counts for them.
    set(admin, &agents[1], "break").await.expect(200);
    app.advance(TimeDelta::seconds(30)).await;
    set(admin, &agents[1], "wrap_up").await.expect(200);
    for _ in 0..2 {
        socket.until("agent.status").await;
    }
    app.advance(TimeDelta::seconds(31)).await;
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("agent:{}", agents[0].as_str().expect("an id")));
    assert_eq!(told["data"], json!({"from": "wrap_up", "to": "available", "why": "wrap_up_over"}));
    let ready = admin.get(&at(AGENTS, &agents[0])).await.expect(200);
    assert_eq!((&ready["status"], &ready["wrap_up_until"]), (&json!("available"), &Value::Null));
    assert_eq!(admin.get(&at(AGENTS, &agents[1])).await.expect(200)["status"], "wrap_up");
    app.advance(TimeDelta::seconds(30)).await;
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("agent:{}", agents[1].as_str().expect("an id")));
    ended(admin, "end_wrap_up", 3).await;
    assert_eq!(admin.get(&at(AGENTS, &agents[1])).await.expect(200)["status"], "available");
    app.process.stop().await;
}

#[tokio::test]
async fn agents_are_changed_and_found() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 2, 10).await;
    let (south, others) = team(admin, "south", 1, 10).await;
    let path = at(AGENTS, &agents[0]);
    let change = json!({"name": "Grace Hopper", "weight": 7, "zone": "Europe/Berlin", "capacity": 3});
    let changed = admin.patch(&path, &change).await.expect(200);
    for field in ["name", "weight", "zone", "capacity"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(admin.patch(&path, &json!({"zone": null})).await.expect(200)["zone"], Value::Null);
    for (wrong, place) in [
        (json!({"weight": 0}), "/weight"),
        (json!({"weight": 101}), "/weight"),
        (json!({"zone": "Mars/Olympus"}), "/zone"),
        (json!({"name": " "}), "/name"),
        (json!({"capacity": -1}), "/capacity"),
    ] {
        assert_eq!(pointer(admin.patch(&path, &wrong).await), place, "{wrong}");
    }
    let stale = json!({"weight": 2, "version": changed["version"]});
    assert_eq!(admin.patch(&path, &stale).await.problem(409), "version-changed");

    set(admin, &agents[1], "break").await.expect(200);
    let found = async |query: &str| {
        let mut ids: Vec<Value> =
            admin.all(&format!("{AGENTS}?{query}")).await.iter().map(|agent| agent["id"].clone()).collect();
        ids.sort_by_key(ToString::to_string);
        ids
    };
    let text = |id: &Value| id.as_str().expect("an id").to_owned();
    assert_eq!(found(&format!("team_id={}", text(&north))).await, agents);
    assert_eq!(found(&format!("team_id={}", text(&south))).await, others);
    assert_eq!(found("status=break").await, [agents[1].clone()]);
    assert!(found(&format!("team_id={}&status=break", text(&south))).await.is_empty());
    assert_eq!(admin.get(&format!("{AGENTS}?status=asleep")).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_goes_and_their_open_leads_go_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let path = at(AGENTS, &agents[0]);
    let mut leads = Vec::new();
    for number in 0..3 {
        let lead = json!({"email": format!("l{number}@example.com")});
        let lead = admin.post(LEADS, &lead).await.expect(201)["id"].clone();
        let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
        admin.post(ROUTE, &direct).await.expect(200);
        leads.push(lead);
    }
    admin.patch(&at(LEADS, &leads[2]), &json!({"status": "converted"})).await.expect(200);
    let own = person(&app, &agents[0]).await;
    assert_eq!(own.delete(&path).await.problem(403), "permission-missing");
    assert_eq!(app.other.admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.delete(&path).await.problem(409), "agent-has-leads");
    assert_eq!(admin.delete(&format!("{path}?requeue=false")).await.problem(409), "agent-has-leads");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "available", "a refusal changes nothing");

    let user = admin.get(&path).await.expect(200)["user_id"].clone();
    set(admin, &agents[1], "break").await.expect(200);
    admin.delete(&format!("{path}?requeue=true")).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    assert_eq!(admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.all(AGENTS).await.len(), 1);
    for (lead, owner) in [(0, &Value::Null), (1, &Value::Null), (2, &agents[0])] {
        let lead = admin.get(&at(LEADS, &leads[lead])).await.expect(200);
        assert_eq!((&lead["owner_id"], &lead["team_id"]), (owner, &team), "{lead}");
    }
    let direct = json!({"lead_id": leads[0], "strategy": "direct", "agent_id": agents[0]});
    assert_eq!(pointer(admin.post(ROUTE, &direct).await), "/agent_id");
    // They wait in the queue, and go to whoever comes back.
    let waiting = admin.all(&format!("{}/leads", at(QUEUES, &team))).await;
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|lead| leads[..2].contains(&lead["id"])), "{waiting:?}");
    let mut socket = Socket::open(admin, None).await;
    set(admin, &agents[1], "available").await.expect(200);
    for _ in 0..2 {
        let told = socket.until("lead.assigned").await.pop().expect("an event");
        assert_eq!(told["data"]["owner_id"], agents[1]);
    }
    assert!(own.all(LEADS).await.is_empty(), "they are no agent any more");
    // Their user may be another agent now.
    admin.patch(&at(AGENTS, &agents[1]), &json!({ "user_id": user })).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_whom_a_rule_names_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let path = at(AGENTS, &agents[0]);
    let lead = admin.post(LEADS, &json!({"email": "l@example.com"})).await.expect(201)["id"].clone();
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let rule = json!({"name": "r", "strategy": "direct", "agent_id": agents[0]});
    let made = admin.post(RULES, &rule).await.expect(201);
    assert_eq!(admin.delete(&format!("{path}?requeue=true")).await.problem(409), "agent-in-use");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "available", "a refusal changes nothing");
    assert_eq!(admin.get(&at(LEADS, &lead)).await.expect(200)["owner_id"], agents[0]);
    admin.patch(&at(LEADS, &lead), &json!({"status": "converted"})).await.expect(200);
    assert_eq!(admin.delete(&path).await.problem(409), "agent-in-use");
    admin.delete(&at(RULES, &made["id"])).await.expect(204);
    admin.delete(&path).await.expect(204);
    assert_eq!(pointer(admin.post(RULES, &rule).await), "/agent_id");
    app.process.stop().await;
}
