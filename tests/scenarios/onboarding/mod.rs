//! The workflow `onboard_lead` over the API: what a manager starts, sees and steers.

mod changes;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::routing;

/// A team, an account and two templates, and what starts the workflow for a lead.
pub struct Desk {
    input: Value,
}

impl Desk {
    pub async fn set_up(client: &Client) -> Self {
        let (team, _) = routing::team(client, "sales", 2, 100).await;
        let provider = json!({"name": "sandbox", "kind": "sandbox"});
        let provider = client.post("/api/v1/communication/providers", &provider).await.expect(201);
        let mut templates = Vec::new();
        for name in ["welcome", "follow-up"] {
            let template = json!({
                "name": name, "channel": "email", "subject": format!("{name}, {{{{name}}}}"),
                "text": "About your {{attributes.plan}}",
            });
            templates.push(
                client.post("/api/v1/communication/templates", &template).await.expect(201)["id"].clone(),
            );
        }
        let input = json!({
            "strategy": "round_robin", "team_id": team, "provider_id": provider["id"],
            "welcome_template_id": templates[0], "follow_up_template_id": templates[1],
        });
        Self { input }
    }

    pub fn start_of(&self, lead: &Value) -> Value {
        let mut input = self.input.clone();
        input["lead_id"] = lead.clone();
        json!({"workflow": "onboard_lead", "input": input})
    }

    /// A new lead's run, as far as its wait for a reply.
    pub async fn waiting(&self, client: &Client) -> (Value, String) {
        let lead = lead(client).await;
        let path = started(client, &self.start_of(&lead)).await;
        until(client, &path, |run| step(run, "reply")["state"] == "sleeping").await;
        (lead, path)
    }
}

async fn lead(client: &Client) -> Value {
    let lead = json!({"name": "Ada", "email": "ada@example.com", "attributes": {"plan": "team"}});
    client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
}

pub async fn started(client: &Client, start: &Value) -> String {
    let accepted = client.post("/api/v1/workflows", start).await;
    let path = accepted.location().expect("a Location").to_owned();
    let _ = accepted.expect(202);
    path
}

/// Looks at a run again and again.
pub async fn until(client: &Client, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let reached = async {
        loop {
            last = client.get(path).await.expect(200);
            if holds(&last) {
                return last.clone();
            }
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
    reached.unwrap_or_else(|_| panic!("it stays {last:#}"))
}

pub fn step<'v>(run: &'v Value, name: &str) -> &'v Value {
    let steps = run["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["name"] == name).unwrap_or(&Value::Null)
}

pub fn states(run: &Value) -> Vec<String> {
    let text = |step: &Value| {
        let ended = step["outcome"].as_str().or(step["state"].as_str()).expect("a state");
        format!("{} {ended}", step["name"].as_str().expect("a name"))
    };
    run["steps"].as_array().expect("steps").iter().map(text).collect()
}

pub async fn subjects(client: &Client) -> Vec<String> {
    let sent = client.all("/api/v1/communication/sandbox/outbox").await;
    sent.iter().rev().map(|mail| mail["content"]["subject"].as_str().expect("a subject").to_owned()).collect()
}

#[tokio::test]
async fn a_lead_is_scored_routed_welcomed_and_written_to_again_if_it_stays_silent() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let mut socket = Socket::open(admin, None).await;
    let (lead, path) = desk.waiting(admin).await;

    let run = admin.get(&path).await.expect(200);
    assert_eq!((&run["workflow"], &run["state"]), (&json!("onboard_lead"), &json!("running")));
    assert_eq!(run["business_key"], format!("lead:{}", lead.as_str().expect("an id")));
    let graph: Vec<_> = run["steps"].as_array().expect("steps").iter().map(|step| &step["after"]).collect();
    assert_eq!(json!(graph), json!([[], ["score"], ["route"], ["welcome"], ["reply"]]));
    assert_eq!(step(&run, "follow_up")["only_if"], json!({"step": "reply", "ended": "timed_out"}));
    let reply = &step(&run, "reply")["waits_for"];
    assert_eq!((&reply["because"], &reply["signal"]), (&json!("signal"), &json!("lead_replied")));
    let follow_up = json!({"because": "steps", "steps": ["reply"]});
    assert_eq!(step(&run, "follow_up")["waits_for"], follow_up);
    let now = admin.get(&format!("/api/v1/leads/{}", lead.as_str().expect("an id"))).await.expect(200);
    assert_eq!(now["score"]["total"], step(&run, "score")["output"]["score"]);
    assert_eq!(now["owner_id"], step(&run, "route")["output"]["owner_id"]);
    assert_eq!(subjects(admin).await, ["welcome, Ada"]);
    let id = run["id"].as_str().expect("an id");
    let operation = admin.get(&format!("/api/v1/operations/{id}")).await.expect(200);
    assert_eq!(operation["status"], "running", "its first job has ended, the run has not");
    let job = step(&run, "welcome")["job_id"].as_str().expect("a job");
    let job = admin.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
    assert_eq!((&job["workflow_id"], &job["step"]), (&run["id"], &json!("welcome")));

    // The database's clock alone: the token stays good.
    app.database.advance(24.0 * 3600.0).await;
    let run = until(admin, &path, |run| run["state"] == "completed").await;
    let all =
        ["score completed", "route completed", "welcome completed", "reply timed_out", "follow_up completed"];
    assert_eq!(states(&run), all);
    assert_eq!(subjects(admin).await, ["welcome, Ada", "follow-up, Ada"]);
    let told = socket.until("workflow.completed").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("workflow:{id}"));
    assert_eq!(admin.get(&format!("/api/v1/operations/{id}")).await.expect(200)["status"], "succeeded");
    app.process.stop().await;
}

#[tokio::test]
async fn a_reply_ends_the_wait_and_nobody_is_written_to_again() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, path) = Desk::set_up(admin).await.waiting(admin).await;
    let signal = json!({"name": "lead_replied", "payload": {"message_id": "m-1"}});
    let signals = format!("{path}/signals");
    assert_eq!(admin.post(&signals, &json!({"name": "bell"})).await.problem(422), "invalid");
    assert_eq!(admin.post(&signals, &signal).await.expect(200), json!({"result": "taken"}));
    assert_eq!(admin.post(&signals, &signal).await.expect(200), json!({"result": "given_before"}));
    let run = until(admin, &path, |run| run["state"] == "completed").await;
    assert_eq!(states(&run)[3..], ["reply signalled", "follow_up skipped"]);
    assert_eq!(step(&run, "reply")["output"], signal["payload"]);
    assert_eq!(run["signals"][0]["payload"], signal["payload"]);
    assert_eq!(subjects(admin).await, ["welcome, Ada"]);
    assert_eq!(admin.post(&signals, &signal).await.expect(200), json!({"result": "given_before"}));
    app.process.stop().await;
}

#[tokio::test]
async fn one_run_at_a_time_is_for_a_lead_and_one_that_failed_goes_on_where_it_stood() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let lead = json!({"name": "Ada", "email": "ada@example.com", "attributes": {}});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let start = desk.start_of(&lead);
    let path = started(admin, &start).await;
    let run = until(admin, &path, |run| run["state"] == "failed").await;
    assert_eq!(run["failed_step"], "welcome", "nobody knows the plan that it is about");
    assert_eq!(step(&run, "welcome")["error_code"], "message_failed");
    assert_eq!(step(&run, "reply")["state"], "cancelled");
    let job = format!("/api/v1/jobs/{}/retry", step(&run, "welcome")["job_id"].as_str().expect("an id"));
    assert_eq!(admin.post(&job, &json!({})).await.problem(409), "job-state");

    let url = format!("/api/v1/leads/{}", lead.as_str().expect("an id"));
    admin.patch(&url, &json!({"attributes": {"plan": "team"}})).await.expect(200);
    let retry = format!("{path}/retry");
    assert_eq!(admin.post(&retry, &json!({"step": "nowhere"})).await.problem(422), "invalid");
    admin.post(&retry, &json!({"step": "welcome"})).await.expect(200);
    until(admin, &path, |run| step(run, "reply")["state"] == "sleeping").await;
    assert_eq!(admin.post(&retry, &json!({})).await.problem(409), "workflow-state");
    assert_eq!(admin.post("/api/v1/workflows", &start).await.problem(409), "workflow-running");

    let cancel = format!("{path}/cancel");
    assert_eq!(admin.post(&cancel, &json!({})).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.post(&cancel, &json!({})).await.problem(409), "workflow-state");
    let second = started(admin, &start).await;
    until(admin, &second, |run| step(run, "reply")["state"] == "sleeping").await;
    assert_eq!(admin.post(&retry, &json!({})).await.problem(409), "workflow-state", "the newer one goes on");
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_that_fails_fails_its_step_and_is_written_anew_if_that_is_named() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let lead = json!({"name": "Ada", "email": "ada@example.com", "attributes": {}});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let path = started(admin, &desk.start_of(&lead)).await;
    let run = until(admin, &path, |run| run["state"] == "failed").await;
    let welcome = step(&run, "welcome");
    assert_eq!((&run["failed_step"], &welcome["error_code"]), (&json!("welcome"), &json!("message_failed")));
    let message = welcome["output"]["message_id"].as_str().expect("the message is named");
    let message = admin.get(&format!("/api/v1/communication/messages/{message}")).await.expect(200);
    assert_eq!((&message["status"], &message["error_code"]), (&json!("failed"), &json!("template")));

    let url = format!("/api/v1/leads/{}", lead.as_str().expect("an id"));
    admin.patch(&url, &json!({"attributes": {"plan": "team"}})).await.expect(200);
    let again = || {
        let retry = admin.request(Method::POST, &format!("{path}/retry")).header("idempotency-key", "again");
        admin.send(retry.json(&json!({"step": "welcome"})))
    };
    again().await.expect(200);
    until(admin, &path, |run| step(run, "reply")["state"] == "sleeping").await;
    again().await.expect(200);
    assert_eq!(subjects(admin).await, ["welcome, Ada"]);

    let key = json!({"name": "k", "permissions": ["workflows:start", "workflows:cancel"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(key.post(&format!("{path}/cancel"), &json!({})).await.expect(200)["state"], "cancelled");
    assert_eq!(key.get(&path).await.problem(403), "permission-missing");
    app.process.stop().await;
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_with_its_field_and_who_may_not_is_told_so() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let lead = lead(admin).await;
    let with = |field: &str, value: Value| {
        let mut start = desk.start_of(&lead);
        start["input"][field] = value;
        start
    };
    let nobody = json!(uuid::Uuid::nil());
    for (start, pointer) in [
        (with("lead_id", nobody.clone()), "/input/lead_id"),
        (with("team_id", nobody.clone()), "/input/team_id"),
        (with("provider_id", nobody.clone()), "/input/provider_id"),
        (with("welcome_template_id", nobody.clone()), "/input/welcome_template_id"),
        (with("follow_up_template_id", nobody), "/input/follow_up_template_id"),
        (with("reply_within_hours", json!(0)), "/input/reply_within_hours"),
    ] {
        let refused = admin.post("/api/v1/workflows", &start).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.body);
        assert_eq!(refused.problem(422), "invalid");
    }
    let unknown = json!({"workflow": "sing", "input": {}});
    assert_eq!(admin.post("/api/v1/workflows", &unknown).await.problem(422), "invalid");
    assert_eq!(admin.get("/api/v1/workflows?state=odd").await.problem(422), "invalid");
    assert_eq!(admin.all("/api/v1/workflows").await, Vec::<Value>::new(), "nothing was half begun");

    let supervisor = app.user(&app.acme, "Supervisor").await;
    let refused = supervisor.post("/api/v1/workflows", &desk.start_of(&lead)).await;
    assert_eq!(refused.problem(403), "permission-missing");
    let key = json!({"name": "k", "permissions": ["workflows:start", "leads:score", "leads:route"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    let refused = key.post("/api/v1/workflows", &desk.start_of(&lead)).await;
    assert_eq!(refused.problem(403), "permission-missing", "its steps send messages");

    let once = |start: &Value| {
        admin.request(Method::POST, "/api/v1/workflows").header("idempotency-key", "one").json(start)
    };
    let start = desk.start_of(&lead);
    let (first, again) = (admin.send(once(&start)).await, admin.send(once(&start)).await);
    assert_eq!(first.location(), again.location());
    let _ = (first.expect(202), again.expect(202));
    let name = "/api/v1/workflows?workflow=onboard_lead";
    assert_eq!(admin.all(name).await.len(), 1);
    assert_eq!(supervisor.get(name).await.problem(403), "permission-missing");
    assert_eq!(admin.all("/api/v1/workflows?workflow=other").await.len(), 0);
    app.process.stop().await;
}
