//! What comes late to an erasure, when its steps have gone by already.

use domain::{
    privacy::erasure::{begin, certificate, keys, rows, stop},
    types::ErasureId,
};
use fakes::{faults::Fault, twilio};
use serde_json::{Value, json};
use sqlx::Connection as _;
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, id};
use uuid::Uuid;

use super::{MAIL, PHONE, ask, at_once, certified, comes_to, counted};
use crate::{
    calls::at,
    gates::{becomes, send},
    rights::admitted,
};

#[tokio::test]
async fn no_key_is_made_late_by_a_rotation() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let asked = ask(admin, &lead).await;
    let erasure: ErasureId = id(&asked["id"]);
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, erasure).await.expect("begun");
    while stop::stop(&ctx, erasure).await.expect("stopped") != stop::Stopped::All {}
    let gone = i64::try_from(keys::destroy(&ctx, erasure).await.expect("destroyed")).expect("a few");
    assert!(gone > 0, "they had a key");
    while rows::page(&ctx, erasure).await.expect("a page") {}
    let mut system = app.database.connect_as("switchboard_system").await;
    let person: Uuid = id(&lead);
    let late = "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek, state)
                select tenant_id, subject_id, gen_random_uuid(), 'wrapped', kek, 'next'
                  from subject_keys where subject_id = $1";
    let refused = sqlx::query(late).bind(person).execute(&mut system).await.expect_err("they are erased");
    let refused = refused.into_database_error().expect("the database's word");
    assert_eq!(refused.code().as_deref(), Some("SB410"));

    assert_eq!(certificate::certify(&ctx, erasure).await.expect("looked"), certificate::Certified::Yes);
    let live: i64 =
        sqlx::query_scalar("select count(*) from subject_keys where subject_id = $1 and wrapped is not null")
            .bind(person)
            .fetch_one(&mut system)
            .await
            .expect("keys");
    assert_eq!(live, 0);
    let said = certified(admin, &asked).await;
    assert_eq!(counted(&said, "subject_keys", "destroyed"), gone, "{said:#}");
    app.process.stop().await;
}

/// Sends a message to the bare number by an account of the provider; answers what was sent.
async fn sent_by(client: &Client, fake: &twilio::Fake) -> Value {
    let account = json!({
        "name": "sms", "kind": "twilio", "channel": "sms", "credentials": {
            "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": "+14155550100",
            "base_url": fake.url(),
        },
    });
    let account = client.post("/api/v1/communication/providers", &account).await.expect(201);
    let template = json!({"name": "hello", "channel": "sms", "text": "Dear {{name}}"});
    let template = client.post("/api/v1/communication/templates", &template).await.expect(201);
    let message = json!({
        "provider_id": account["id"], "template_id": template["id"], "to": PHONE, "variables": {"name": "Ada"},
    });
    becomes(client, &send(client, &message).await, "message.sent").await;
    message
}

/// What the provider calls the messages to the number.
fn named(fake: &twilio::Fake) -> Vec<String> {
    let entries = fake.ledger().entries();
    let mut names: Vec<String> =
        entries.iter().filter(|one| one.to == PHONE).map(|one| one.provider_message_id.clone()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_provider_is_told_anew_of_what_is_found_to_be_theirs_after_the_rows_were_gone_through() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let lead = async |fields: Value| admin.post("/api/v1/leads", &fields).await.expect(201)["id"].clone();
    let goes = lead(json!({"name": "Kestrelina", "phone": PHONE})).await;
    let shares = lead(json!({"name": "Bob", "phone": PHONE})).await;
    let note = json!({"kind": "note", "note": "canary-says-hello"});
    admin.post(&format!("{}/activities", at("/api/v1/leads", &goes)), &note).await.expect(201);
    // As long as two have the number, nobody knows whose this is.
    sent_by(admin, &fake).await;

    // Somebody holds a row of theirs, so that the rows are not gone through yet.
    let mut holder = app.database.connect_as("switchboard_system").await;
    let mut held = holder.begin().await.expect("a transaction");
    let rows = sqlx::query("select from lead_activities where lead_id = $1 for update")
        .bind(id::<Uuid>(&goes))
        .execute(&mut *held)
        .await
        .expect("held");
    assert!(rows.rows_affected() > 0);
    let erasure = ask(admin, &goes).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let goes_on = "select exists (select from erasures where id = $1 and place is not null)";
    let begun = async {
        while !sqlx::query_scalar::<_, bool>(goes_on)
            .bind(id::<Uuid>(&erasure["id"]))
            .fetch_one(&mut system)
            .await
            .expect("an answer")
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), begun).await.expect("rows are gone through");
    assert!(fake.deleted().is_empty(), "it may be the other one's");
    admin.delete(&at("/api/v1/leads", &shares)).await.expect(204);
    held.rollback().await.expect("let go");

    comes_to(admin, &erasure, "done").await;
    assert_eq!((fake.deleted(), fake.deleted().len()), (named(&fake), 1));
    app.process.stop().await;
}

#[tokio::test]
async fn a_provider_is_told_of_what_is_found_to_be_theirs_as_their_keys_go() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let lead = async |fields: Value| admin.post("/api/v1/leads", &fields).await.expect(201)["id"].clone();
    let goes = lead(json!({"name": "Kestrelina", "phone": PHONE})).await;
    let shares = lead(json!({"name": "Bob", "phone": PHONE})).await;
    let mut message = sent_by(admin, &fake).await;
    message["lead_id"] = goes.clone();
    message["to"] = Value::Null;
    becomes(admin, &send(admin, &message).await, "message.sent").await;

    // The provider has no time for the one that is surely theirs, and is asked again in an hour.
    fake.faults().next_read(Fault::RateLimited { retry_after_s: 1 });
    let erasure = ask(admin, &goes).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let waits = "select exists (select from engine.jobs where tenant_id = $1 and attempt > 0
                    and run_at > engine.now() + interval '30 minutes')";
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(waits)
            .bind(app.acme.id.0)
            .fetch_one(&mut system)
            .await
            .expect("an answer")
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), asked).await.expect("it is asked again");
    assert!(fake.deleted().is_empty());
    admin.delete(&at("/api/v1/leads", &shares)).await.expect(204);
    app.database.advance(2.0 * 3600.0).await;

    comes_to(admin, &erasure, "done").await;
    assert_eq!((fake.deleted(), fake.deleted().len()), (named(&fake), 2));
    app.process.stop().await;
}
