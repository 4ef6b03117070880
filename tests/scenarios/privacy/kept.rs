//! What is done with people's data besides erasing it: restricted, corrected, kept for so long.

use domain::privacy::retention::apply;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use crate::{
    calls::{at, begun, step},
    gates::{becomes, send},
    message::sandbox,
    privacy::erasure::{DELETION, HOLDS, comes_to},
    rights::admitted,
    routing::team,
};

const RESTRICTION: &str = "/api/v1/compliance/gdpr/restriction";
const RECTIFICATION: &str = "/api/v1/compliance/gdpr/rectification";
const RETENTION: &str = "/api/v1/compliance/retention";
const SCORE: &str = "/api/v1/automation/leads/score";
const ROUTE: &str = "/api/v1/automation/leads/route";

#[tokio::test]
async fn whoever_is_restricted_is_read_and_nothing_else_is_done_with_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, _) = team(admin, "sales", 1, 10).await;
    let lead = json!({"name": "Ada", "email": "ada@example.com"});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let path = at("/api/v1/leads", &lead);
    let set = json!({"lead_id": lead, "reason": "says the address is wrong"});
    let set = admin.post(RESTRICTION, &set).await.expect(201);
    let seen = admin.get(&path).await.expect(200);
    assert_eq!(seen["name"], "Ada");
    assert!(seen["restricted_at"].is_string());

    let mut message = sandbox(admin).await;
    let bare = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(bare["error_code"], "restricted", "by the bare address too");
    message["lead_id"] = lead.clone();
    message["to"] = Value::Null;
    let held = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(held["error_code"], "restricted");
    let score = json!({ "lead_id": lead });
    assert_eq!(admin.post(SCORE, &score).await.problem(409), "lead-restricted");
    let route = json!({"lead_id": lead, "strategy": "round_robin", "team_id": team});
    assert_eq!(admin.post(ROUTE, &route).await.problem(409), "lead-restricted");
    admin.post("/api/v1/leads", &json!({"email": "eve@example.com"})).await.expect(201);
    let file = admin.request(Method::GET, "/api/v1/leads/export?format=ndjson").send().await.expect("a file");
    let file = file.text().await.expect("text");
    assert!(file.contains("eve@example.com") && !file.contains("ada@example.com"), "{file}");

    let lift = format!("{}/lift", at(RESTRICTION, &set["id"]));
    admin.post(&lift, &json!({"reason": "corrected, and told them"})).await.expect(200);
    assert_eq!(admin.post(&lift, &json!({"reason": "again"})).await.problem(409), "restriction-lifted");
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    admin.post(SCORE, &score).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_corrected_told_and_written_down_without_its_values() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead =
        admin.post("/api/v1/leads", &json!({"email": "ada@example.com"})).await.expect(201)["id"].clone();
    let mut socket = Socket::open(admin, Some(0)).await;
    let wish = json!({"lead_id": lead, "change": {"name": "Ada Kestrel"}, "reason": "asked by e-mail"});
    let made = admin.post(RECTIFICATION, &wish).await.expect(201);
    assert_eq!(made["fields"], json!(["name"]));
    let told = socket.until("lead.rectified").await.pop().expect("an event");
    assert_eq!(told["data"]["fields"], json!(["name"]));
    assert!(!told.to_string().contains("Kestrel"), "{told}");
    assert_eq!(admin.get(&at("/api/v1/leads", &lead)).await.expect(200)["name"], "Ada Kestrel");
    let nothing = json!({"lead_id": lead, "change": {}, "reason": "none"});
    assert_eq!(admin.post(RECTIFICATION, &nothing).await.problem(422), "invalid");
    assert_eq!(admin.all(RECTIFICATION).await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_too_old_goes_unless_it_is_held() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let mut leads = Vec::new();
    for at in 0..2 {
        let lead = json!({"name": "Ada", "email": format!("l{at}@example.com"), "phone": format!("+1415555010{at}")});
        leads.push(admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone());
    }
    for lead in &leads {
        let call = json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]});
        let call = begun(admin, &call).await;
        step(admin, &call, "answer", &json!({})).await.expect(200);
        step(admin, &call, "end", &json!({"notes": "an old story"})).await.expect(200);
        let closed = json!({"status": "lost"});
        admin.patch(&at("/api/v1/leads", lead), &closed).await.expect(200);
    }
    let hold = json!({"lead_id": leads[1], "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    admin.post(HOLDS, &hold).await.expect(201);
    app.database.advance(40.0 * 86_400.0).await;
    let rules = json!({
        "cool_off_days": 3, "closed_leads_days": 30, "messages_days": 30, "calls_days": 30, "notes_days": 30,
    });
    let would = admin.post(&format!("{RETENTION}/preview"), &rules).await.expect(200);
    assert_eq!((&would["closed_leads"], &would["calls"]), (&json!(1), &json!(1)), "{would}");
    assert!(would["held"].as_i64() >= Some(2), "{would}");
    let bad = json!({"cool_off_days": 99, "closed_leads_days": 1, "messages_days": null, "calls_days": null, "notes_days": null});
    let refused = admin.send(admin.request(Method::PUT, RETENTION).json(&bad)).await;
    assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(2));
    admin.send(admin.request(Method::PUT, RETENTION).json(&rules)).await.expect(200);
    assert_eq!(admin.get(RETENTION).await.expect(200)["rules"], rules, "what is read can be put again");
    let ctx = admitted(&app, admin).await;
    while apply::some(&ctx).await.expect("applied") > 0 {}
    let begun = admin.all(DELETION).await.pop().expect("one is erased");
    let done = comes_to(admin, &begun, "done").await;
    assert_eq!((&done["cause"], &done["lead_id"]), (&json!("retention"), &leads[0]));
    assert_eq!(admin.get(&at("/api/v1/leads", &leads[0])).await.problem(404), "not-found");
    assert_eq!(admin.get(&at("/api/v1/leads", &leads[1])).await.expect(200)["name"], "Ada", "held");
    let calls = admin.all("/api/v1/calls").await;
    let noted = calls.iter().filter(|call| call["notes"] == "an old story").count();
    assert_eq!(noted, 1, "of the one who is held: {calls:#?}");
    app.process.stop().await;
}
