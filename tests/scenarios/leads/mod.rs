//! Leads, one by one; a file of them for other stories.

mod action_rights;
pub mod actions;
mod contacts;
mod deletes;
mod export;
mod filter;
mod imports;
mod ranks;
mod search;
mod sort;

use std::collections::HashSet;

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::{agents::person, routing::team};

pub async fn import(client: &Client, file: impl Into<reqwest::Body>) -> Answer {
    let request = client.request(Method::POST, "/api/v1/leads/imports").header("content-type", "text/csv");
    client.send(request.body(file)).await
}

#[tokio::test]
async fn a_lead_is_made_found_changed_and_deleted() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({
        "name": "Ada Lovelace", "phone": "+1 415 555 0100", "email": "Ada@Example.com", "source": "referral",
        "tags": ["vip"], "value_cents": 990_000, "attributes": {"job": "countess", "age": 36},
    });
    let made = admin.post("/api/v1/leads", &lead).await;
    let path = made.location().expect("a Location").to_owned();
    made.expect(201);
    let stored = admin.get(&path).await.expect(200);
    assert_eq!(stored["phone"], "+14155550100");
    assert_eq!(stored["attributes"], lead["attributes"]);
    for (query, found) in [
        ("email=ADA@example.com", 1),
        ("phone=%2B14155550100", 1),
        ("email=eve@example.com", 0),
        ("status=new&source=referral", 1),
        ("status=lost", 0),
    ] {
        assert_eq!(admin.all(&format!("/api/v1/leads?{query}")).await.len(), found, "{query}");
    }
    let changed = json!({"status": "qualified", "name": null, "version": 1});
    let changed = admin.patch(&path, &changed).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["version"]),
        (&Value::Null, &json!("qualified"), &json!(2))
    );
    assert_eq!(changed["email"], "Ada@example.com");
    let stale = admin.patch(&path, &json!({"status": "lost", "version": 1})).await;
    assert_eq!(stale.problem(409), "version-changed");
    let out_of_reach = admin.patch(&path, &json!({"phone": null, "email": null})).await;
    assert_eq!(out_of_reach.problem(422), "invalid");
    assert_eq!(app.user(&app.acme, "Agent").await.delete(&path).await.problem(403), "permission-missing");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");

    // Nothing personal lies plain in the database.
    let mut owner = app.database.connect_as("switchboard_system").await;
    admin.post("/api/v1/leads", &lead).await.expect(201);
    let plain: i64 = sqlx::query_scalar(
        "select count(*) from leads l where l::text ~* 'lovelace|4155550100|ada@|countess'
             or encode(name_sealed || email_sealed || phone_sealed || attributes_sealed, 'escape') ~* 'lovelace|415555|ada@|countess'",
    )
    .fetch_one(&mut owner)
    .await
    .expect("an answer");
    assert_eq!(plain, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn scores_hold_their_parts_and_their_model() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({"email": "a@example.com", "source": "referral", "status": "qualified"});
    let id = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let score = admin.post("/api/v1/automation/leads/score", &json!({"lead_id": id})).await.expect(200);
    assert_eq!((&score["source"], &score["status"], &score["model"]), (&json!(25), &json!(20), &json!(1)));
    let parts = ["source", "status", "engagement", "assignment"];
    let sum: i64 = parts.iter().map(|part| score[part].as_i64().expect("a part")).sum();
    assert_eq!(score["total"], sum);
    let file: String = (0..1200).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    let report = import(admin, file).await.expect(201);
    let mut socket = Socket::open(admin, Some(0)).await;
    let asked = json!({"import_id": report["id"]});
    let operation = admin.ended(admin.post("/api/v1/automation/leads/score", &asked).await).await;
    assert_eq!((&operation["status"], &operation["progress"]), (&json!("succeeded"), &json!(1.0)));
    assert_eq!(operation["result"]["scored"], 1200);
    let ended = Socket::open(admin, Some(0)).await.until("job.completed").await.pop().expect("an event");
    assert_eq!((&ended["data"]["job_id"], &ended["data"]["kind"]), (&operation["id"], &json!("score_leads")));
    let scored =
        admin.all(&format!("/api/v1/leads?import_id={}", report["id"].as_str().expect("an id"))).await;
    assert!(scored.iter().all(|lead| lead["score"]["total"].is_i64()));
    let mut told = HashSet::new();
    while told.len() < 1201 {
        let scored = socket.until("lead.scored").await.pop().expect("an event");
        assert!(told.insert(scored["subject"].to_string()), "each lead is told once");
    }
    for body in [json!({}), json!({"lead_id": id, "all": true})] {
        assert_eq!(admin.post("/api/v1/automation/leads/score", &body).await.problem(422), "invalid");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_opens_again_goes_to_nobody_who_cannot_have_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 2, 1).await;
    let at = |prefix: &str, id: &Value| format!("/api/v1/{prefix}/{}", id.as_str().expect("an id"));
    let status = async |client: &Client, lead: &Value, status: &str| {
        client.patch(&at("leads", lead), &json!({ "status": status })).await
    };
    let mut leads = Vec::new();
    for number in 0..2 {
        let lead = json!({"email": format!("l{number}@example.com")});
        leads.push(admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone());
    }
    let route = async |body: &Value| admin.post("/api/v1/automation/leads/route", body).await.expect(200);
    let direct = |lead: usize| json!({"lead_id": leads[lead], "strategy": "direct", "agent_id": agents[0]});
    admin.patch(&at("agents", &agents[1]), &json!({"status": "break"})).await.expect(200);
    let who = |lead: &Value| (lead["owner_id"].clone(), lead["team_id"].clone());

    // The owner keeps it while there is room.
    route(&direct(0)).await;
    status(admin, &leads[0], "converted").await.expect(200);
    let kept = status(admin, &leads[0], "proposal").await.expect(200);
    assert_eq!(who(&kept), (agents[0].clone(), north.clone()));
    assert!(kept["assigned_at"].is_string());

    // With full hands they do not: it waits, and whoever sees their own leads only cannot have it back so.
    status(admin, &leads[0], "converted").await.expect(200);
    route(&direct(1)).await;
    let own = person(&app, &agents[0]).await;
    assert_eq!(status(&own, &leads[0], "contacted").await.problem(403), "beyond-your-rights");
    assert_eq!(admin.get(&at("leads", &leads[0])).await.expect(200)["status"], "converted");
    let waits = status(admin, &leads[0], "contacted").await.expect(200);
    assert_eq!(who(&waits), (Value::Null, north.clone()));
    assert_eq!(waits["assigned_at"], Value::Null);
    let queue = format!("{}/leads", at("automation/queues", &north));
    let before = admin.all(&queue).await;
    assert_eq!((before.len(), &before[0]["id"]), (1, &leads[0]));

    // One that was closed in the queue waits anew.
    let skill = admin.post("/api/v1/skills", &json!({"name": "French"})).await.expect(201)["id"].clone();
    let french = json!({"lead_id": leads[0], "strategy": "skill", "team_id": north, "skill_id": skill});
    route(&french).await;
    status(admin, &leads[0], "lost").await.expect(200);
    app.advance(TimeDelta::seconds(5)).await;
    status(admin, &leads[0], "new").await.expect(200);
    let after = admin.all(&queue).await;
    assert!(after[0]["waiting_since"].as_str() > before[0]["waiting_since"].as_str(), "{after:?}");
    assert_eq!(after[0]["skill_id"], Value::Null);
    let mut socket = Socket::open(admin, None).await;
    admin.patch(&at("agents", &agents[1]), &json!({"status": "available"})).await.expect(200);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["data"]["owner_id"], agents[1]);

    // Nobody is left of those who had it.
    for lead in &leads[..2] {
        status(admin, lead, "lost").await.expect(200);
    }
    for agent in &agents {
        admin.delete(&at("agents", agent)).await.expect(204);
    }
    admin.delete(&at("teams", &north)).await.expect(204);
    let alone = status(admin, &leads[1], "new").await.expect(200);
    assert_eq!(who(&alone), (Value::Null, Value::Null));
    app.process.stop().await;
}
