//! Badges: once for each occasion, however many say so at once.

use futures::{StreamExt, stream};
use serde_json::json;
use switchboard_tests::TestApp;

use super::{call, game, has, made, of, put, rule, standing, until};
use crate::routing::team;

#[tokio::test]
async fn a_thousand_awards_at_once_are_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let badge = made(admin, "badges", &json!({"name": "Helper", "repeats": true})).await;
    let path = of("badges", &badge, "/awards");
    let body = json!({"agent_id": agents[0], "occasion": "the move"});
    let statuses: Vec<u16> = stream::iter(0..1_000)
        .map(|_| async { admin.post(&path, &body).await.status })
        .buffer_unordered(100)
        .collect()
        .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "one is new");
    assert!(statuses.iter().all(|status| [200, 201].contains(status)));
    assert_eq!(standing(admin, &agents[0]).await["badges"][0]["count"], 1);
    let other = json!({"agent_id": agents[0], "occasion": "the feast"});
    assert_eq!(admin.post(&path, &other).await.expect(201)["count"], 2);
    let awards =
        admin.all(&game(&format!("badges/awards?agent_id={}", agents[0].as_str().expect("an id")))).await;
    assert_eq!(awards.len(), 2);
    let shown = admin.get(&of("badges", &badge, "")).await.expect(200);
    assert_eq!((&shown["holders"], &shown["awards"]), (&json!(1), &json!(2)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_badge_that_does_not_repeat_is_had_once_and_one_of_deeds_comes_by_itself() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let once = made(admin, "badges", &json!({"name": "First day"})).await;
    let path = of("badges", &once, "/awards");
    admin.post(&path, &json!({"agent_id": agents[0]})).await.expect(201);
    admin.post(&path, &json!({"agent_id": agents[0], "occasion": "again"})).await.expect(200);
    let two =
        json!({"name": "Each two calls", "repeats": true, "on": {"deed": "call_completed", "every": 2}});
    let each = made(admin, "badges", &two).await;
    assert_eq!(
        admin.post(&of("badges", &each, "/awards"), &json!({"agent_id": agents[0]})).await.problem(409),
        "badge-by-itself"
    );
    rule(admin, "call_completed", 1).await;
    for calls in 1..=5 {
        call(admin, &agents[0], &json!({"outcome": "interested"})).await;
        has(admin, &agents[0], calls).await;
    }
    let stats = game(&format!("stats?agent_id={}", agents[0].as_str().expect("an id")));
    let now = until(admin, &stats, |stats| stats["agent"]["badges"][0]["count"] == 2).await;
    assert_eq!((&now["agent"]["badges"][0]["badge_id"], &now["badges_awarded"]), (&each, &json!(3)));
    app.process.stop().await;
}

#[tokio::test]
async fn a_badge_that_comes_more_often_from_now_on_comes_as_often_as_it_is_due() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let each = |every: i64| json!({"name": "Calls", "repeats": true, "on": {"deed": "call_completed", "every": every}});
    let badge = made(admin, "badges", &each(2)).await;
    let stats = game(&format!("stats?agent_id={}", agents[0].as_str().expect("an id")));
    for _ in 0..2 {
        call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    }
    until(admin, &stats, |stats| stats["agent"]["badges"][0]["count"] == 1).await;
    put(admin, &format!("badges/{}", badge.as_str().expect("an id")), &each(1)).await.expect(200);
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    until(admin, &stats, |stats| stats["agent"]["badges"][0]["count"] == 3).await;
    app.process.stop().await;
}
