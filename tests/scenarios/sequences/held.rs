//! What holds a lead up on its way through a sequence, and what holds nobody up.

use domain::{
    sequences::walk::{self, Walked},
    types::SequenceId,
};
use serde_json::{Value, json};
use sqlx::Connection;
use switchboard_tests::{Client, TestApp, id, scripted::lost};

use crate::{
    callbacks::messages::system,
    inbound::written,
    leads::actions::somebody_waits,
    onboarding::until,
    rights::admitted,
    routing::rules::lead,
    sending::{MESSAGES, PROVIDERS, begin, end, go, idle, rests},
    sequences::{
        DAY, account, delivered, desk, ended, enter, entered, has_taken, published, replace, steer, steps,
        template,
    },
};

fn path(resource: &str, id: &Value) -> String {
    format!("{resource}/{}", id.as_str().expect("an id"))
}

/// The message of a step that was taken, and where it is read.
pub fn message_of(enrolment: &Value, step: usize) -> String {
    path(MESSAGES, &enrolment["steps"][step]["message_id"])
}

/// Waits until an enrolment has taken so many steps, and the message of the last one has left.
pub async fn has_sent(client: &Client, enrolment: &str, steps: usize) {
    let one = has_taken(client, enrolment, steps).await;
    until(client, &message_of(&one, steps - 1), |message| message["status"] == "sent").await;
}

#[tokio::test]
async fn what_was_published_is_sent_though_its_template_was_archived_since() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["named"]).await;
    let fixed = template(admin, "fixed", "fixed").await;
    let mut definition = steps(&[("named", 60), ("named", 0)]);
    definition["steps"][1] = json!({ "template_id": fixed });
    let sequence = published(admin, "s", &definition).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    for one in admin.all("/api/v1/communication/templates").await {
        admin.delete(&path("/api/v1/communication/templates", &one["id"])).await.expect(204);
    }
    app.database.advance(DAY).await;
    assert_eq!(ended(admin, &way).await, (json!("completed"), Value::Null));
    delivered(admin, &["named", "fixed"]).await;
    // It is offered to nobody else.
    let again = steer(admin, &sequence, "publish").await;
    assert_eq!(again.body["errors"][0]["pointer"], "/definition/steps/0/template");
    assert_eq!(again.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn a_step_whose_account_was_deleted_is_left_out_and_the_others_are_taken() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let pinned = desk(admin, &["first", "second"]).await;
    let another = json!({"name": "another", "kind": "sandbox"});
    admin.post(PROVIDERS, &another).await.expect(201);
    let mut definition = steps(&[("first", 60), ("second", 60)]);
    definition["steps"][0]["provider_id"] = pinned.clone();
    let sequence = published(admin, "s", &definition).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    admin.delete(&path(PROVIDERS, &pinned)).await.expect(204);
    app.database.advance(2.0 * 3600.0).await;
    let one = has_taken(admin, &way, 1).await;
    assert_eq!(
        (&one["steps"][0]["outcome"], &one["steps"][0]["reason"]),
        (&json!("skipped"), &json!("no_account"))
    );
    app.database.advance(2.0 * 3600.0).await;
    assert_eq!(ended(admin, &way).await, (json!("completed"), Value::Null));
    delivered(admin, &["second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_channel_without_accounts_keeps_nobody_else_from_their_steps() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["mail"]).await;
    let sms = json!({"name": "sms", "kind": "sandbox", "channel": "sms"});
    admin.post(PROVIDERS, &sms).await.expect(201);
    let text = json!({"name": "text", "channel": "sms", "text": "Hello"});
    admin.post("/api/v1/communication/templates", &text).await.expect(201);
    let sequence = published(admin, "s", &steps(&[("mail", 60)])).await;
    // As many as are looked at in one transaction.
    entered(admin, &sequence, 200).await;
    replace(admin, &sequence, "s", &steps(&[("text", 60)])).await;
    steer(admin, &sequence, "publish").await.expect(200);
    let last = lead(admin, &json!({"phone": "+14155550100"})).await;
    let way = enter(admin, &sequence, &last).await;
    admin.delete(&path(PROVIDERS, &provider)).await.expect(204);
    app.database.advance(2.0 * 3600.0).await;
    let ctx = admitted(&app, admin).await;
    let id: SequenceId = id(&sequence);
    let first = walk::page(&ctx, id).await.expect("a page");
    assert!(matches!(first, Walked::Stuck("no_account")), "their step is nobody's to take");
    let second = walk::page(&ctx, id).await.expect("a page");
    assert!(matches!(second, Walked::Page(1)), "who can go on does");
    assert_eq!(admin.get(&way).await.expect(200)["state"], "completed");
    assert!(matches!(walk::page(&ctx, id).await.expect("a page"), Walked::Over));
    app.process.stop().await;
}

#[tokio::test]
async fn while_a_message_waits_for_its_account_the_next_one_is_not_written() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["first", "second"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0), ("second", 60)])).await;
    let account = path(PROVIDERS, &provider);
    admin.post(&format!("{account}/pause"), &json!({})).await.expect(200);
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    let waits = has_taken(admin, &way, 1).await;
    app.database.advance(2.0 * 3600.0).await;
    let held = until(admin, &way, |one| one["due_at"] != waits["due_at"]).await;
    assert_eq!((&held["state"], &held["step"]), (&json!("waiting"), &json!(1)));
    assert_eq!(held["steps"].as_array().map(Vec::len), Some(1), "it is put off: {held}");
    rests(admin, "send_message").await;
    admin.post(&format!("{account}/resume"), &json!({})).await.expect(200);
    has_sent(admin, &way, 1).await;
    app.database.advance(11.0 * 60.0).await;
    assert_eq!(ended(admin, &way).await, (json!("completed"), Value::Null));
    delivered(admin, &["first", "second"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_waits_to_be_sent_is_not_sent_to_whoever_has_come_to_the_goal_or_left() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["replies", "leaves", "stays", "over"]).await;
    let account = path(PROVIDERS, &provider);
    admin.post(&format!("{account}/pause"), &json!({})).await.expect(200);
    let mut ways = Vec::new();
    for name in ["replies", "leaves", "stays", "over"] {
        let mut definition = steps(&[(name, 0), (name, 60)]);
        definition["goals"] = json!([{"kind": "replied"}]);
        if name == "over" {
            definition = steps(&[(name, 0)]);
        }
        let sequence = published(admin, name, &definition).await;
        let fields = if name == "replies" { json!({"phone": "+14155550100"}) } else { json!({}) };
        let way = enter(admin, &sequence, &lead(admin, &fields).await).await;
        let message = message_of(&has_taken(admin, &way, 1).await, 0);
        ways.push((way, message));
    }
    let [(replies, unsaid), (leaves, unread), (_, waits), (over, last)] = &ways[..] else { panic!("four") };
    for (_, message) in &ways {
        // Whoever has it at this moment has let it go by then.
        until(admin, message, |message| message["error_code"].is_string()).await;
    }
    rests(admin, "send_message").await;
    written(&app, &app.acme, provider.as_str().expect("an id")).await;
    assert_eq!(admin.get(replies).await.expect(200)["state"], "goal");
    admin.post(&format!("{leaves}/leave"), &json!({})).await.expect(200);
    assert_eq!(ended(admin, over).await.0, "completed");
    for message in [unsaid, unread] {
        let now = admin.get(message).await.expect(200);
        let told = (&now["status"], &now["error_code"]);
        assert_eq!(told, (&json!("cancelled"), &json!("sequence_ended")), "{now}");
    }
    for message in [waits, last] {
        assert_eq!(admin.get(message).await.expect(200)["status"], "queued");
    }
    let log = admin.all("/api/v1/compliance/audit-logs?resource=message&action=cancel").await;
    assert_eq!(log.len(), 2, "{log:?}");
    rests(admin, "send_message").await;
    admin.post(&format!("{account}/resume"), &json!({})).await.expect(200);
    delivered(admin, &["stays", "over"]).await;
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_sealed_anew_at_this_moment_is_taken_back_all_the_same() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0), ("first", 60)])).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    let ctx = admitted(&app, admin).await;
    let id: SequenceId = id(&sequence);
    assert!(matches!(walk::page(&ctx, id).await.expect("a page"), Walked::Page(1)));
    let message = message_of(&has_taken(admin, &way, 1).await, 0);
    // As a rotation of keys does.
    let mut conn = system(&app).await;
    let mut seals = conn.begin().await.expect("a transaction");
    let same = "update messages set to_sealed = to_sealed where id::text = $1";
    let name = message.rsplit('/').next().expect("an id");
    let done = sqlx::query(same).bind(name).execute(&mut *seals).await.expect("it is held");
    assert_eq!(done.rows_affected(), 1);
    let (client, leave) = (admin.clone(), format!("{way}/leave"));
    let leaving = tokio::spawn(async move { client.post(&leave, &json!({})).await.expect(200) });
    somebody_waits(&app).await;
    seals.commit().await.expect("it is let go");
    leaving.await.expect("left");
    let now = admin.get(&message).await.expect(200);
    let told = (&now["status"], &now["error_code"]);
    assert_eq!(told, (&json!("cancelled"), &json!("sequence_ended")), "{now}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_taken_back() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let sequence = published(admin, "s", &steps(&[("first", 0), ("first", 60)])).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({})).await).await;
    let ctx = admitted(&app, admin).await;
    let id: SequenceId = id(&sequence);
    assert!(matches!(walk::page(&ctx, id).await.expect("a page"), Walked::Page(1)));
    let message = message_of(&has_taken(admin, &way, 1).await, 0);
    // An attempt of which nobody knows whether it sent it, and that is to be repeated.
    let name = message.rsplit('/').next().expect("an id");
    let attempt = go(begin(&ctx, name).await);
    end(&ctx, attempt, lost()).await;
    let mut conn = system(&app).await;
    let doubt = "update message_attempts set outcome = 'queued', code = 'unknown'";
    assert_eq!(sqlx::query(doubt).execute(&mut conn).await.expect("an attempt").rows_affected(), 1);
    let waits = "update messages set status = 'queued'";
    sqlx::query(waits).execute(&mut conn).await.expect("a message");
    admin.post(&format!("{way}/leave"), &json!({})).await.expect(200);
    assert_eq!(admin.get(&message).await.expect(200)["status"], "queued");
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_of_whom_something_does_not_open_keeps_nobody_else_from_their_step() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    template(admin, "first", "first {{name}}").await;
    account(admin).await;
    let sequence = published(admin, "s", &steps(&[("first", 0)])).await;
    let mut ways = Vec::new();
    for _ in 0..3 {
        let who = lead(admin, &json!({"name": "Ada", "attributes": {"plan": "team"}})).await;
        let way = enter(admin, &sequence, &who).await;
        ways.push((way, uuid::Uuid::parse_str(who.as_str().expect("an id")).expect("an id")));
    }
    let [(nameless, spoilt), (keyless, locked), (sound, _)] = &ways[..] else { panic!("three") };
    let mut conn = system(&app).await;
    for (turned, whose) in [
        (
            "update leads
                set name_sealed = set_byte(name_sealed, length(name_sealed) - 1,
                                           get_byte(name_sealed, length(name_sealed) - 1) # 1)
              where id = $1",
            spoilt,
        ),
        // What was sealed before opens, and the key by which is sealed from now on cannot be read.
        (
            "insert into subject_keys (tenant_id, subject_id, id, wrapped, kek)
             select tenant_id, subject_id, 'ffffffff-ffff-7fff-bfff-ffffffffffff',
                    set_byte(wrapped, length(wrapped) - 1, get_byte(wrapped, length(wrapped) - 1) # 1), kek
               from subject_keys where subject_id = $1",
            locked,
        ),
    ] {
        let done = sqlx::query(turned).bind(whose).execute(&mut conn).await.expect("it is spoilt");
        assert_eq!(done.rows_affected(), 1);
    }
    let ctx = admitted(&app, admin).await;
    let id: SequenceId = id(&sequence);
    assert!(matches!(walk::page(&ctx, id).await.expect("a page"), Walked::Page(3)));
    for (way, outcome, reason) in [
        (nameless, "sent", Value::Null),
        (keyless, "skipped", json!("key_unreadable")),
        (sound, "sent", Value::Null),
    ] {
        let taken = admin.get(way).await.expect(200)["steps"][0].clone();
        assert_eq!((&taken["outcome"], &taken["reason"]), (&json!(outcome), &reason), "{taken}");
    }
    app.process.stop().await;
}
