//! Who is believed, and about what.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::upkeep;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{Line, Scripted, both, count, named, open, system};

const STORED: &str = "select count(*) from message_callbacks";

#[tokio::test]
async fn only_who_shows_that_they_are_the_provider_is_believed() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let mut conn = system(&app).await;
    let message = line.send().await;
    line.until(&message, "sent").await;
    let said = json!({"told": [both(&message, "read")]}).to_string();
    let forged = line.tell_at(&line.path, "guessed", said.clone()).await;
    assert_eq!(forged.problem(401), "unauthenticated");
    let (longer, other) = (format!("{}0", line.path), line.path.replace("/scripted/", "/sandbox/"));
    for path in ["/callbacks/scripted/nothing", longer.as_str(), other.as_str()] {
        assert_eq!(line.tell_at(path, super::SECRET, said.clone()).await.problem(404), "not-found", "{path}");
    }
    let odd = line.tell_at(&line.path, super::SECRET, "no JSON".into()).await;
    assert_eq!(odd.problem(422), "invalid");
    let large = line.tell_at(&line.path, super::SECRET, "x".repeat(256 * 1024 + 1)).await;
    assert_eq!(large.problem(413), "body-too-large");
    assert_eq!(count(&mut conn, STORED).await, 0);
    assert_eq!(line.status(&message).await, "sent");

    let anyone = app.acme.admin.anonymous();
    let asked = anyone.get(&format!("{}?challenge=4711", line.path)).await;
    assert_eq!(asked.headers["content-type"], "text/plain");
    assert_eq!(asked.expect(200), json!(4711));
    assert_eq!(anyone.get(&line.path).await.problem(401), "unauthenticated");
    app.process.stop().await;
}

#[tokio::test]
async fn a_paused_account_is_heard_and_one_that_was_taken_away_is_not() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let message = line.send().await;
    line.until(&message, "sent").await;
    let mut conn = system(&app).await;
    for (change, status) in [("paused_at = now(), pause_code = 'by_hand'", 204), ("deleted_at = now()", 404)]
    {
        let update = format!("update providers set {change}");
        sqlx::raw_sql(AssertSqlSafe(update)).execute(&mut conn).await.expect("changed");
        line.tell(&json!({"told": [both(&message, "delivered")]})).await.expect(status);
        assert_eq!(line.status(&message).await, "delivered");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_tells_of_what_another_has_sent() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let (others, theirs) =
        (Line::of(&app.acme.admin, "sms").await, Line::of(&app.other.admin, "email").await);
    let message = line.send().await;
    line.until(&message, "sent").await;
    for stranger in [&others, &theirs] {
        stranger
            .tell(&json!({"told": [both(&message, "read"), named(&message, "failed")]}))
            .await
            .expect(204);
        assert_eq!(line.status(&message).await, "sent");
    }
    let mut conn = system(&app).await;
    assert_eq!(count(&mut conn, "select count(*) from message_callbacks where message_id is null").await, 4);

    // What belongs to nobody is not kept for long, and what is known a little longer.
    line.tell(&json!({"told": [both(&message, "delivered")]})).await.expect(204);
    let platform = &app.process.app.platform;
    for (days, left) in [(6, 5), (2, 1), (23, 0)] {
        app.advance(TimeDelta::days(days)).await;
        while upkeep::forget_some(platform).await.expect("an answer") > 0 {}
        assert_eq!(count(&mut conn, STORED).await, left, "after {days} more");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn an_address_that_the_provider_gives_up_is_not_written_to_again() {
    let adapter = Arc::new(Scripted::open());
    let app = open(&adapter).await;
    let line = Line::of(&app.acme.admin, "email").await;
    let first = line.send().await;
    line.until(&first, "sent").await;
    let mut bounced = both(&first, "bounced");
    bounced["suppress"] = json!("all");
    for _ in 0..2 {
        line.tell(&json!({ "told": [bounced.clone()] })).await.expect(204);
    }
    line.until(&first, "bounced").await;
    let mut conn = system(&app).await;
    let kept =
        "select count(*) from suppressions where reason = 'bounce' and scope = 'all' and channel = 'email'";
    assert_eq!(count(&mut conn, kept).await, 1);
    let second = line.send().await;
    line.until(&second, "suppressed").await;
    assert_eq!(adapter.sent().len(), 1);
    app.process.stop().await;
}
