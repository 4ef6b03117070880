//! What happens while somebody is being erased, or is held.

use domain::{
    privacy::erasure::{begin, certificate, keys, rows, stop},
    types::ErasureId,
};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp, id};

use super::{HOLDS, MAIL, PHONE, ask, at_once, comes_to};
use crate::{
    calls::{at, begun, step},
    gates::{CONSENT, SUPPRESSIONS, becomes, send, to},
    message::sandbox,
    rights::admitted,
    routing::team,
};

/// A wish that is being carried out, and waits for a call that goes on: the wish, the lead and the call.
async fn speaks_meanwhile(client: &Client, lead: &Value) -> (Value, String) {
    at_once(client).await;
    let (_, agents) = team(client, "sales", 1, 10).await;
    let call = begun(client, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(client, &call, "answer", &json!({})).await.expect(200);
    let asked = ask(client, lead).await;
    (comes_to(client, &asked, "running").await, call)
}

async fn hangs_up(app: &TestApp, call: &str) {
    step(&app.acme.admin, call, "end", &json!({})).await.expect(200);
    app.database.advance(10.0).await;
}

#[tokio::test]
async fn who_is_being_erased_is_not_merged_away_and_a_hold_comes_too_late() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({"name": "Kestrelina", "phone": PHONE});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let other = admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    let (erasure, call) = speaks_meanwhile(admin, &lead).await;
    for (stays, goes) in [(&other, &lead), (&lead, &other)] {
        let path = format!("{}/merge", at("/api/v1/leads", stays));
        assert_eq!(admin.post(&path, &json!({ "loser_id": goes })).await.problem(409), "erasure-running");
    }
    let hold = json!({"lead_id": lead, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    assert_eq!(
        admin.post(HOLDS, &hold).await.problem(409),
        "erasure-running",
        "no hold is confirmed in vain"
    );
    hangs_up(&app, &call).await;
    comes_to(admin, &erasure, "done").await;
    admin.get(&at("/api/v1/leads", &other)).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_agreed_to_while_somebody_is_erased_brings_nothing_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = json!({"name": "Kestrelina", "phone": PHONE, "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let (erasure, call) = speaks_meanwhile(admin, &lead).await;
    let said = json!({
        "to": MAIL, "channel": "email", "purpose": "transactional", "granted": true, "source": "a form",
    });
    admin.post(CONSENT, &said).await.expect(201);
    let held = admin.all(&format!("{SUPPRESSIONS}?reason=erased")).await;
    let is_all = |one: &&Value| one["channel"] == "email" && one["scope"] == "all";
    assert_eq!(held.iter().filter(is_all).count(), 1, "{held:#?}");
    hangs_up(&app, &call).await;
    comes_to(admin, &erasure, "done").await;
    let message = to(&sandbox(admin).await, MAIL);
    let kept = becomes(admin, &send(admin, &message).await, "message.suppressed").await;
    assert_eq!(kept["error_code"], "suppressed");
    app.process.stop().await;
}

#[tokio::test]
async fn a_hold_goes_with_who_is_merged() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = async || admin.post("/api/v1/leads", &json!({"email": MAIL})).await.expect(201)["id"].clone();
    let (stays, goes) = (lead().await, lead().await);
    let hold = json!({"lead_id": goes, "reason": "claim 4711", "law": "GDPR Art. 17(3)(e)"});
    let hold = admin.post(HOLDS, &hold).await.expect(201);
    let path = format!("{}/merge", at("/api/v1/leads", &stays));
    admin.post(&path, &json!({ "loser_id": goes })).await.expect(200);
    assert_eq!(admin.get(&at(HOLDS, &hold["id"])).await.expect(200)["lead_id"], stays);
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_in_while_somebody_is_erased_goes_as_well() {
    let app = TestApp::with_roles("api,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "email": MAIL});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let mut message = sandbox(admin).await;
    message["to"] = json!(MAIL);
    message["variables"] = json!({"name": "Kestrelina"});
    let asked = ask(admin, &lead).await;
    let id = ErasureId(asked["id"].as_str().expect("an id").parse().expect("an id"));
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, id, None).await.expect("begun");
    while stop::stop(&ctx, id).await.expect("stopped") != stop::Stopped::All {}
    // One before the keys are destroyed, and one after.
    send(admin, &message).await;
    keys::destroy(&ctx, id).await.expect("destroyed");
    send(admin, &message).await;
    while rows::page(&ctx, id).await.expect("a page") {}
    // And one that the rows are not gone through for any more.
    send(admin, &message).await;
    assert_eq!(certificate::certify(&ctx, id).await.expect("looked"), certificate::Certified::More);
    while stop::stop(&ctx, id).await.expect("stopped") != stop::Stopped::All {}
    keys::destroy(&ctx, id).await.expect("destroyed");
    assert_eq!(certificate::certify(&ctx, id).await.expect("looked"), certificate::Certified::More);
    while rows::page(&ctx, id).await.expect("a page") {}
    assert_eq!(certificate::certify(&ctx, id).await.expect("certified"), certificate::Certified::Yes);
    let mut system = app.database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from messages m left join subject_keys k using (tenant_id, subject_id)
          where k.wrapped is not null or m.to_sealed <> '' or m.vars_sealed <> ''",
    )
    .fetch_one(&mut system)
    .await
    .expect("messages");
    assert_eq!(left, 0, "no key and nothing sealed is left");
    app.process.stop().await;
}

#[tokio::test]
async fn nothing_is_destroyed_while_somebody_speaks_with_the_person() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let lead = json!({"name": "Kestrelina", "phone": PHONE});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone();
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let call = begun(admin, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(admin, &call, "answer", &json!({})).await.expect(200);
    let asked = ask(admin, &lead).await;
    let erasure: ErasureId = id(&asked["id"]);
    let ctx = admitted(&app, admin).await;
    begin::begin(&ctx, erasure, None).await.expect("begun");
    let stopped = async || loop {
        match stop::stop(&ctx, erasure).await.expect("looked") {
            stop::Stopped::Some => {}
            ended => break ended,
        }
    };
    assert_eq!(stopped().await, stop::Stopped::Waits);
    step(admin, &call, "end", &json!({})).await.expect(200);
    assert_eq!(stopped().await, stop::Stopped::All);
    app.process.stop().await;
}
