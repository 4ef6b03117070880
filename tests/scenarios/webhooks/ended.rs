//! What becomes of deliveries that fail, and of endpoints that do.

use chrono::{DateTime, TimeDelta, Utc};
use domain::webhooks::rules::{SPREAD, WAITS};
use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use super::{DELIVERIES, Hook, Receiver, is, lead, program, tried};

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap_or_else(|| panic!("no instant: {value}")).parse().expect("an instant")
}

fn after(attempts: usize) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["attempts"] == attempts
}

#[tokio::test]
async fn a_failure_is_tried_again_ever_later_and_can_be_replayed_in_the_end() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(500).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    lead(&client, "ada").await;
    for (count, wait) in (1..).zip(WAITS) {
        receiver.wait_for(count).await;
        let delivery = hook.only(&client, after(count)).await;
        assert_eq!((&delivery["state"], &delivery["status_code"]), (&json!("pending"), &json!(500)));
        let ended = instant(&tried(&client, &delivery).await["tried"][0]["at"]);
        let waits = (instant(&delivery["next_attempt_at"]) - ended).as_seconds_f64();
        // Both were read off the clock, one a moment after the other.
        let (least, most) = (wait.as_secs_f64() - 0.001, wait.as_secs_f64() * (1.0 + SPREAD) + 1.0);
        assert!((least..=most).contains(&waits), "{waits} s after attempt {count}, not {wait:?}");
        app.advance(TimeDelta::from_std(wait.mul_f64(1.0 + SPREAD)).expect("a time")).await;
    }
    let heard = receiver.wait_for(10).await;
    let delivery = hook.only(&client, is("failed")).await;
    assert_eq!((&delivery["attempts"], &delivery["next_attempt_at"]), (&json!(10), &Value::Null));
    assert_eq!(tried(&client, &delivery).await["tried"].as_array().map(Vec::len), Some(10));
    let id = delivery["id"].as_str().expect("an id").to_owned();
    assert!(heard.iter().all(|one| one.id() == id && one.body == heard[0].body), "one id for all attempts");
    let stamps: Vec<&str> = heard.iter().map(|one| one.header("webhook-timestamp")).collect();
    assert!(stamps.is_sorted() && stamps[0] != stamps[9], "signed when it is sent: {stamps:?}");

    receiver.answer(200);
    let replay = format!("{DELIVERIES}/{id}/replay");
    let _ = app.other.admin.anonymous().post(&replay, &json!({})).await.problem(401);
    client.post(&replay, &json!({})).await.expect(202);
    let again = receiver.wait_for(11).await.remove(10);
    assert_eq!((again.id(), &again.body), (id.as_str(), &heard[0].body));
    assert_eq!(hook.only(&client, is("succeeded")).await["attempts"], 11);
    assert!(hook.shown(&client).await["failing_since"].is_null());
    app.process.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_told_nothing_until_it_is_enabled_and_misses_nothing_by_a_replay() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(200).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    let mut socket = Socket::open(&client, None).await;
    receiver.answer_once(410);
    lead(&client, "ada").await;
    let told = socket.until("webhook.disabled").await.pop().expect("an event");
    assert_eq!(
        (&told["subject"], &told["data"]["why"]),
        (&json!(format!("webhook:{}", hook.id)), &json!("gone"))
    );
    let failed = hook.only(&client, is("failed")).await;
    assert_eq!((&failed["error_code"], &failed["status_code"]), (&json!("gone"), &json!(410)));
    let shown = hook.shown(&client).await;
    assert_eq!((&shown["enabled"], &shown["disabled_why"]), (&json!(false), &json!("gone")));
    let noted = app.acme.admin.all("/api/v1/compliance/security-events").await;
    let noted = noted.iter().find(|event| event["action"] == "disable" && event["resource_id"] == hook.id);
    assert!(noted.is_some_and(|event| event["actor_kind"] == "system"), "it is a security event: {noted:?}");
    for what in ["test", "replay"] {
        let refused = client.post(&format!("{}/{what}", hook.path()), &json!({"since": 0})).await;
        assert_eq!(refused.problem(409), "webhook-disabled", "{what}");
    }

    lead(&client, "eve").await;
    socket.until("lead.created").await;
    let shown = hook.act(&client, "enable").await;
    let (from, to) =
        (shown["gap"]["from"].as_i64().expect("a gap"), shown["gap"]["to"].as_i64().expect("a gap"));
    assert!(from <= to, "{shown}");
    lead(&client, "mel").await;
    receiver.wait_for(2).await;
    hook.until(&client, |all| all.len() == 2 && is("succeeded")(&all[0])).await;

    // Both that were missed; the one that was told is told again only if it is asked for.
    let replay = client.post(&format!("{}/replay", hook.path()), &json!({"since": 0, "until": to})).await;
    let _ = replay.expect(202);
    let all = hook.until(&client, |all| all.len() == 3 && all.iter().all(is("succeeded"))).await;
    let heard = receiver.wait_for(4).await;
    let mut sequences: Vec<Option<i64>> = all.iter().map(|one| one["sequence"].as_i64()).collect();
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), 3, "each event has one delivery");
    assert_eq!(heard.iter().filter(|one| failed["id"] == one.id()).count(), 2, "it keeps its id");
    app.process.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_disabled_and_what_waits_for_it_is_cancelled() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(503).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    lead(&client, "ada").await;
    hook.only(&client, after(1)).await;
    let failing = hook.shown(&client).await;
    assert_eq!(failing["enabled"], true);
    instant(&failing["failing_since"]);
    app.advance(TimeDelta::days(6)).await;
    let waits = hook.only(&client, after(2)).await;
    let shown = hook.shown(&client).await;
    assert_eq!((&shown["enabled"], &shown["disabled_why"]), (&json!(false), &json!("failing")));
    assert_eq!(waits["state"], "pending");
    app.advance(TimeDelta::minutes(7)).await;
    let cancelled = hook.only(&client, is("cancelled")).await;
    assert_eq!((&cancelled["error_code"], &cancelled["attempts"]), (&json!("disabled"), &json!(2)));
    assert_eq!(receiver.heard().len(), 2);
    let replay = format!("{DELIVERIES}/{}/replay", cancelled["id"].as_str().expect("an id"));
    assert_eq!(client.post(&replay, &json!({})).await.problem(409), "webhook-disabled");
    app.process.stop().await;
}

#[tokio::test]
async fn one_that_is_deleted_is_told_nothing_and_its_log_stays() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(200).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    lead(&client, "ada").await;
    let delivery = hook.only(&client, is("succeeded")).await;
    assert_eq!(app.other.admin.delete(&hook.path()).await.problem(404), "not-found");
    client.delete(&hook.path()).await.expect(204);
    assert_eq!(client.get(&hook.path()).await.problem(404), "not-found");
    // Another one of the same name is told from then on.
    let next = Hook::new(&client, &receiver, &["lead.created"]).await;
    lead(&client, "eve").await;
    next.only(&client, is("succeeded")).await;
    assert_eq!(receiver.heard().len(), 2);
    assert_eq!(tried(&client, &delivery).await["webhook_id"], hook.id);
    let kept = client.all(&format!("{DELIVERIES}?webhook_id={}", hook.id)).await;
    assert_eq!(kept.len(), 1);
    assert!(app.other.admin.all(DELIVERIES).await.is_empty());
    app.process.stop().await;
}
