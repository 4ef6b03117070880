//! Whoever is erased is so under all names, and where others have kept something of them.

use fakes::twilio;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{MAIL, PHONE, ask, at_once, comes_to, found};
use crate::{
    calls::at,
    gates::{becomes, send},
    message::sandbox,
};

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
    let live: i64 = sqlx::query_scalar(
        "select count(*) from subject_keys where subject_id in ($1::uuid, $2::uuid) and wrapped is not null",
    )
    .bind(one["id"].as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .bind(two["id"].as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .fetch_one(&mut system)
    .await
    .expect("keys");
    assert_eq!(live, 0);
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
