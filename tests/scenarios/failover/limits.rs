//! An account's rate holds for whatever goes by it, whichever account it was meant for at first.

use std::sync::Arc;

use domain::messages::{
    attempt::{self, Slot, Start, Turn},
    provider::{Refusal, Route},
    rules::Status,
};
use serde_json::{Value, json};
use switchboard_tests::{
    Client,
    scripted::{Scripted, refused},
};

use crate::{
    gates::becomes,
    onboarding::until,
    rights::admitted,
    sending::{PROVIDERS, account, end, idle, open, send, sms, stored},
};

async fn queue(client: &Client, verb: &str) {
    client.post(&format!("/api/v1/queues/messages/{verb}"), &json!({})).await.expect(204);
}

fn completed(jobs: &Value) -> usize {
    let jobs = jobs["items"].as_array().expect("items");
    jobs.iter().filter(|job| job["state"] == "completed").count()
}

#[tokio::test]
async fn what_another_account_takes_over_counts_against_the_rate_of_that_one() {
    const ALL: usize = 3;
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(|_| {}, &[&adapter]).await;
    let admin = &app.acme.admin;
    let first = account(admin, "scripted", 1, "hold").await;
    let slow = json!({
        "name": "slow", "kind": "scripted", "channel": "sms", "priority": 2, "rate_per_s": 0.001,
    });
    let second = admin.post(PROVIDERS, &slow).await.expect(201)["id"].clone();
    let message = sms(admin, None).await;
    queue(admin, "pause").await;
    let mut messages = Vec::new();
    for _ in 0..ALL {
        messages.push(send(admin, &message).await);
    }
    let path = format!("{PROVIDERS}/{}", first.as_str().expect("an id"));
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    queue(admin, "resume").await;

    // Each is handed over by its own job, but the second account takes one and then rests.
    let jobs = "/api/v1/jobs?kind=send_message";
    until(admin, jobs, |jobs| {
        jobs["items"].as_array().is_some_and(|all| all.len() == 2 * ALL) && completed(jobs) == ALL
    })
    .await;
    for taken in 1..=ALL {
        let call = adapter.call().await;
        assert_eq!(serde_json::to_value(call.account).expect("JSON"), second);
        call.take();
        until(admin, jobs, |jobs| completed(jobs) == ALL + taken).await;
        assert_eq!(adapter.handed().len(), taken, "the next one waits for its turn");
        app.database.advance(1_001.0).await;
    }
    for message in &messages {
        let sent = becomes(admin, message, "message.sent").await;
        assert_eq!((&sent["attempts"], &sent["provider_id"]), (&json!(1), &second));
    }
    let all = admin.all(jobs).await;
    assert!(all.iter().all(|job| job["attempt"] == 1), "to be handed over is no attempt: {all:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_is_handed_over_once_and_not_to_and_fro() {
    let adapter = Arc::new(Scripted::new("scripted", Route::Echoes));
    let app = open(idle, &[&adapter]).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let first = account(admin, "scripted", 1, "hold").await;
    let second = account(admin, "scripted", 2, "hold").await;
    let message = send(admin, &sms(admin, None).await).await;
    let turn = async |by: &Value| {
        let job = stored(admin, &message).await["job_id"].clone();
        let slot = Slot {
            job: serde_json::from_value(job).expect("an id"),
            by: serde_json::from_value(by.clone()).expect("an id"),
        };
        Turn { message: serde_json::from_value(json!(message)).expect("an id"), slot: Some(slot) }
    };
    let begin = async |turns: &[Turn]| attempt::begin(&ctx, turns).await.expect("begun");
    let path = format!("{PROVIDERS}/{}", first.as_str().expect("an id"));
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let old = turn(&first).await;
    assert!(matches!(begin(&[old]).await[..], [Start::Elsewhere]));
    let new = turn(&second).await;
    assert_ne!(new.slot.expect("a slot").job, old.slot.expect("a slot").job, "another job has it");
    // The old job runs once more, as after the loss of its process.
    assert!(matches!(begin(&[old]).await[..], [Start::Over(Some(Status::Queued))]));
    assert_eq!(admin.all("/api/v1/jobs?kind=send_message").await.len(), 2);

    // The first is back, but the second has a place for it. It is the turn of the job that the message names.
    admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    let starts = begin(&[old, new]).await;
    assert!(matches!(starts[..], [Start::Over(_), Start::Go(_)]));
    assert_eq!(stored(admin, &message).await["provider_id"], second);
    // Once the second was asked, the next round begins with the first again.
    let asked =
        starts.into_iter().find_map(|start| if let Start::Go(one) = start { Some(*one) } else { None });
    admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    end(&ctx, asked.expect("an attempt"), refused(Refusal::Throttled, None)).await;
    admin.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    app.database.advance(120.0).await;
    assert!(matches!(begin(&[turn(&second).await]).await[..], [Start::Elsewhere]));
    app.process.stop().await;
}
