//! What erasure leaves behind nowhere: requests to see data that nobody answers any more, files, rows that somebody held, and
//! rows of people who share a number. And a list of people in a breach that is as of one moment.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{
    Ctx,
    ctx::Clock as _,
    privacy::erasure::{begin, certificate, keys, rows, stop},
    types::ErasureId,
};
use serde_json::{Value, json};
use sqlx::Connection as _;
use switchboard::process::Roles;
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use crate::{
    calls::at,
    gates::send,
    message::sandbox,
    onboarding::until,
    privacy::erasure::{DELETION, ask, at_once, comes_to},
    rights::admitted,
};

const ACCESS: &str = "/api/v1/compliance/gdpr/access";
const BREACH: &str = "/api/v1/compliance/breach";
const MAIL: &str = "kestrel@example.com";
const PHONE: &str = "+14155550137";

fn uuid(id: &Value) -> Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

async fn lead(client: &Client, body: &Value) -> Value {
    client.post("/api/v1/leads", body).await.expect(201)["id"].clone()
}

/// Takes a request to see data down; where it is asked for somebody, and whether they are known by now.
async fn wants_to_see(client: &Client, who: &Value, known: bool) -> String {
    let path = at(ACCESS, &client.post(ACCESS, who).await.expect(201)["id"]);
    if known {
        let said = json!({"method": "called back"});
        client.post(&format!("{path}/identity"), &said).await.expect(200);
    }
    path
}

/// How many files of exports the tenant has.
async fn files(app: &TestApp) -> usize {
    use futures::StreamExt as _;
    let files = app.process.app.platform.storage.of(app.acme.id);
    let below = "exports".parse().expect("a name");
    files.list(Some(&below)).map(|file| file.expect("a file")).count().await
}

#[tokio::test]
async fn who_is_erased_before_they_are_answered_is_told_so_and_their_files_are_gone() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let ada = lead(admin, &json!({"name": "Ada", "email": MAIL})).await;
    let bob = lead(admin, &json!({"name": "Bob", "email": "bob@example.com"})).await;
    let answered = wants_to_see(admin, &json!({"lead_id": ada}), true).await;
    until(admin, &answered, |request| request["status"] == "answered").await;
    let theirs = wants_to_see(admin, &json!({"lead_id": bob}), true).await;
    until(admin, &theirs, |request| request["status"] == "answered").await;
    assert_eq!(files(&app).await, 2, "the search finds them");
    let open = wants_to_see(admin, &json!({"lead_id": ada}), false).await;
    // Somebody who is no lead, and is known by where they were written to.
    let bare = wants_to_see(admin, &json!({"phone": PHONE}), false).await;

    let erasure = ask(admin, &ada).await;
    comes_to(admin, &erasure, "done").await;
    let nobody = json!({"phone": PHONE, "identity": "called back"});
    let erasure = admin.post(DELETION, &nobody).await.expect(201);
    comes_to(admin, &erasure, "done").await;

    for path in [&open, &bare] {
        let closed = admin.get(path).await.expect(200);
        assert_eq!((&closed["status"], &closed["overdue"]), (&json!("refused"), &json!(false)), "{closed:#}");
        assert!(closed["refusal"].as_str().expect("a reason").contains("erased"), "{closed:#}");
        assert!(closed["ended_at"].is_string(), "{closed:#}");
        let last = closed["history"].as_array().expect("a list").last().expect("a step")["what"].clone();
        assert_eq!(last, "erased", "{closed:#}");
        let late = admin.post(&format!("{path}/identity"), &json!({"method": "called back"})).await;
        assert_eq!(late.problem(409), "request-status");
    }
    let before = admin.get(&answered).await.expect(200);
    assert_eq!((&before["status"], &before["exports"][0]["state"]), (&json!("answered"), &json!("gone")));
    let beside = admin.get(&theirs).await.expect(200);
    assert_eq!(beside["exports"][0]["state"], "ready", "nobody else's");
    assert_eq!(files(&app).await, 1, "what is left is the other one's");
    app.process.stop().await;
}

/// An erasure that is asked for and has begun, by hand.
async fn begun(app: &TestApp, lead: &Value) -> (Ctx, ErasureId) {
    let admin = &app.acme.admin;
    let id = ErasureId(uuid(&ask(admin, lead).await["id"]));
    let ctx = admitted(app, admin).await;
    begin::begin(&ctx, id, None).await.expect("begun");
    while stop::stop(&ctx, id).await.expect("stopped") != stop::Stopped::All {}
    (ctx, id)
}

/// Goes through the rest of it.
async fn ended(ctx: &Ctx, id: ErasureId) {
    loop {
        while rows::page(ctx, id).await.expect("a page") {}
        if certificate::certify(ctx, id).await.expect("looked") == certificate::Certified::Yes {
            return;
        }
        while stop::stop(ctx, id).await.expect("stopped") != stop::Stopped::All {}
        keys::destroy(ctx, id).await.expect("destroyed");
    }
}

/// How many messages can still be opened.
async fn readable(app: &TestApp) -> i64 {
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query_scalar(
        "select count(*) from messages m join subject_keys k using (tenant_id, subject_id)
          where k.wrapped is not null and m.to_sealed <> ''",
    )
    .fetch_one(&mut system)
    .await
    .expect("messages")
}

#[tokio::test]
async fn who_else_has_the_address_is_asked_anew_before_keys_are_destroyed() {
    let app = TestApp::with_roles("api,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let mut message = sandbox(admin).await;
    message["to"] = json!(MAIL);
    let ada = lead(admin, &json!({"name": "Ada", "email": MAIL})).await;
    send(admin, &message).await;
    let (ctx, id) = begun(&app, &ada).await;
    // Somebody else comes while it goes on: from now on nobody can tell whose the message to the bare address is.
    let bob = lead(admin, &json!({"name": "Bob", "email": MAIL})).await;
    keys::destroy(&ctx, id).await.expect("destroyed");
    ended(&ctx, id).await;
    assert_eq!(readable(&app).await, 1, "it may be the other one's");
    let said = admin.get(&format!("{}/certificate", at(DELETION, &json!(id)))).await.expect(200);
    assert!(
        said["statement"].as_str().expect("a statement").contains("left out: other leads have it"),
        "{said}"
    );

    // And the other one alone, once nobody shares it any more.
    let eve = lead(admin, &json!({"name": "Eve", "email": MAIL})).await;
    let (ctx, id) = begun(&app, &bob).await;
    admin.delete(&at("/api/v1/leads", &eve)).await.expect(204);
    keys::destroy(&ctx, id).await.expect("destroyed");
    ended(&ctx, id).await;
    assert_eq!(readable(&app).await, 0, "it can be nobody else's by now");
    app.process.stop().await;
}

#[tokio::test]
async fn a_row_that_somebody_changes_at_that_moment_is_not_passed_over() {
    let app = TestApp::with_roles("api,notifier".parse::<Roles>().expect("roles")).await;
    let admin = &app.acme.admin;
    at_once(admin).await;
    let ada = lead(admin, &json!({"name": "Ada", "email": MAIL})).await;
    let mut message = sandbox(admin).await;
    message["lead_id"] = ada.clone();
    message["to"] = Value::Null;
    let sent: Uuid = send(admin, &message).await.parse().expect("an id");
    let (ctx, id) = begun(&app, &ada).await;
    keys::destroy(&ctx, id).await.expect("destroyed");

    let mut system = app.database.connect_as("switchboard_system").await;
    let mut other = system.begin().await.expect("a transaction");
    sqlx::query("update messages set updated_at = engine.now() where id = $1")
        .bind(sent)
        .execute(&mut *other)
        .await
        .expect("the message is changed");
    let going = tokio::spawn(async move {
        ended(&ctx, id).await;
    });
    app.database.blocks(&going).await;
    other.commit().await.expect("it commits");
    going.await.expect("no panic");
    let left: i64 =
        sqlx::query_scalar("select count(*) from messages where to_sealed <> '' or vars_sealed <> ''")
            .fetch_one(&mut system)
            .await
            .expect("messages");
    assert_eq!(left, 0, "nothing sealed is left");
    app.process.stop().await;
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[tokio::test]
async fn an_answer_is_due_from_the_day_on_which_the_person_asked() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada", "email": MAIL})).await;
    let asked_at = app.clock.now() - TimeDelta::days(10);
    let early = json!({"lead_id": ada, "received_at": app.clock.now() + TimeDelta::hours(1)});
    let refused = admin.post(DELETION, &early).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/received_at", "{}", refused.body);
    assert_eq!(refused.problem(422), "invalid");
    let wish = json!({"lead_id": ada, "received_at": text(asked_at)});
    let asked = admin.post(DELETION, &wish).await.expect(201);
    let due: DateTime<Utc> = asked["due_at"].as_str().expect("a time").parse().expect("a time");
    let begins: DateTime<Utc> = text(asked_at).parse().expect("a time");
    assert_eq!(due - begins, TimeDelta::days(28), "{asked:#}");
    app.process.stop().await;
}

#[tokio::test]
async fn the_pages_of_who_was_affected_are_as_of_one_moment() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let range = (app.clock.now() - TimeDelta::minutes(1), app.clock.now() + TimeDelta::hours(1));
    for name in ["ada", "bob", "eve"] {
        lead(admin, &json!({"name": name, "email": format!("{name}@example.com")})).await;
    }
    let platform = &app.process.app.platform;
    platform.reads.write(platform).await;
    let list = format!("{BREACH}/people?from={}&until={}&limit=2", text(range.0), text(range.1));
    let mut page = admin.get(&list).await.expect(200);
    // Somebody whose id is behind all others comes while the pages are turned.
    let late = lead(admin, &json!({"name": "zoe", "email": "zoe@example.com"})).await;
    platform.reads.write(platform).await;
    let mut people: Vec<Value> = Vec::new();
    loop {
        people.extend(page["items"].as_array().expect("items").iter().map(|one| one["subject_id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        page = admin.get(&format!("{list}&cursor={next}")).await.expect(200);
    }
    assert!(people.len() >= 3, "{people:?}");
    assert!(!people.contains(&late), "what happened since is in no page: {people:?}");
    let anew = admin.all(&list.replace("&limit=2", "")).await;
    assert!(anew.iter().any(|one| one["subject_id"] == late), "another list has it: {anew:?}");
    app.process.stop().await;
}
