//! Leaderboards: ranks that are shared, an order that stays, periods, teams, and who is gone.

use chrono::TimeDelta;
use domain::ctx::Clock as _;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{again, game, give, made};
use crate::routing::team;

fn ranks(page: &[Value]) -> Vec<(i64, i64)> {
    page.iter()
        .map(|line| (line["rank"].as_i64().expect("a rank"), line["points"].as_i64().expect("points")))
        .collect()
}

#[tokio::test]
async fn ranks_are_shared_and_pages_keep_one_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 5, 50).await;
    for (agent, points) in agents.iter().zip([20, 30, 20, 10]) {
        give(admin, agent, points).await;
    }
    let whole = admin.all(&game("leaderboard?period=day")).await;
    assert_eq!(ranks(&whole), [(1, 30), (2, 20), (2, 20), (4, 10)], "who has none is not on it");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&game(&format!("leaderboard?period=day&limit=1{cursor}"))).await.expect(200);
        paged.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
    let teams = admin.all(&game("leaderboard?period=all_time&of=teams")).await;
    assert_eq!(
        (ranks(&teams), &teams[0]["team_id"], &teams[0]["name"]),
        (vec![(1, 80)], &team, &json!("sales"))
    );
    assert!(app.other.admin.all(&game("leaderboard?period=all_time")).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_board_is_of_its_days_and_points_stay_with_the_team_they_were_earned_in() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (first, agents) = team(admin, "first", 1, 50).await;
    let (second, _) = team(admin, "second", 0, 50).await;
    give(admin, &agents[0], 5).await;
    let path = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.patch(&path, &json!({"team_id": second})).await.expect(200);
    app.advance(TimeDelta::days(1)).await;
    let admin = &again(&app).await;
    give(admin, &agents[0], 3).await;
    for (query, wanted) in [
        ("period=day".to_owned(), 3),
        ("period=all_time".to_owned(), 8),
        (format!("period=all_time&team_id={}", first.as_str().expect("an id")), 5),
        (format!("period=all_time&team_id={}", second.as_str().expect("an id")), 3),
        (format!("period=day&team_id={}", second.as_str().expect("an id")), 3),
    ] {
        let lines = admin.all(&game(&format!("leaderboard?{query}"))).await;
        assert_eq!(ranks(&lines), [(1, wanted)], "{query}");
    }
    assert_eq!(admin.get(&game("leaderboard?period=all_time&day=2026-01-01")).await.status, 422);
    let stats = admin.get(&game("stats")).await.expect(200);
    assert_eq!((&stats["today"]["points"], &stats["lifetime_points"]), (&json!(3), &json!(8)));
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_gone_is_a_former_member() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    for (agent, points) in agents.iter().zip([20, 10]) {
        give(admin, agent, points).await;
    }
    let path = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.delete(&path).await.expect(204);
    let lines = admin.all(&game("leaderboard?period=all_time")).await;
    assert_eq!(ranks(&lines), [(1, 20), (2, 10)], "the figures stay");
    assert_eq!((&lines[0]["name"], &lines[1]["name"]), (&json!("former member"), &json!("Agent 1")));
    app.process.stop().await;
}

#[tokio::test]
async fn a_team_that_is_gone_is_a_former_team() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (first, agents) = team(admin, "first", 1, 50).await;
    let (second, _) = team(admin, "second", 0, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(1);
    let new = json!({"name": "Both", "metric": "points", "ends_at": ends, "team_ids": [first, second]});
    let competition = made(admin, "competitions", &new).await;
    give(admin, &agents[0], 5).await;
    let agent = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.patch(&agent, &json!({"team_id": second})).await.expect(200);
    let path = format!("/api/v1/teams/{}", first.as_str().expect("an id"));
    admin.delete(&path).await.expect(204);
    for period in ["day", "all_time"] {
        let lines = admin.all(&game(&format!("leaderboard?of=teams&period={period}"))).await;
        assert_eq!(
            (ranks(&lines), &lines[0]["name"]),
            (vec![(1, 5)], &json!("former team")),
            "{period}: the figures stay"
        );
    }
    let id = competition.as_str().expect("an id");
    let board = admin.get(&game(&format!("competitions/leaderboard?competition_id={id}"))).await.expect(200);
    let of = |place: usize| (board["teams"][place]["name"].clone(), board["teams"][place]["score"].clone());
    assert_eq!((of(0), of(1)), ((json!("former team"), json!(5)), (json!("second"), json!(0))));
    app.process.stop().await;
}
