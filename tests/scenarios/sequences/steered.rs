//! Sequences that are paused, archived and left, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use switchboard_tests::{Socket, TestApp};

use crate::{
    onboarding::until,
    routing::rules::lead,
    sequences::held::has_sent,
    sequences::{
        DAY, ENROLMENTS, SEQUENCES, at, delivered, desk, drafted, ended, enter, entered, has_taken,
        published, steer, steps,
    },
};

#[tokio::test]
async fn a_pause_takes_effect_at_once_and_what_became_due_is_taken_when_it_is_over() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0), ("second", 60)])).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    has_sent(admin, &way, 1).await;
    assert_eq!(steer(admin, &sequence, "pause").await.expect(200)["state"], "paused");
    assert_eq!(steer(admin, &sequence, "pause").await.problem(409), "sequence-state");
    let late = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    app.database.advance(DAY).await;
    // Another one goes on meanwhile, so that it was looked at what is due.
    let other = published(admin, "other", &steps(&[("first", 0)])).await;
    let beside = enter(admin, &other, &lead(admin, &json!({})).await).await;
    assert_eq!(ended(admin, &beside).await.0, "completed");
    for (way, taken) in [(&way, 1), (&late, 0)] {
        assert_eq!(admin.get(way).await.expect(200)["steps"].as_array().map(Vec::len), Some(taken));
    }
    let goes = admin.get(&format!("{}/progress", at(&sequence))).await.expect(200);
    assert!(goes["due_since"].is_string(), "{goes}");
    steer(admin, &sequence, "resume").await.expect(200);
    assert_eq!(ended(admin, &way).await.0, "completed");
    has_taken(admin, &late, 1).await;
    delivered(admin, &["first", "first", "first", "second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_leaves_gets_nothing_more_one_or_all_of_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let ways = entered(admin, &sequence, 3).await;
    for _ in 0..2 {
        let left = admin.post(&format!("{}/leave", ways[0]), &json!({})).await.expect(200);
        assert_eq!((&left["state"], &left["reason"]), (&json!("left"), &json!("by_hand")));
    }
    let operation = admin.ended(steer(admin, &sequence, "leave").await).await;
    assert_eq!(operation["result"], json!({"left": 2}), "{operation}");
    app.database.advance(DAY).await;
    let archived = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    assert_eq!(steer(admin, &sequence, "archive").await.expect(200)["state"], "archived");
    assert_eq!(ended(admin, &archived).await, (json!("left"), json!("archived")));
    let path = format!("{}/enrolments", at(&sequence));
    let refused = admin.post(&path, &json!({"lead_id": lead(admin, &json!({})).await})).await;
    assert_eq!(refused.problem(409), "sequence-state");
    let of = format!("{ENROLMENTS}?sequence_id={}", sequence.as_str().expect("an id"));
    assert_eq!(admin.all(&format!("{of}&state=left")).await.len(), 4);
    assert_eq!(admin.all(&format!("{of}&state=waiting")).await.len(), 0);
    assert_eq!(admin.all(&of).await.len(), 4);
    delivered(admin, &[]).await;
    // Its name is free.
    drafted(admin, "s", &steps(&[])).await;
    app.process.stop().await;
}

#[tokio::test]
async fn leads_that_go_leave_and_those_that_are_merged_go_on_as_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let other = published(admin, "other", &steps(&[("first", 60)])).await;
    let nothing = json!({});
    let (gone, winner) = (lead(admin, &nothing).await, lead(admin, &nothing).await);
    let loser = lead(admin, &nothing).await;
    let left = enter(admin, &sequence, &gone).await;
    let (stays, goes) = (enter(admin, &sequence, &winner).await, enter(admin, &sequence, &loser).await);
    let moves = enter(admin, &other, &loser).await;
    let path = |lead: &Value| format!("/api/v1/leads/{}", lead.as_str().expect("an id"));
    admin.delete(&path(&gone)).await.expect(204);
    admin.post(&format!("{}/merge", path(&winner)), &json!({ "loser_id": loser })).await.expect(200);
    for (way, reason) in [(&left, "lead_deleted"), (&goes, "merged")] {
        let one = admin.get(way).await.expect(200);
        assert_eq!((&one["state"], &one["reason"]), (&json!("left"), &json!(reason)));
    }
    for way in [&stays, &moves] {
        let one = admin.get(way).await.expect(200);
        assert_eq!((&one["state"], &one["lead_id"]), (&json!("waiting"), &winner));
    }
    let by_loser = admin.all(&format!("{ENROLMENTS}?lead_id={}", loser.as_str().expect("an id"))).await;
    assert_eq!(by_loser.len(), 3, "what it was on its way through is the other's by now");
    app.database.advance(DAY).await;
    for way in [&stays, &moves] {
        assert_eq!(ended(admin, way).await.0, "completed");
    }
    delivered(admin, &["first", "first"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_is_gone_keeps_nobody_from_their_step() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let ways = entered(admin, &sequence, 2).await;
    // It went without its way having been ended, as no command leaves it.
    let lead = admin.get(&ways[0]).await.expect(200)["lead_id"].as_str().expect("an id").to_owned();
    let lead: uuid::Uuid = lead.parse().expect("an id");
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let gone = sqlx::query("delete from leads where id = $1").bind(lead).execute(&mut owner).await;
    assert_eq!(gone.expect("it goes").rows_affected(), 1);
    app.database.advance(DAY).await;
    assert_eq!(ended(admin, &ways[0]).await, (json!("left"), json!("lead_deleted")));
    assert_eq!(ended(admin, &ways[1]).await.0, "completed");
    app.process.stop().await;
}

#[tokio::test]
async fn of_two_who_become_one_nobody_gets_again_what_one_of_them_had() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first", "second"]).await;
    let once = published(admin, "once", &steps(&[("first", 0)])).await;
    let later = published(admin, "later", &steps(&[("first", 60)])).await;
    let mut definition = steps(&[("second", 60)]);
    definition["reentry_after_days"] = json!(0);
    let again = published(admin, "again", &definition).await;
    let nothing = json!({});
    let (winner, loser) = (lead(admin, &nothing).await, lead(admin, &nothing).await);
    let had = enter(admin, &once, &winner).await;
    assert_eq!(ended(admin, &had).await.0, "completed");
    for sequence in [&later, &again] {
        let way = enter(admin, sequence, &winner).await;
        admin.post(&format!("{way}/leave"), &nothing).await.expect(200);
    }
    let goes = enter(admin, &later, &loser).await;
    let stays = enter(admin, &again, &loser).await;
    let path = format!("/api/v1/leads/{}/merge", winner.as_str().expect("an id"));
    admin.post(&path, &json!({ "loser_id": loser })).await.expect(200);
    assert_eq!(ended(admin, &goes).await, (json!("left"), json!("merged")));
    assert_eq!(admin.get(&stays).await.expect(200)["state"], "waiting", "it may enter again at any time");
    app.database.advance(DAY).await;
    assert_eq!(ended(admin, &stays).await.0, "completed");
    delivered(admin, &["first", "second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_sequence_that_nobody_can_carry_out_is_paused_and_goes_on_later() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let mut socket = Socket::open(admin, None).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    let account = format!("/api/v1/communication/providers/{}", provider.as_str().expect("an id"));
    admin.delete(&account).await.expect(204);
    app.database.advance(DAY).await;
    let told = socket.until("sequence.paused").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"code": "no_account"}));
    let now = admin.get(&at(&sequence)).await.expect(200);
    assert_eq!((&now["state"], &now["pause_code"]), (&json!("paused"), &json!("no_account")));
    assert_eq!(admin.get(&way).await.expect(200)["state"], "waiting", "nobody is passed over");
    let provider = json!({"name": "another", "kind": "sandbox"});
    admin.post("/api/v1/communication/providers", &provider).await.expect(201);
    assert_eq!(steer(admin, &sequence, "resume").await.expect(200)["pause_code"], Value::Null);
    // Who has come to the step is looked at again after a while.
    app.database.advance(11.0 * 60.0).await;
    assert_eq!(ended(admin, &way).await.0, "completed");
    delivered(admin, &["first"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_has_been_through_enters_again_when_the_sequence_says_so() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let mut definition = steps(&[("first", 0)]);
    definition["reentry_after_days"] = json!(2);
    let sequence = published(admin, "s", &definition).await;
    let who = lead(admin, &json!({})).await;
    let first = enter(admin, &sequence, &who).await;
    assert_eq!(ended(admin, &first).await.0, "completed");
    let path = format!("{}/enrolments", at(&sequence));
    app.database.advance(DAY).await;
    assert_eq!(admin.post(&path, &json!({ "lead_id": who })).await.problem(409), "been-through");
    app.database.advance(1.1 * DAY).await;
    let second = enter(admin, &sequence, &who).await;
    assert_ne!(first, second);
    assert_eq!(ended(admin, &second).await.0, "completed");
    delivered(admin, &["first", "first"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_cannot_be_drafted_or_published_is_told_with_its_place() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let step = json!({"template": "first"});
    for (definition, pointer) in [
        (json!({"steps": [{}]}), "/definition/steps/0/template_id"),
        (json!({"steps": [], "goals": [{"kind": "score_below", "score": 200}]}), "/definition/goals/0/score"),
        (
            json!({"steps": [{"template": "first", "delay": {"minutes": 999_999}}]}),
            "/definition/steps/0/delay/minutes",
        ),
        (json!({"steps": [], "goals": [{"kind": "rich"}]}), "/definition/goals/0"),
    ] {
        let refused = admin.post(SEQUENCES, &json!({"name": "s", "definition": definition})).await;
        let told = refused.body["errors"][0]["pointer"].as_str().expect("a place").to_owned();
        assert!(told.starts_with(pointer), "{definition}: {told}");
        assert_eq!(refused.problem(422), "invalid");
    }
    let sequence = drafted(admin, "s", &json!({"steps": []})).await;
    let again = admin.post(SEQUENCES, &json!({"name": "s", "definition": {"steps": []}})).await;
    assert_eq!(again.problem(409), "name-taken");
    let put = async |definition: Value| {
        let draft = json!({"name": "s", "definition": definition});
        admin.send(admin.request(Method::PUT, &at(&sequence)).json(&draft)).await.expect(200);
        let refused = steer(admin, &sequence, "publish").await;
        let pointer = refused.body["errors"][0]["pointer"].clone();
        assert_eq!(refused.problem(422), "invalid");
        pointer
    };
    assert_eq!(put(json!({"steps": []})).await, "/definition/steps");
    assert_eq!(put(json!({"steps": [step]})).await, "/definition/steps/0/template");
    let nobody = json!({"steps": [{"template_id": uuid::Uuid::nil()}]});
    assert_eq!(put(nobody).await, "/definition/steps/0/template_id");
    let template = json!({"name": "first", "channel": "email", "subject": "first", "text": "Hello"});
    admin.post("/api/v1/communication/templates", &template).await.expect(201);
    assert_eq!(put(json!({"steps": [step]})).await, "/definition/steps/0/provider_id");
    let entered = format!("{}/enrolments", at(&sequence));
    let who = json!({"lead_id": lead(admin, &json!({})).await});
    assert_eq!(admin.post(&entered, &who).await.problem(409), "sequence-state", "it is a draft");
    assert_eq!(steer(admin, &sequence, "archive").await.problem(409), "sequence-state");

    let supervisor = app.user(&app.acme, "Supervisor").await;
    supervisor.get(&at(&sequence)).await.expect(200);
    assert_eq!(supervisor.post(&entered, &who).await.problem(403), "permission-missing");
    assert_eq!(supervisor.get(ENROLMENTS).await.problem(403), "beyond-your-rights");
    assert_eq!(admin.get(&format!("{ENROLMENTS}?state=left")).await.problem(422), "invalid");
    let key = json!({"name": "k", "permissions": ["sequences:enrol", "leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(key.post(&entered, &who).await.problem(403), "permission-missing", "its steps send messages");
    admin.delete(&at(&sequence)).await.expect(204);
    assert_eq!(admin.get(&at(&sequence)).await.problem(404), "not-found");
    until(admin, SEQUENCES, |page| page["items"].as_array().is_some_and(Vec::is_empty)).await;
    app.process.stop().await;
}
