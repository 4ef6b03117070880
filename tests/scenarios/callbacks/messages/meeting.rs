//! A callback and the end of the attempt it is about, at the same moment and in both orders.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;
use switchboard_tests::Socket;

use super::{Line, MESSAGES, Scripted, both, count, named, open, system, until_count};

#[tokio::test]
async fn what_is_told_before_the_attempt_is_settled_stays() {
    let adapter = Arc::new(Scripted::shut());
    let app = open(&adapter).await;
    let (admin, line) = (&app.acme.admin, Line::of(&app.acme.admin, "email").await);
    let message = line.send().await;
    adapter.begun().await;
    assert_eq!(line.status(&message).await, "sending");
    line.tell(&json!({"told": [both(&message, "delivered")]})).await.expect(204);
    assert_eq!(line.status(&message).await, "delivered");
    adapter.let_one();
    let jobs = "/api/v1/jobs?kind=send_message";
    crate::onboarding::until(admin, jobs, |jobs| jobs["items"][0]["state"] == "completed").await;
    let stored = admin.get(&format!("{MESSAGES}/{message}")).await.expect(200);
    assert_eq!((&stored["status"], stored["tries"].as_array().map(Vec::len)), (&json!("delivered"), Some(1)));
    assert_eq!(stored["provider_message_id"], format!("p-{message}"));
    assert!(stored["sent_at"].is_string(), "{stored}");
    assert_eq!(adapter.sent().len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_told_under_an_id_that_nobody_knows_yet_waits_for_it() {
    let adapter = Arc::new(Scripted::shut());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let message = line.send().await;
    adapter.begun().await;
    line.tell(&json!({"told": [named(&message, "delivered")]})).await.expect(204);
    let mut conn = system(&app).await;
    let waiting = "select count(*) from message_callbacks where message_id is null";
    assert_eq!(count(&mut conn, waiting).await, 1);
    assert_eq!(line.status(&message).await, "sending");
    adapter.let_one();
    line.until(&message, "delivered").await;
    assert_eq!(count(&mut conn, waiting).await, 0);
    app.process.stop().await;
}

/// Has a message sent, and tells of it while that is done.
async fn told_at_once(line: &Line) {
    let message = line.send().await;
    // By now it is handed over, or will be in a moment.
    line.tell(&json!({"told": [named(&message, "delivered")]})).await.expect(204);
}

#[tokio::test]
async fn a_callback_and_the_end_of_its_attempt_never_miss_each_other() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let all = 400;
    for _ in 0..all / 20 {
        join_all((0..20).map(|_| told_at_once(&line))).await;
    }
    let mut conn = system(&app).await;
    until_count(&mut conn, "select count(*) from messages where status = 'delivered'", all).await;
    assert_eq!(count(&mut conn, "select count(*) from message_callbacks where message_id is null").await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_told_twice_is_one_row_and_one_event() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let (admin, line) = (&app.acme.admin, Line::of(&app.acme.admin, "email").await);
    let message = line.send().await;
    line.until(&message, "sent").await;
    let mut socket = Socket::open(admin, None).await;
    let twice = json!({"told": [both(&message, "delivered"), both(&message, "delivered")]});
    line.tell(&twice).await.expect(204);
    line.tell(&twice).await.expect(204);
    line.tell(&json!({"told": [both(&message, "sent"), both(&message, "read")]})).await.expect(204);
    let heard = socket.until("message.read").await;
    let kinds: Vec<&str> = heard.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds, ["switchboard.message.delivered.v1", "switchboard.message.read.v1"]);
    let mut conn = system(&app).await;
    assert_eq!(count(&mut conn, "select count(*) from message_callbacks").await, 3);
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_told_of_a_message_is_shown_and_whether_it_counted() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let (admin, line) = (&app.acme.admin, Line::of(&app.acme.admin, "email").await);
    let (message, other) = (line.send().await, line.send().await);
    line.until(&message, "sent").await;
    for status in ["read", "delivered", "read"] {
        line.tell(&json!({"told": [named(&message, status)]})).await.expect(204);
    }
    let path = format!("{MESSAGES}/{message}");
    let stored = admin.get(&path).await.expect(200);
    let told = stored["callbacks"].as_array().expect("a list");
    let shown: Vec<_> = told.iter().map(|one| (&one["status"], &one["counted"])).collect();
    // The newest first; the same thing told again is no other.
    assert_eq!(shown, [(&json!("delivered"), &json!(false)), (&json!("read"), &json!(true))]);
    assert!(told.iter().all(|one| one["received_at"].is_string() && one["provider_id"] == line.provider));
    assert!(!stored["callbacks"].to_string().contains(&message), "nothing of what came is shown as it came");
    assert_eq!(admin.get(&format!("{MESSAGES}/{other}")).await.expect(200)["callbacks"], json!([]));
    assert_eq!(app.other.admin.get(&path).await.problem(404), "not-found");
    app.process.stop().await;
}
