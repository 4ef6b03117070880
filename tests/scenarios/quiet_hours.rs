//! Nobody is written to at night, where they are.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use domain::ctx::Clock as _;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    gates::{POLICY, agrees, becomes, delivered, marketing, send, to},
    routing::rules::lead,
    sending::rests,
};

/// Has it be quiet around now, an hour before and two after, as a clock shows it that is so many hours ahead of UTC.
async fn quiet(client: &Client, now: DateTime<Utc>, ahead: i32) {
    let there = now.with_timezone(&FixedOffset::east_opt(ahead * 3600).expect("an offset"));
    let at = |by: TimeDelta| (there + by).format("%H:%M").to_string();
    let policy = json!({"quiet_hours": {
        "from": at(TimeDelta::hours(-1)), "until": at(TimeDelta::hours(2)), "purposes": ["marketing"],
    }});
    client.send(client.request(reqwest::Method::PUT, POLICY).json(&policy)).await.expect(200);
}

#[tokio::test]
async fn what_would_come_at_night_comes_when_the_night_is_over() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    agrees(admin, &json!({"to": "ada@example.com"}), true).await;
    // Nothing is known of the person: they are taken to be where the tenant is, which is UTC.
    quiet(admin, app.clock.now(), 0).await;
    let message = send(admin, &advert).await;
    let waits = becomes(admin, &message, "message.deferred").await;
    assert_eq!(waits["status"], "queued", "{waits}");
    let mut receipt = advert.clone();
    receipt["purpose"] = json!("transactional");
    becomes(admin, &send(admin, &receipt).await, "message.sent").await;
    assert_eq!(delivered(admin).await, 1);
    // The job says that it waits after its message does.
    rests(admin, "send_message").await;
    app.database.advance(2.0 * 3600.0 + 60.0).await;
    assert_eq!(becomes(admin, &message, "message.sent").await["status"], "sent");
    assert_eq!(delivered(admin).await, 2);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_withdraws_during_the_night_gets_nothing_in_the_morning() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    agrees(admin, &json!({"to": "ada@example.com"}), true).await;
    quiet(admin, app.clock.now(), 0).await;
    let message = send(admin, &advert).await;
    becomes(admin, &message, "message.deferred").await;
    agrees(admin, &json!({"to": "ada@example.com"}), false).await;
    // The job says that it waits after its message does.
    rests(admin, "send_message").await;
    app.database.advance(2.0 * 3600.0 + 60.0).await;
    let held = becomes(admin, &message, "message.suppressed").await;
    assert_eq!(held["error_code"], "consent_withdrawn");
    assert_eq!(delivered(admin).await, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn it_is_night_where_the_number_says_that_the_person_is() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let advert = marketing(admin).await;
    // Tokyo is nine hours ahead all year; the tenant is in UTC, where it is not quiet then.
    quiet(admin, app.clock.now(), 9).await;
    for (fields, address, event) in [
        (json!({"phone": "+81312345678"}), "tokyo@example.com", "message.deferred"),
        (json!({"region": "Asia/Tokyo"}), "named@example.com", "message.deferred"),
        (json!({"phone": "+4930901820"}), "berlin@example.com", "message.sent"),
        (json!({}), "nowhere@example.com", "message.sent"),
    ] {
        let who: Value = lead(admin, &fields).await;
        agrees(admin, &json!({ "lead_id": who }), true).await;
        let mut message = to(&advert, address);
        message["lead_id"] = who;
        becomes(admin, &send(admin, &message).await, event).await;
    }
    assert_eq!(delivered(admin).await, 2);
    app.process.stop().await;
}
