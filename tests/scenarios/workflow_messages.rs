//! The messages of workflows that are stopped: what has not left stays here, whatever becomes of its job.

use std::sync::Arc;

use domain::messages::{
    attempt::{self, Start},
    provider::Route,
    rules::Status,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp, scripted::Scripted};

use crate::{
    onboarding::{Desk, started, step, subjects, until},
    rights::admitted,
    routing::rules,
    sending::{MESSAGES, PROVIDERS, begin, open, rests, stored},
};

async fn lead(client: &Client) -> Value {
    rules::lead(client, &json!({"name": "Ada", "attributes": {"plan": "team"}})).await
}

/// Has the account of the desk stand still, or go on.
async fn account(client: &Client, desk: &Desk, verb: &str) {
    let provider = &desk.start_of(&Value::Null)["input"]["provider_id"];
    let path = format!("{PROVIDERS}/{}/{verb}", provider.as_str().expect("an id"));
    client.post(&path, &json!({})).await.expect(200);
}

/// Starts a run for a lead; answers it and its welcome, once that is written.
async fn welcoming(client: &Client, desk: &Desk, lead: &Value) -> (String, String) {
    let path = started(client, &desk.start_of(lead)).await;
    let run = until(client, &path, |run| step(run, "welcome")["output"]["message_id"].is_string()).await;
    let message = step(&run, "welcome")["output"]["message_id"].as_str().expect("an id").to_owned();
    (path, message)
}

async fn cancelled(client: &Client, run: &str) {
    client.post(&format!("{run}/cancel"), &json!({})).await.expect(200);
    until(client, run, |run| run["state"] == "cancelled").await;
}

#[tokio::test]
async fn of_two_runs_that_become_one_with_their_leads_one_welcomes() {
    let app = TestApp::start().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let desk = Desk::set_up(admin).await;
    account(admin, &desk, "pause").await;
    let (stays, goes) = (lead(admin).await, lead(admin).await);
    let (one, kept) = welcoming(admin, &desk, &stays).await;
    let (two, dropped) = welcoming(admin, &desk, &goes).await;
    let merge = format!("/api/v1/leads/{}/merge", stays.as_str().expect("an id"));
    // Its job may be looking at the message just now.
    let merged = loop {
        let answer = admin.post(&merge, &json!({ "loser_id": goes })).await;
        if answer.status != 409 {
            break answer;
        }
        assert_eq!(answer.problem(409), "lead-busy");
    };
    merged.expect(200);
    let over = stored(admin, &dropped).await;
    assert_eq!((&over["status"], &over["error_code"]), (&json!("cancelled"), &json!("run_over")));
    assert_eq!(over["lead_id"], stays, "it has gone along all the same");
    assert_eq!(stored(admin, &kept).await["status"], "queued");
    until(admin, &two, |run| run["state"] == "cancelled").await;

    app.database.advance(61.0).await;
    assert_eq!(attempt::adopt(&ctx).await.expect("looked"), 0);
    rests(admin, "send_message").await;
    account(admin, &desk, "resume").await;
    until(admin, &one, |run| step(run, "reply")["state"] == "sleeping").await;
    assert_eq!(subjects(admin).await, ["welcome, Ada"]);
    assert_eq!(stored(admin, &dropped).await["status"], "cancelled");
    app.process.stop().await;
}

/// A run that is stopped in another way than by the commands, as a schedule does.
#[tokio::test]
async fn a_message_whose_run_is_over_is_neither_sent_nor_given_another_job() {
    let app = TestApp::start().await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let desk = Desk::set_up(admin).await;
    account(admin, &desk, "pause").await;
    let mut left = Vec::new();
    for _ in 0..2 {
        let (run, message) = welcoming(admin, &desk, &lead(admin).await).await;
        let id = run.rsplit('/').next().expect("an id").parse().expect("an id");
        let mut tx = app.process.app.platform.engine.begin_tenant(app.acme.id.0).await.expect("begun");
        tx.cancel_run(id).await.expect("stopped");
        tx.commit().await.expect("committed");
        until(admin, &run, |run| run["state"] == "cancelled").await;
        left.push(message);
    }
    assert!(matches!(begin(&ctx, &left[0]).await, Start::Over(Some(Status::Cancelled))));
    app.database.advance(61.0).await;
    attempt::adopt(&ctx).await.expect("looked");
    for message in &left {
        let over = stored(admin, message).await;
        assert_eq!((&over["status"], &over["error_code"]), (&json!("cancelled"), &json!("run_over")));
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_run_that_is_cancelled_may_have_sent_is_of_unknown_fate() {
    let keyed = Arc::new(Scripted::new("sandbox", Route::Keyed));
    let app = open(|_| {}, &[&keyed]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let desk = Desk::set_up(admin).await;
    let (run, message) = welcoming(admin, &desk, &lead(admin).await).await;
    let call = keyed.call().await;
    account(admin, &desk, "pause").await;
    call.lose();
    until(admin, &format!("{MESSAGES}/{message}"), |message| message["status"] == "queued").await;
    cancelled(admin, &run).await;
    let doubtful = stored(admin, &message).await;
    assert_eq!((&doubtful["status"], &doubtful["failure"]), (&json!("unknown"), &json!("ambiguous")));
    assert_eq!(doubtful["error_code"], "run_over");
    app.database.advance(61.0).await;
    assert_eq!(attempt::adopt(&ctx).await.expect("looked"), 0);
    assert_eq!(keyed.handed().len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_that_is_taken_up_again_sends_what_was_cancelled_with_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let desk = Desk::set_up(admin).await;
    account(admin, &desk, "pause").await;
    let (run, message) = welcoming(admin, &desk, &lead(admin).await).await;
    // What its job has in hand just then is not cancelled with the run, but when it is found without a job.
    rests(admin, "send_message").await;
    cancelled(admin, &run).await;
    assert_eq!(stored(admin, &message).await["status"], "cancelled");
    let log = admin.all("/api/v1/compliance/audit-logs?resource=message").await;
    assert!(log.iter().any(|entry| entry["action"] == "cancel" && entry["detail"]["status"] == "cancelled"));
    admin.post(&format!("{run}/retry"), &json!({})).await.expect(200);
    assert_eq!(stored(admin, &message).await["status"], "queued");
    rests(admin, "send_message").await;
    account(admin, &desk, "resume").await;
    until(admin, &run, |run| step(run, "reply")["state"] == "sleeping").await;
    assert_eq!(stored(admin, &message).await["status"], "sent");
    assert_eq!(subjects(admin).await, ["welcome, Ada"]);
    app.process.stop().await;
}
