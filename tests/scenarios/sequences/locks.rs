//! Leads that enter and leave while somebody else has hold of what they are on their way through.

use serde_json::{Value, json};
use sqlx::Connection;
use switchboard_tests::TestApp;
use uuid::Uuid;

use crate::{
    leads::actions::{done, result, somebody_waits},
    onboarding::until,
    routing::rules::lead,
    sequences::{at, desk, ended, enter, entered, published, steer, steps},
};

fn uuid(id: &Value) -> Uuid {
    id.as_str().expect("an id").parse().expect("an id")
}

/// The id of an enrolment by where it is read.
fn id_of(enrolment: &str) -> Uuid {
    enrolment.rsplit('/').next().expect("an id").parse().expect("an id")
}

const HOLD: &str = "select from sequence_enrolments where id = $1 for no key update";
const HOLD_AT_ONCE: &str = "select from sequence_enrolments where id = $1 for no key update nowait";

#[tokio::test]
async fn all_leave_but_for_what_somebody_has_and_that_follows() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let ways = entered(admin, &sequence, 3).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut holds = system.begin().await.expect("a transaction");
    sqlx::query(HOLD).bind(id_of(&ways[0])).execute(&mut *holds).await.expect("it is held");
    let asked = steer(admin, &sequence, "leave").await;
    for way in &ways[1..] {
        assert_eq!(ended(admin, way).await, (json!("left"), json!("by_hand")));
    }
    assert_eq!(admin.get(&ways[0]).await.expect(200)["state"], "waiting");
    holds.rollback().await.expect("it is let go");
    let operation = admin.ended(asked).await;
    assert_eq!(operation["result"], json!({"left": 3}), "{operation}");
    assert_eq!(ended(admin, &ways[0]).await, (json!("left"), json!("by_hand")));
    app.process.stop().await;
}

#[tokio::test]
async fn leads_that_are_deleted_together_are_locked_in_one_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let (first, second) =
        (lead(admin, &json!({"status": "lost"})).await, lead(admin, &json!({"status": "lost"})).await);
    // The lead that came later entered earlier.
    let (early, late) = (enter(admin, &sequence, &second).await, enter(admin, &sequence, &first).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut holds = system.begin().await.expect("a transaction");
    sqlx::query(HOLD).bind(id_of(&early)).execute(&mut *holds).await.expect("it is held");
    let client = admin.clone();
    let deleting =
        tokio::spawn(
            async move { done(&client, &json!({"kind": "delete"}), &json!({"status": "lost"})).await },
        );
    somebody_waits(&app).await;
    sqlx::query(HOLD_AT_ONCE)
        .bind(id_of(&late))
        .execute(&mut *holds)
        .await
        .expect("whoever waits for the first has not the second");
    holds.rollback().await.expect("both are let go");
    assert_eq!(deleting.await.expect("it is done"), result(2, 2, 0, &json!({})));
    for way in [&early, &late] {
        assert_eq!(ended(admin, way).await, (json!("left"), json!("lead_deleted")));
    }
    app.process.stop().await;
}

#[tokio::test]
async fn all_who_had_entered_leave_whatever_ids_another_node_has_given_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let who = lead(admin, &json!({})).await;
    enter(admin, &sequence, &who).await;
    // Made by a node whose clock is ahead.
    let ahead =
        "update sequence_enrolments set id = 'ffffffff-ffff-7fff-bfff-ffffffffffff' where lead_id = $1";
    let mut system = app.database.connect_as("switchboard_system").await;
    let done = sqlx::query(ahead).bind(uuid(&who)).execute(&mut system).await.expect("another id");
    assert_eq!(done.rows_affected(), 1);
    let operation = admin.ended(steer(admin, &sequence, "leave").await).await;
    assert_eq!(operation["result"], json!({"left": 1}), "{operation}");
    // Who enters after it was asked for stays.
    let later = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    assert_eq!(admin.get(&later).await.expect(200)["state"], "waiting");
    app.process.stop().await;
}

#[tokio::test]
async fn of_two_who_let_a_lead_in_the_second_sees_that_it_has_been_through() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 60)])).await;
    let who = lead(admin, &json!({})).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut lets_in = system.begin().await.expect("a transaction");
    sqlx::query("select from leads where id = $1 for no key update")
        .bind(uuid(&who))
        .execute(&mut *lets_in)
        .await
        .expect("it is held");
    let (client, path) = (admin.clone(), format!("{}/enrolments", at(&sequence)));
    let body = json!({ "lead_id": who });
    let entering = tokio::spawn(async move { client.post(&path, &body).await });
    somebody_waits(&app).await;
    // By the time that it is let go the lead has been taken through.
    sqlx::query(
        "insert into sequence_enrolments (tenant_id, id, sequence_id, version, lead_id, entered_at, position, state, ended_at)
         values ($1, $2, $3, 1, $4, engine.now(), 0, 'completed', engine.now())",
    )
    .bind(app.acme.id.0)
    .bind(Uuid::now_v7())
    .bind(uuid(&sequence))
    .bind(uuid(&who))
    .execute(&mut *lets_in)
    .await
    .expect("it has been through");
    lets_in.commit().await.expect("it is let go");
    assert_eq!(entering.await.expect("an answer").problem(409), "been-through");
    let of = format!("/api/v1/sequences/enrolments?lead_id={}", who.as_str().expect("an id"));
    until(admin, &of, |page| page["items"].as_array().is_some_and(|all| all.len() == 1)).await;
    app.process.stop().await;
}
