//! How somebody asks to be forgotten, and what comes after.

use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{DELETION, HOLDS, MAIL, PHONE, ask, at_once, comes_to};
use crate::{
    calls::at,
    gates::{CONSENT, SUPPRESSIONS, becomes, send},
    leads::import,
    message::sandbox,
    onboarding::until,
};

#[tokio::test]
async fn whoever_comes_again_is_not_written_to_until_they_agree_anew() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"phone": PHONE, "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let erasure = ask(admin, &lead).await;
    comes_to(admin, &erasure, "done").await;
    let held = admin.all(&format!("{SUPPRESSIONS}?reason=erased")).await;
    assert!(!held.is_empty() && held.iter().all(|one| one["to"].is_null()), "{held:#?}");
    let refused = admin.delete(&at(SUPPRESSIONS, &held[0]["id"])).await;
    assert_eq!(refused.problem(409), "person-erased");

    let report = import(admin, format!("email,phone\n{MAIL},{PHONE}\n")).await.expect(201);
    assert_eq!(report["created"], 1, "{report}");
    let again = admin.all("/api/v1/leads").await.pop().expect("a lead")["id"].clone();
    let mut message = sandbox(admin).await;
    message["lead_id"] = again.clone();
    message["to"] = Value::Null;
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");

    let mut said = json!({
        "lead_id": again, "channel": "email", "purpose": "transactional", "granted": true, "source": "a form",
        "proof": "form 12",
    });
    let consent = admin.post(CONSENT, &said).await.expect(201);
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    message["purpose"] = json!("marketing");
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed", "they have agreed to hear of their own affairs only");
    said["purpose"] = json!("marketing");
    admin.post(CONSENT, &said).await.expect(201);
    becomes(admin, &send(admin, &message).await, "message.sent").await;

    let history = admin.all(&format!("{}/history", at(CONSENT, &consent["id"]))).await;
    assert_eq!(history.len(), 1);
    assert_eq!((&history[0]["proof"], &history[0]["taken"]), (&json!("form 12"), &json!(true)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_wish_waits_for_its_days_and_for_a_hold_and_can_be_taken_back_until_then() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = async || admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    // Nobody has said yet who asks.
    let first = lead().await;
    let asked = admin.post(DELETION, &json!({ "lead_id": first })).await.expect(201);
    assert_eq!(asked["state"], "identity");
    assert_eq!(admin.post(DELETION, &json!({ "lead_id": first })).await.problem(409), "erasure-open");
    let path = at(DELETION, &asked["id"]);
    assert_eq!(admin.get(&format!("{path}/certificate")).await.problem(409), "erasure-not-done");
    let identity = json!({"identity": "showed a passport"});
    let cooling = admin.post(&format!("{path}/identity"), &identity).await.expect(200);
    assert_eq!(cooling["state"], "cooling");
    assert_eq!(admin.post(&format!("{path}/identity"), &identity).await.problem(409), "erasure-identified");
    let withdrawn = admin.post(&format!("{path}/withdraw"), &json!({})).await.expect(200);
    assert_eq!(withdrawn["state"], "withdrawn");
    let day = 86_400.0;
    app.database.advance(4.0 * day).await;
    admin.get(&at("/api/v1/leads", &first)).await.expect(200);

    // Three days are over, and a hold stands.
    let second = lead().await;
    let hold = json!({"lead_id": second, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    let hold = admin.post(HOLDS, &hold).await.expect(201);
    assert_eq!(admin.delete(&at("/api/v1/leads", &second)).await.problem(409), "legal-hold");
    let asked = ask(admin, &second).await;
    assert_eq!(asked["held_by"][0]["law"], "GDPR Art. 17(3)(e)");
    // The days begin once a worker has taken the request up, which after a leap of the clock has other things to do, too.
    let rests = |run: &Value| run["steps"][0]["state"] == "sleeping";
    until(admin, &at("/api/v1/workflows", &asked["run_id"]), rests).await;
    app.database.advance(3.0 * day + 60.0).await;
    comes_to(admin, &asked, "held").await;
    admin.get(&at("/api/v1/leads", &second)).await.expect(200);
    let path = format!("{}/release", at(HOLDS, &hold["id"]));
    admin.post(&path, &json!({"reason": "settled"})).await.expect(200);
    assert_eq!(admin.post(&path, &json!({"reason": "settled"})).await.problem(409), "hold-released");
    let done = comes_to(admin, &asked, "done").await;
    assert_eq!(done["held_by"], json!([]));
    let refused = admin.post(&format!("{}/withdraw", at(DELETION, &asked["id"])), &json!({})).await;
    assert_eq!(refused.problem(409), "erasure-begun");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(DELETION, &json!({ "lead_id": first })).await.problem(403), "permission-missing");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_no_lead_is_forgotten_by_their_address() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let mut message = sandbox(admin).await;
    message["to"] = json!(MAIL);
    message["variables"] = json!({"name": "Kestrelina"});
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let wish = json!({"email": MAIL, "identity": "answered from the address"});
    let asked = admin.post(DELETION, &wish).await.expect(201);
    assert_eq!(asked["lead_id"], Value::Null);
    comes_to(admin, &asked, "done").await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let live: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys k join messages m using (tenant_id, subject_id) where k.wrapped is not null",
    )
    .fetch_one(&mut system)
    .await
    .expect("keys");
    assert_eq!(live, 0, "nobody can read what was sent");
    assert!(admin.all("/api/v1/communication/sandbox/outbox").await.is_empty());
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");
    // A number that a lead has is the lead's.
    let lead = json!({"email": "else@example.com"});
    admin.post("/api/v1/leads", &lead).await.expect(201);
    let refused = admin.post(DELETION, &lead).await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(admin.post(DELETION, &json!({})).await.problem(422), "invalid");
    app.process.stop().await;
}
