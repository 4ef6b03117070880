//! Whoever is erased is so under all names, and where others have kept something of them.

use fakes::twilio;
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::TestApp;
use uuid::Uuid;

use super::{MAIL, PHONE, ask, at_once, comes_to, found};
use crate::{
    calls::at,
    gates::{becomes, send},
    message::sandbox,
};

/// How many keys of these people are there.
async fn keys(system: &mut PgConnection, people: &[&Value]) -> i64 {
    let people: Vec<Uuid> =
        people.iter().map(|id| id.as_str().expect("an id").parse().expect("an id")).collect();
    sqlx::query_scalar("select count(*) from subject_keys where subject_id = any($1) and wrapped is not null")
        .bind(people)
        .fetch_one(system)
        .await
        .expect("keys")
}

#[tokio::test]
async fn whoever_was_merged_goes_with_all_their_names() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let one = admin.post("/api/v1/leads", &json!({"name": "Kestrelina", "email": MAIL})).await.expect(201);
    let mut message = sandbox(admin).await;
    message["lead_id"] = one["id"].clone();
    message["to"] = Value::Null;
    message["variables"] = json!({"name": "Kestrelina"});
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let two = admin.post("/api/v1/leads", &json!({"name": "Kestrelina", "phone": PHONE})).await.expect(201);
    let merge = json!({"loser_id": one["id"]});
    admin.post(&format!("{}/merge", at("/api/v1/leads", &two["id"])), &merge).await.expect(200);
    // Asked for by the name that is gone.
    let asked = ask(admin, &one["id"]).await;
    assert_eq!((&asked["lead_id"], &asked["subject_id"]), (&one["id"], &two["id"]));
    comes_to(admin, &asked, "done").await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let hits = found::in_tables(&mut system, &found::needles()).await;
    assert!(hits.is_empty(), "{hits:#?}");
    assert_eq!(keys(&mut system, &[&one["id"], &two["id"]]).await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_was_merged_and_never_written_to_or_called_loses_their_key_as_well() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = async |fields: Value| admin.post("/api/v1/leads", &fields).await.expect(201)["id"].clone();
    let goes = lead(json!({"name": "Kestrelina", "email": MAIL})).await;
    let note = json!({"kind": "note", "note": "canary-says-hello"});
    admin.post(&format!("{}/activities", at("/api/v1/leads", &goes)), &note).await.expect(201);
    let stays = lead(json!({"name": "Kestrelina", "phone": PHONE})).await;
    let merge = json!({ "loser_id": goes });
    admin.post(&format!("{}/merge", at("/api/v1/leads", &stays)), &merge).await.expect(200);
    let mut system = app.database.connect_as("switchboard_system").await;
    assert_eq!(keys(&mut system, &[&goes]).await, 1, "what was sealed under the other name is opened by it");
    let asked = ask(admin, &stays).await;
    comes_to(admin, &asked, "done").await;
    assert_eq!(keys(&mut system, &[&goes, &stays]).await, 0);
    let hits = found::in_tables(&mut system, &found::needles()).await;
    assert!(hits.is_empty(), "{hits:#?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_provider_that_can_be_told_deletes_what_it_has() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let account = json!({
        "name": "sms", "kind": "twilio", "channel": "sms", "credentials": {
            "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": "+14155550100",
            "base_url": fake.url(),
        },
    });
    let account = admin.post("/api/v1/communication/providers", &account).await.expect(201);
    let template = json!({"name": "hello", "channel": "sms", "text": "Dear {{name}}"});
    let template = admin.post("/api/v1/communication/templates", &template).await.expect(201);
    let lead = admin.post("/api/v1/leads", &json!({"phone": PHONE})).await.expect(201)["id"].clone();
    let message = |to: &str| json!({"provider_id": account["id"], "template_id": template["id"], "to": to, "variables": {"name": "Ada"}});
    becomes(admin, &send(admin, &message(PHONE)).await, "message.sent").await;
    becomes(admin, &send(admin, &message("+14155550138")).await, "message.sent").await;
    let theirs =
        fake.ledger().entries().iter().find(|one| one.to == PHONE).map(|one| one.provider_message_id.clone());
    let erasure = ask(admin, &lead).await;
    comes_to(admin, &erasure, "done").await;
    assert_eq!(fake.deleted(), [theirs.expect("it was sent")], "theirs, and nobody else's");
    app.process.stop().await;
}
