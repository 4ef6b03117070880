//! Leads that are the same person: found, and made one.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection;
use switchboard_tests::{Socket, TestApp};

use crate::{activities::timeline, message::sandbox, routing::rules::lead, routing::team};

fn path(lead: &Value) -> String {
    format!("/api/v1/leads/{}", lead.as_str().expect("an id"))
}

fn uuid(id: &Value) -> uuid::Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

#[tokio::test]
async fn two_leads_that_are_one_person_are_found_and_made_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let one = json!({
        "name": "Ada Lovelace", "email": "ada@example.com", "phone": "+14155550100", "tags": ["vip"],
        "attributes": {"age": 36},
    });
    let other = json!({
        "name": "A. Lovelace", "email": "ADA@example.com", "phone": "+14155550101", "region": "London",
        "tags": ["VIP", "new"], "attributes": {"age": 37, "job": "countess"},
    });
    let (one, other) = (lead(admin, &one).await, lead(admin, &other).await);
    let far = lead(admin, &json!({"name": "Ada Lovelace"})).await;
    lead(&app.other.admin, &json!({"email": "ada@example.com"})).await;
    let same = admin.get(&format!("{}/duplicates", path(&one))).await.expect(200);
    assert_eq!((same.as_array().map(Vec::len), &same[0]["id"]), (Some(1), &other));
    let none = admin.get(&format!("{}/duplicates", path(&far))).await.expect(200);
    assert_eq!(none, json!([]));

    let call = json!({"kind": "call", "note": "prefers mornings"});
    admin.post(&format!("{}/activities", path(&other)), &call).await.expect(201);
    admin.post(&format!("{}/activities", path(&other)), &json!({"kind": "meeting"})).await.expect(201);
    let mut message = sandbox(admin).await;
    message["lead_id"] = other.clone();
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let mut socket = Socket::open(admin, Some(0)).await;
    socket.until("message.sent").await;

    let merge = format!("{}/merge", path(&one));
    for body in [json!({"loser_id": one}), json!({"loser_id": uuid::Uuid::nil()})] {
        let refused = admin.post(&merge, &body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/loser_id");
        assert_eq!(refused.problem(422), "invalid");
    }
    let stale = json!({"loser_id": other, "version": 7});
    assert_eq!(admin.post(&merge, &stale).await.problem(409), "version-changed");
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.post(&merge, &stale).await.problem(403), "permission-missing");
    let merged = admin.post(&merge, &json!({"loser_id": other, "version": 1})).await.expect(200);
    assert_eq!(
        (&merged["id"], &merged["name"], &merged["phone"], &merged["region"]),
        (&one, &json!("Ada Lovelace"), &json!("+14155550100"), &json!("London"))
    );
    assert_eq!(merged["attributes"], json!({"age": 36, "job": "countess"}));
    assert_eq!((&merged["tags"], &merged["version"]), (&json!(["vip", "new"]), &json!(2)));
    assert_eq!(admin.get(&path(&other)).await.expect(308), json!({ "id": one }));
    let told = socket.until("lead.merged").await.pop().expect("an event");
    assert_eq!(told["data"], json!({ "loser_id": other, "owner_id": null, "team_id": null }));

    let shown = timeline(admin, &one).await;
    let kinds: Vec<&str> = shown.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["merge", "message", "meeting", "call"]);
    assert_eq!((&shown[0]["ref_id"], &shown[3]["note"]), (&other, &call["note"]));
    assert_eq!(shown[0]["note"], "name: A. Lovelace\nphone: +14155550101");
    let messages = format!("/api/v1/communication/messages?lead_id={}", one.as_str().expect("an id"));
    let messages = admin.all(&messages).await;
    assert_eq!((messages.len(), &messages[0]["id"]), (1, &sent["id"]));
    assert!(messages[0]["to"].is_string(), "it can be read still");
    let found = admin.all("/api/v1/leads?tag=new").await;
    assert_eq!((found.len(), &found[0]["id"]), (1, &one));
    let mut system = app.database.connect_as("switchboard_system").await;
    let kept: (i64, i32) = sqlx::query_as(
        "select (select count(*) from lead_merges), (select activities from leads where id = $1)",
    )
    .bind(one.as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .fetch_one(&mut system)
    .await
    .expect("an answer");
    assert_eq!(kept, (1, 3), "two by hand and a message; the merge itself does not count");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_written_to_a_lead_while_it_is_merged_goes_to_the_one_that_stays() {
    const MESSAGES: &str = "/api/v1/communication/messages";
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let stays = lead(admin, &json!({"email": "ada@example.com"})).await;
    let goes = lead(admin, &json!({"email": "eve@example.com"})).await;
    let mut message = sandbox(admin).await;
    message["lead_id"] = goes.clone();
    message.as_object_mut().expect("an object").remove("to");

    // A merge that is not committed yet.
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut merging = system.begin().await.expect("a transaction");
    sqlx::query("select from leads where id = any($1) order by id for update")
        .bind(vec![uuid(&stays), uuid(&goes)])
        .execute(&mut *merging)
        .await
        .expect("both are held");
    let (sender, asked) = (admin.clone(), message.clone());
    let sending = tokio::spawn(async move { sender.post(MESSAGES, &asked).await });
    sqlx::query("insert into lead_merges (tenant_id, loser_id, winner_id) values ($1, $2, $3)")
        .bind(app.acme.id.0)
        .bind(uuid(&goes))
        .bind(uuid(&stays))
        .execute(&mut *merging)
        .await
        .expect("they are one");
    sqlx::query("delete from leads where id = $1")
        .bind(uuid(&goes))
        .execute(&mut *merging)
        .await
        .expect("one is gone");
    merging.commit().await.expect("both are one");
    let meanwhile = sending.await.expect("an answer").expect(202);
    let afterwards = admin.post(MESSAGES, &message).await.expect(202);
    for sent in [meanwhile, afterwards] {
        let sent = format!("{MESSAGES}/{}", sent["id"].as_str().expect("an id"));
        let sent = admin.get(&sent).await.expect(200);
        assert_eq!((&sent["lead_id"], &sent["to"]), (&stays, &json!("ada@example.com")));
    }

    // To another tenant neither of them is a lead.
    let other = &app.other.admin;
    let mut theirs = sandbox(other).await;
    for one in [&goes, &stays] {
        theirs["lead_id"] = one.clone();
        let refused = other.post(MESSAGES, &theirs).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/lead_id");
        assert_eq!(refused.problem(422), "invalid");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn calls_go_with_their_lead_and_one_that_changes_at_this_moment_is_not_taken_away() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 5).await;
    let (stays, goes) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let number = "+14155550101";
    let call = json!({"direction": "outbound", "lead_id": goes, "number": number, "agent_id": agents[0]});
    let made = admin.post("/api/v1/calls", &call).await;
    let call = made.location().expect("a Location").to_owned();
    let id = made.expect(201)["id"].clone();
    let (merge, body) = (format!("{}/merge", path(&stays)), json!({ "loser_id": goes }));

    let mut system = app.database.connect_as("switchboard_system").await;
    let mut ringing = system.begin().await.expect("a transaction");
    sqlx::query("select from calls where id = $1 for update")
        .bind(uuid(&id))
        .execute(&mut *ringing)
        .await
        .expect("it is held");
    assert_eq!(admin.post(&merge, &body).await.problem(409), "lead-busy");
    ringing.rollback().await.expect("it is let go");
    admin.post(&merge, &body).await.expect(200);
    assert_eq!(admin.get(&call).await.expect(200)["lead_id"], stays);
    for step in ["answer", "end"] {
        admin.post(&format!("{call}/{step}"), &json!({})).await.expect(200);
    }
    let kinds: Vec<Value> = timeline(admin, &stays).await.iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["call", "merge"], "it stands with the one that stays");
    app.process.stop().await;
}

#[tokio::test]
async fn calls_go_along_with_the_lead_that_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let number = "+14155550100";
    let (stays, goes) =
        (lead(admin, &json!({"name": "Ada"})).await, lead(admin, &json!({ "phone": number })).await);
    let call = json!({"direction": "outbound", "lead_id": goes});
    let call = admin.post("/api/v1/calls", &call).await;
    let call = call.location().expect("a Location").to_owned();
    let merge = format!("{}/merge", path(&stays));
    // Somebody takes the call further at this moment.
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut holds = system.begin().await.expect("a transaction");
    sqlx::query("select from calls for update").execute(&mut *holds).await.expect("the call is held");
    assert_eq!(admin.post(&merge, &json!({ "loser_id": goes })).await.problem(409), "lead-busy");
    holds.rollback().await.expect("let go");
    admin.post(&merge, &json!({ "loser_id": goes })).await.expect(200);
    let shown = admin.get(&call).await.expect(200);
    assert_eq!((&shown["lead_id"], &shown["number"]), (&stays, &json!(number)));
    let answer = admin.post(&format!("{call}/answer"), &json!({})).await;
    assert_eq!(answer.problem(422), "invalid", "nobody has it yet");
    admin.post(&format!("{call}/end"), &json!({"outcome": "converted"})).await.expect(200);
    assert_eq!(admin.get(&path(&stays)).await.expect(200)["status"], "converted");
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_goes_without_its_calls_and_does_not_wait_for_one_that_changes() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 5).await;
    let goes = lead(admin, &json!({})).await;
    let call =
        json!({"direction": "outbound", "lead_id": goes, "number": "+14155550101", "agent_id": agents[0]});
    let made = admin.post("/api/v1/calls", &call).await;
    let call = made.location().expect("a Location").to_owned();
    let id = made.expect(201)["id"].clone();

    // A step of the call has the call, and will wait for its lead.
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut ringing = system.begin().await.expect("a transaction");
    sqlx::query("select from calls where id = $1 for update")
        .bind(uuid(&id))
        .execute(&mut *ringing)
        .await
        .expect("it is held");
    let gone = path(&goes);
    let refused = tokio::time::timeout(Duration::from_secs(20), admin.delete(&gone)).await;
    assert_eq!(refused.expect("it does not wait").problem(409), "lead-busy");
    sqlx::query("select from leads where id = $1 for update")
        .bind(uuid(&goes))
        .execute(&mut *ringing)
        .await
        .expect("nobody keeps the lead");
    ringing.rollback().await.expect("it is let go");
    assert_eq!(app.other.admin.delete(&gone).await.problem(404), "not-found");
    admin.delete(&gone).await.expect(204);
    assert_eq!(admin.get(&call).await.expect(200)["lead_id"], Value::Null);
    for step in ["answer", "end"] {
        admin.post(&format!("{call}/{step}"), &json!({})).await.expect(200);
    }
    app.process.stop().await;
}
