//! What comes late to an erasure, when its steps have gone by already.

use std::time::Duration;

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
async fn a_key_that_was_on_its_way_as_the_others_went_goes_with_the_certificate() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let asked = ask(admin, &lead).await;
    let erasure: ErasureId = id(&asked["id"]);
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, erasure, None).await.expect("begun");
    while stop::stop(&ctx, erasure).await.expect("stopped") != stop::Stopped::All {}
    // Somebody makes one at that moment: it is not seen before they commit.
    let mut maker = app.database.connect_as("switchboard_system").await;
    let mut making = maker.begin().await.expect("a transaction");
    let person: Uuid = id(&lead);
    let late = "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek, state)
                select tenant_id, subject_id, gen_random_uuid(), 'wrapped', kek, 'next'
                  from subject_keys where subject_id = $1";
    let made = sqlx::query(late).bind(person).execute(&mut *making).await.expect("made");
    assert_eq!(made.rows_affected(), 1);
    let gone = i64::try_from(keys::destroy(&ctx, erasure).await.expect("destroyed")).expect("a few");
    assert!(gone > 0, "they had a key");
    while rows::page(&ctx, erasure).await.expect("a page") {}
    making.commit().await.expect("it commits");
    let mut system = app.database.connect_as("switchboard_system").await;
    let again = sqlx::query(late).bind(person).execute(&mut system).await.expect_err("they are erased");
    let again = again.into_database_error().expect("the database's word");
    assert_eq!(again.code().as_deref(), Some("SB410"), "whoever comes after that is refused");

    assert_eq!(certificate::certify(&ctx, erasure).await.expect("looked"), certificate::Certified::Yes);
    let live: i64 =
        sqlx::query_scalar("select count(*) from subject_keys where subject_id = $1 and wrapped is not null")
            .bind(person)
            .fetch_one(&mut system)
            .await
            .expect("keys");
    assert_eq!(live, 0);
    let said = certified(admin, &asked).await;
    assert_eq!(counted(&said, "subject_keys", "destroyed"), gone + 1, "the certificate counts it: {said:#}");
    app.process.stop().await;
}

/// Waits until a question about this id is answered with yes.
async fn is_so(app: &TestApp, question: &'static str, about: Uuid) {
    let mut system = app.database.connect_as("switchboard_system").await;
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(question)
            .bind(about)
            .fetch_one(&mut system)
            .await
            .expect("an answer")
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.expect(question);
}

/// Two leads who share the number, the one who is to be erased first.
async fn two_by_one_number(client: &Client) -> (Value, Value) {
    at_once(client).await;
    let lead = async |name| {
        let lead = json!({"name": name, "phone": PHONE});
        client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
    };
    (lead("Kestrelina").await, lead("Bob").await)
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
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let (goes, shares) = two_by_one_number(admin).await;
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
    let goes_on = "select exists (select from erasures where id = $1 and place is not null)";
    is_so(&app, goes_on, id(&erasure["id"])).await;
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
    let fake = twilio::Fake::start(twilio::Config::default()).await.expect("a fake");
    let (goes, shares) = two_by_one_number(admin).await;
    let mut message = sent_by(admin, &fake).await;
    message["lead_id"] = goes.clone();
    message["to"] = Value::Null;
    becomes(admin, &send(admin, &message).await, "message.sent").await;

    // The provider has no time for the one that is surely theirs, and is asked again in an hour.
    fake.faults().next_read(Fault::RateLimited { retry_after_s: 1 });
    let erasure = ask(admin, &goes).await;
    let waits = "select exists (select from engine.jobs where tenant_id = $1 and attempt > 0
                    and run_at > engine.now() + interval '30 minutes')";
    is_so(&app, waits, app.acme.id.0).await;
    assert!(fake.deleted().is_empty());
    admin.delete(&at("/api/v1/leads", &shares)).await.expect(204);
    app.database.advance(2.0 * 3600.0).await;

    comes_to(admin, &erasure, "done").await;
    assert_eq!((fake.deleted(), fake.deleted().len()), (named(&fake), 2));
    app.process.stop().await;
}
