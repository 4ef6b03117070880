//! Whose rows go with somebody who is erased, and whose stay: leads that are gone, bare numbers, what several people share.

use domain::{
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    calls::{at, begun, step},
    gates::{SUPPRESSIONS, becomes, send},
    message::sandbox,
    privacy::erasure::{DELETION, MAIL, PHONE, ask, at_once, certified, comes_to, counted, forgotten, text},
    rights::admitted,
    routing::rules::lead,
    routing::team,
};

const LEADS: &str = "/api/v1/leads";
const SHARED: &str = "left out: other leads have it, so rows by it alone stay";

/// How many keys there are by which messages can still be read, and how many messages still have something sealed.
async fn readable(app: &TestApp) -> (i64, i64) {
    let mut system = app.database.connect_as("switchboard_system").await;
    let found = sqlx::query_as(
        "select count(*) filter (where k.wrapped is not null), count(*) filter (where m.to_sealed <> '' or m.vars_sealed <> '')
           from messages m left join subject_keys k using (tenant_id, subject_id)",
    );
    found.fetch_one(&mut system).await.expect("messages")
}

/// Writes to a lead.
async fn write(client: &Client, lead: &Value) -> Value {
    let mut message = sandbox(client).await;
    message["lead_id"] = lead.clone();
    message["to"] = Value::Null;
    becomes(client, &send(client, &message).await, "message.sent").await;
    message
}

/// The address alone.
fn bare(message: &Value) -> Value {
    let mut message = message.clone();
    message["lead_id"] = Value::Null;
    message["to"] = json!(MAIL);
    message
}

#[tokio::test]
async fn whose_lead_was_deleted_by_hand_is_found_by_their_address() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let gone = lead(admin, &json!({"name": "Kestrelina", "email": MAIL})).await;
    write(admin, &gone).await;
    admin.delete(&at(LEADS, &gone)).await.expect(204);
    let refused = admin.post(DELETION, &json!({ "lead_id": gone })).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/lead_id", "{}", refused.body);
    assert_eq!(readable(&app).await, (1, 1), "what was written to them is there without the lead");
    let done = forgotten(admin, &json!({ "email": MAIL })).await;
    let said = certified(admin, &done).await;
    assert_eq!(counted(&said, "messages", "blanked"), 1, "{said:#}");
    assert!(counted(&said, "subject_keys", "destroyed") >= 1, "{said:#}");
    assert_eq!(readable(&app).await, (0, 0), "{said:#}");
    app.process.stop().await;
}

#[tokio::test]
async fn whose_lead_goes_while_they_ask_is_forgotten_all_the_same() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let going = lead(admin, &json!({"name": "Kestrelina", "email": MAIL})).await;
    let message = write(admin, &going).await;
    becomes(admin, &send(admin, &bare(&message)).await, "message.sent").await;
    let asked = admin.post(DELETION, &json!({ "lead_id": going })).await.expect(201);
    assert_eq!(admin.delete(&at(LEADS, &going)).await.problem(409), "erasure-open");
    // Whoever has the database can take it out nevertheless.
    let mut system = app.database.connect_as("switchboard_system").await;
    let taken = sqlx::query("delete from leads where tenant_id = $1 and id = $2::text::uuid");
    let taken = taken.bind(app.acme.id.0).bind(going.as_str()).execute(&mut system).await.expect("it goes");
    assert_eq!(taken.rows_affected(), 1);
    let identity = json!({"identity": "showed a passport"});
    admin.post(&format!("{}/identity", at(DELETION, &asked["id"])), &identity).await.expect(200);
    comes_to(admin, &asked, "done").await;
    let said = certified(admin, &asked).await;
    assert_eq!(
        counted(&said, "messages", "blanked"),
        2,
        "by the lead, and by the address that it had: {said:#}"
    );
    assert_eq!(readable(&app).await, (0, 0), "{said:#}");
    let kept = becomes(admin, &send(admin, &bare(&message)).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");
    app.process.stop().await;
}

#[tokio::test]
async fn who_is_known_by_a_number_alone_is_forgotten_and_the_certificate_says_what_there_was() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let call = begun(admin, &json!({"direction": "outbound", "number": PHONE, "agent_id": agents[0]})).await;
    step(admin, &call, "answer", &json!({})).await.expect(200);
    step(admin, &call, "end", &json!({"notes": "nobody knows them"})).await.expect(200);
    let message = text(admin, PHONE).await;
    becomes(admin, &send(admin, &message).await, "message.sent").await;
    let account = ProviderId(message["provider_id"].as_str().expect("an id").parse().expect("an id"));
    let account = Account { id: account, channel: Channel::Sms, credentials: Vec::new().into(), version: 1 };
    let wrote =
        Inbound { provider_message_id: "in-1".into(), from: PHONE.into(), body: "who is this".into() };
    take(&admitted(&app, admin).await, &account, wrote).await.expect("it is taken in");

    let done = forgotten(admin, &json!({ "phone": PHONE })).await;
    let said = certified(admin, &done).await;
    assert_eq!(said["lead_id"], Value::Null);
    for (what, deed, wanted) in [
        ("calls", "blanked", 1),
        ("messages", "blanked", 1),
        ("inbound_messages", "blanked", 1),
        ("sandbox_outbox", "deleted", 1),
        // Of text messages and of WhatsApp.
        ("suppressions", "kept", 2),
        ("leads", "deleted", 0),
        ("number", SHARED, 0),
    ] {
        assert_eq!(counted(&said, what, deed), wanted, "{what} {deed}: {said:#}");
    }
    assert!(counted(&said, "subject_keys", "destroyed") >= 3, "each row had a key of its own: {said:#}");
    let shown = admin.get(&call).await.expect(200);
    assert_eq!((&shown["number"], &shown["notes"]), (&Value::Null, &Value::Null), "{shown:#}");
    assert_eq!(readable(&app).await, (0, 0));
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_shared_address_alone_leads_to_stays_and_the_certificate_says_so() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let ada = lead(admin, &json!({"name": "Kestrelina", "email": MAIL})).await;
    let bob = lead(admin, &json!({"name": "Somebody Else", "email": MAIL})).await;
    let message = write(admin, &ada).await;
    let mut to_bob = message.clone();
    to_bob["lead_id"] = bob.clone();
    let (of_bob, of_nobody) = (send(admin, &to_bob).await, send(admin, &bare(&message)).await);
    becomes(admin, &of_bob, "message.sent").await;
    becomes(admin, &of_nobody, "message.sent").await;
    // Neither is it known whose it is who asks by it.
    let refused = admin.post(DELETION, &json!({ "email": MAIL })).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/email", "{}", refused.body);

    let erasure = ask(admin, &ada).await;
    comes_to(admin, &erasure, "done").await;
    let said = certified(admin, &erasure).await;
    for (what, deed, wanted) in [
        ("address", SHARED, 1),
        ("number", SHARED, 0),
        ("leads", "left: other leads with the same number or address", 1),
        ("leads", "deleted", 1),
        ("messages", "blanked", 1),
    ] {
        assert_eq!(counted(&said, what, deed), wanted, "{what} {deed}: {said:#}");
    }
    for (whose, id) in [("the other one's", &of_bob), ("nobody's", &of_nobody)] {
        let seen = admin.get(&format!("/api/v1/communication/messages/{id}")).await.expect(200);
        assert_eq!(seen["to"], MAIL, "{whose} is as it was: {seen:#}");
    }
    assert_eq!(admin.get(&at(LEADS, &bob)).await.expect(200)["email"], MAIL);
    assert!(!admin.all(&format!("{SUPPRESSIONS}?reason=erased")).await.is_empty());
    app.process.stop().await;
}
