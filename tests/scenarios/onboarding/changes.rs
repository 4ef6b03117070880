//! The workflow `onboard_lead` for a lead that cannot be written to, is merged, or goes.

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    onboarding::{Desk, started, states, step, subjects, until},
    routing::rules,
};

fn path(lead: &Value) -> String {
    format!("/api/v1/leads/{}", lead.as_str().expect("an id"))
}

fn uuid(id: &Value) -> uuid::Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

async fn lead(client: &Client, name: &str) -> Value {
    let lead = json!({"name": name, "email": format!("{name}@example.com"), "attributes": {"plan": "team"}});
    rules::lead(client, &lead).await
}

async fn merge(client: &Client, winner: &Value, loser: &Value) {
    client.post(&format!("{}/merge", path(winner)), &json!({ "loser_id": loser })).await.expect(200);
}

/// A run whose jobs do not begin before the queue is let go.
async fn held_back(client: &Client, desk: &Desk, lead: &Value) -> String {
    client.post("/api/v1/queues/automation/pause", &json!({})).await.expect(204);
    started(client, &desk.start_of(lead)).await
}

async fn let_go(client: &Client) {
    client.post("/api/v1/queues/automation/resume", &json!({})).await.expect(204);
}

#[tokio::test]
async fn whom_nobody_can_write_to_is_scored_and_routed_and_written_to_once_there_is_an_address() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let caller = json!({
        "name": "Ada", "email": null, "phone": "+49 30 23125 000", "attributes": {"plan": "team"},
    });
    let caller = rules::lead(admin, &caller).await;
    let run = started(admin, &desk.start_of(&caller)).await;
    let seen = until(admin, &run, |run| step(run, "reply")["state"] == "sleeping").await;
    assert_eq!(step(&seen, "welcome")["output"], json!({"skipped": "no_address"}));
    let now = admin.get(&path(&caller)).await.expect(200);
    assert_eq!(now["score"]["total"], step(&seen, "score")["output"]["score"]);
    assert!(now["owner_id"].is_string(), "somebody can call them");
    assert_eq!(now["owner_id"], step(&seen, "route")["output"]["owner_id"]);
    let messages = "/api/v1/communication/messages";
    assert_eq!(admin.all(messages).await, Vec::<Value>::new());

    admin.patch(&path(&caller), &json!({"email": "ada@example.com"})).await.expect(200);
    app.database.advance(24.0 * 3600.0).await;
    let seen = until(admin, &run, |run| run["state"] == "completed").await;
    assert_eq!(states(&seen)[2..], ["welcome completed", "reply timed_out", "follow_up completed"]);
    assert_eq!(admin.all(messages).await[0]["id"], step(&seen, "follow_up")["output"]["message_id"]);
    assert_eq!(subjects(admin).await, ["follow-up, Ada"]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_goes_on_with_what_its_lead_was_merged_into() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (ada, countess) = (lead(admin, "ada").await, lead(admin, "countess").await);
    let run = held_back(admin, &desk, &ada).await;
    merge(admin, &countess, &ada).await;
    let_go(admin).await;
    let seen = until(admin, &run, |run| step(run, "reply")["state"] == "sleeping").await;
    for name in ["score", "route", "welcome"] {
        assert_eq!(step(&seen, name)["output"]["lead_id"], countess, "{name}");
    }
    let now = admin.get(&path(&countess)).await.expect(200);
    assert_eq!(now["owner_id"], step(&seen, "route")["output"]["owner_id"]);
    assert_eq!(subjects(admin).await, ["welcome, countess"]);

    // Merged once more, and a word with the last of them is the reply.
    let queen = lead(admin, "queen").await;
    merge(admin, &queen, &countess).await;
    let call = json!({"direction": "outbound", "lead_id": queen, "number": "+14155550100", "agent_id": now["owner_id"]});
    let call = admin.post("/api/v1/calls", &call).await;
    let call = call.location().expect("a Location").to_owned();
    for name in ["answer", "end"] {
        admin.post(&format!("{call}/{name}"), &json!({})).await.expect(200);
    }
    let seen = until(admin, &run, |run| run["state"] == "completed").await;
    assert_eq!(states(&seen)[3..], ["reply signalled", "follow_up skipped"]);
    app.process.stop().await;
}

#[tokio::test]
async fn two_runs_become_one_with_their_leads() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (first, one) = desk.waiting(admin).await;
    let (second, two) = desk.waiting(admin).await;
    merge(admin, &first, &second).await;
    let seen = until(admin, &two, |run| run["state"] == "cancelled").await;
    assert_eq!(step(&seen, "reply")["state"], "cancelled");
    assert_eq!(admin.get(&one).await.expect(200)["state"], "running");
    app.database.advance(24.0 * 3600.0).await;
    until(admin, &one, |run| run["state"] == "completed").await;
    assert_eq!(subjects(admin).await, ["welcome, Ada", "welcome, Ada", "follow-up, Ada"]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_deleted_lead_is_not_onboarded_any_more() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    let (gone, run) = desk.waiting(admin).await;
    let (_, other) = desk.waiting(admin).await;
    admin.delete(&path(&gone)).await.expect(204);
    until(admin, &run, |run| run["state"] == "cancelled").await;
    assert_eq!(admin.get(&other).await.expect(200)["state"], "running");
    let logs = admin.all("/api/v1/compliance/audit-logs?resource=workflow").await;
    assert!(logs.iter().any(|entry| entry["action"] == "cancel" && entry["detail"]["lead_id"] == gone));

    // One that goes in another way than by the command: each step finds that there is nothing to be done.
    let lost = lead(admin, "lost").await;
    let run = held_back(admin, &desk, &lost).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query("delete from leads where id = $1")
        .bind(uuid(&lost))
        .execute(&mut system)
        .await
        .expect("it is gone");
    let_go(admin).await;
    let seen = until(admin, &run, |run| step(run, "reply")["state"] == "sleeping").await;
    for name in ["score", "route", "welcome"] {
        assert_eq!(step(&seen, name)["output"], json!({"skipped": "lead_gone"}), "{name}");
    }
    app.process.stop().await;
}
