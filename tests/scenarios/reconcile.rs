//! Messages of unknown fate: their provider is asked, or a person says what became of them.

use std::sync::Arc;

use domain::messages::{
    provider::{Found, Route},
    reconcile::{self, Conclusion, ReconcileMessage},
    rules::Status,
};
use futures::future::join_all;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{
    Answer, Client, TestApp, Worker,
    scripted::{Scripted, lost},
};

use crate::{
    gates::{becomes, delivered},
    message::sandbox,
    onboarding::until,
    rights::admitted,
    sending::{MESSAGES, PROVIDERS, account, begin, count, end, go, idle, open, rests, send, sms, stored},
};

async fn resolve(client: &Client, message: &str, said: &Value) -> Answer {
    client.post(&format!("{MESSAGES}/{message}/resolve"), said).await
}

#[tokio::test]
async fn what_its_provider_surely_does_not_have_is_sent_after_all() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Asked));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = send(admin, &sms(admin, Some(&provider)).await).await;
    adapter.call().await.lose();
    let lost = becomes(admin, &message, "message.unknown").await;
    assert_eq!((&lost["status"], &lost["failure"]), (&json!("unknown"), &json!("ambiguous")));
    // Half a minute after it, it may still turn up there.
    app.database.advance(31.0).await;
    let question = adapter.question().await;
    assert_eq!(serde_json::to_value(question.outgoing.message).expect("JSON"), json!(message));
    assert_eq!(question.outgoing.text, "Hello Ada");
    question.say(Found::NotThere);
    rests(admin, "reconcile_message").await;
    app.database.advance(31.0).await;
    let question = adapter.question().await;
    assert_eq!(stored(admin, &message).await["status"], "unknown");
    assert_eq!(adapter.handed().len(), 1);
    question.say(Found::NotThere);
    adapter.call().await.take();
    let sent = becomes(admin, &message, "message.sent").await;
    assert_eq!((&sent["status"], &sent["attempts"]), (&json!("sent"), &json!(2)));
    assert_eq!(adapter.handed().len(), 2);
    app.process.stop().await;
}

#[tokio::test]
async fn what_its_provider_has_is_as_far_as_it_says() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Asked));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    for (status, event, failure) in [
        (Status::Delivered, "message.delivered", Value::Null),
        (Status::Failed, "message.failed", json!("permanent")),
    ] {
        let message = send(admin, &message).await;
        adapter.call().await.lose();
        becomes(admin, &message, "message.unknown").await;
        app.database.advance(31.0).await;
        // It cannot tell at once.
        adapter.question().await.say(Found::Unclear { text: "busy".into() });
        rests(admin, "reconcile_message").await;
        app.database.advance(31.0).await;
        let name = format!("p-{message}");
        let provider_message_id = Some(name.clone());
        let found = Found::There { provider_message_id, status, failure: None, code: Some("30003".into()) };
        adapter.question().await.say(found);
        let settled = becomes(admin, &message, event).await;
        assert_eq!(settled["status"], serde_json::to_value(status).expect("JSON"), "{settled}");
        assert_eq!((&settled["provider_message_id"], &settled["failure"]), (&json!(name), &failure));
        assert_eq!(settled["sent_at"].is_string(), status == Status::Delivered);
    }
    assert_eq!(adapter.handed().len(), 2, "nothing is sent twice");
    let jobs = "/api/v1/jobs?kind=reconcile_message";
    let ended = |jobs: &Value| jobs["items"].as_array().is_some_and(|jobs| jobs.iter().all(is_completed));
    until(admin, jobs, ended).await;
    app.process.stop().await;
}

fn is_completed(job: &Value) -> bool {
    job["state"] == "completed"
}

#[tokio::test]
async fn a_person_says_what_became_of_a_message_once() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let mut lost = Vec::new();
    for _ in 0..3 {
        let message = send(admin, &message).await;
        adapter.call().await.lose();
        becomes(admin, &message, "message.unknown").await;
        lost.push(message);
    }
    let sent = json!({"outcome": "sent"});
    let key = admin.post("/api/v1/api-keys", &json!({"name": "k", "permissions": ["messages:read"]})).await;
    let key = admin.with_bearer(key.expect(201)["key"].as_str().expect("a key"));
    assert_eq!(resolve(&key, &lost[0], &sent).await.problem(403), "permission-missing");
    assert_eq!(resolve(&app.other.admin, &lost[0], &sent).await.problem(404), "not-found");
    resolve(admin, &lost[0], &sent).await.expect(204);
    assert_eq!(resolve(admin, &lost[0], &sent).await.problem(409), "fate-known");
    let known = stored(admin, &lost[0]).await;
    assert_eq!((&known["status"], &known["failure"]), (&json!("sent"), &Value::Null));
    resolve(admin, &lost[1], &json!({"outcome": "not_sent", "resend": false})).await.expect(204);
    let failed = stored(admin, &lost[1]).await;
    assert_eq!((&failed["status"], &failed["error_code"]), (&json!("failed"), &json!("by_hand")));
    resolve(admin, &lost[2], &json!({"outcome": "not_sent", "resend": true})).await.expect(204);
    adapter.call().await.take();
    becomes(admin, &lost[2], "message.sent").await;
    assert_eq!(adapter.handed().len(), 4);
    let log = admin.all("/api/v1/compliance/audit-logs?resource=message").await;
    assert_eq!(log.iter().filter(|entry| entry["action"] == "resolve").count(), 3);
    app.process.stop().await;
}

fn there(name: &str) -> Found {
    let provider_message_id = Some(name.to_owned());
    Found::There { provider_message_id, status: Status::Sent, failure: None, code: None }
}

/// Of two messages that say the same to one number the provider has taken one, and nobody can tell which.
#[tokio::test]
async fn what_may_be_either_of_two_messages_is_taken_for_neither() {
    let adapter = Arc::new(Scripted::telling_by_likeness("scripted"));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let mut other = message.clone();
    other["variables"]["name"] = json!("Eve");
    let (one, two, eve) =
        (send(admin, &message).await, send(admin, &message).await, send(admin, &other).await);
    for _ in 0..3 {
        adapter.call().await.lose();
    }
    for message in [&one, &two, &eve] {
        becomes(admin, message, "message.unknown").await;
    }
    app.database.advance(31.0).await;
    for _ in 0..3 {
        let question = adapter.question().await;
        let name = if question.outgoing.text == "Hello Eve" { "p-eve" } else { "p-one" };
        question.say(there(name));
    }
    assert_eq!(
        becomes(admin, &eve, "message.sent").await["provider_message_id"],
        "p-eve",
        "it says another thing"
    );
    rests(admin, "reconcile_message").await;
    for message in [&one, &two] {
        let doubtful = stored(admin, message).await;
        assert_eq!(
            (&doubtful["status"], &doubtful["provider_message_id"]),
            (&json!("unknown"), &Value::Null)
        );
    }
    // Once somebody knows that the other was not sent, it can only be this one.
    resolve(admin, &two, &json!({"outcome": "not_sent", "resend": false})).await.expect(204);
    app.database.advance(31.0).await;
    adapter.question().await.say(there("p-one"));
    assert_eq!(becomes(admin, &one, "message.sent").await["provider_message_id"], "p-one");
    assert_eq!(stored(admin, &two).await["status"], "failed");
    assert_eq!(adapter.handed().len(), 3);
    app.process.stop().await;
}

#[tokio::test]
async fn of_many_messages_that_are_told_to_be_the_same_one_is() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Asked));
    let app = open(idle, &[&adapter]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let provider = account(admin, "scripted", 1, "hold").await;
    let message = sms(admin, Some(&provider)).await;
    let mut inquiries = Vec::new();
    for _ in 0..8 {
        let message = send(admin, &message).await;
        end(&ctx, go(begin(&ctx, &message).await), lost()).await;
        let job =
            ReconcileMessage { message: serde_json::from_value(json!(message)).expect("an id"), fence: 1 };
        inquiries.push(reconcile::prepare(&ctx, &job).await.expect("looked").expect("a question"));
    }
    let concluded = join_all(inquiries.iter().map(|inquiry| inquiry.conclude(&ctx, there("p-one")))).await;
    let sent = |ended: &Conclusion| *ended == Conclusion::Over(Some(Status::Sent));
    let concluded: Vec<Conclusion> = concluded.into_iter().map(|ended| ended.expect("concluded")).collect();
    assert_eq!(concluded.iter().filter(|ended| sent(ended)).count(), 1, "{concluded:?}");
    assert_eq!(admin.all(&format!("{MESSAGES}?status=unknown")).await.len(), 7);
    app.process.stop().await;
}

/// A worker that is killed between the claim and the call: the sandbox knows that nothing came.
#[tokio::test]
async fn a_message_whose_worker_was_killed_is_sent_once() {
    let app = TestApp::with_roles(Roles { worker: false, ..Roles::ALL }).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut message = sandbox(admin).await;
    let slow = json!({"name": "slow", "kind": "sandbox", "credentials": {"delay_ms": 3_000}});
    message["provider_id"] = admin.post(PROVIDERS, &slow).await.expect(201)["id"].clone();
    let worker = Worker::start(&app.database);
    let message = send(admin, &message).await;
    let path = format!("{MESSAGES}/{message}");
    until(admin, &path, |message| message["status"] == "sending").await;
    worker.kill().await;
    app.database.advance(31.0).await;
    // If the minute has not done so already.
    domain::messages::attempt::expire(&ctx).await.expect("settled");
    assert_eq!(stored(admin, &message).await["status"], "unknown");
    app.database.advance(62.0).await;
    let worker = Worker::start(&app.database);
    becomes(admin, &message, "message.sent").await;
    assert_eq!(delivered(admin).await, 1);
    let mut conn = app.database.connect_as("switchboard_system").await;
    assert_eq!(count(&mut conn, "select count(*) from message_attempts").await, 2);
    worker.kill().await;
    app.process.stop().await;
}
