//! Where games begin and end: half-open, and for whoever takes part by then; what is told afterwards counts no more.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{again, game, give, give_at, hold, made, of, standing, until};
use crate::routing::team;

const MICRO: TimeDelta = TimeDelta::microseconds(1);

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("one")
}

#[tokio::test]
async fn a_challenge_counts_from_its_beginning_to_before_its_end_and_a_member_from_when_they_joined() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let ends = app.clock.now() + TimeDelta::minutes(1);
    let minute = json!({"name": "A minute", "period": "monthly", "metric": "points", "target": 1_000, "ends_at": ends});
    let minute = made(admin, "challenges", &minute).await;
    let club = json!({"name": "A club", "period": "monthly", "metric": "points", "target": 1_000, "by_joining": true});
    let club = made(admin, "challenges", &club).await;
    let shown = admin.get(&of("challenges", &minute, "")).await.expect(200);
    let (starts, ends) = (instant(&shown["starts_at"]), instant(&shown["ends_at"]));
    let founded = instant(&admin.get(&of("challenges", &club, "")).await.expect(200)["starts_at"]);
    admin.post(&of("challenges", &club, "/join"), &json!({"agent_id": agents[0]})).await.expect(204);
    app.advance(TimeDelta::minutes(2)).await;
    let admin = &again(&app).await;
    for (at, points) in [(starts - MICRO, 1), (starts, 2), (ends - MICRO, 4), (ends, 8)] {
        give_at(admin, &agents[0], points, &at.to_rfc3339()).await;
    }
    let card = admin.get(&of("challenges", &minute, "/progress")).await.expect(200);
    assert_eq!(card["items"][0]["progress"], 6, "{card}");
    // The club was there, and they were not in it.
    give_at(admin, &agents[0], 16, &founded.to_rfc3339()).await;
    let card = admin.get(&of("challenges", &club, "/progress")).await.expect(200);
    assert_eq!(card["items"][0]["progress"], 12, "{card}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_told_of_a_day_that_is_over_opens_no_round_of_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let ten = json!({"name": "Ten", "period": "daily", "metric": "points", "target": 10, "reward_points": 3});
    let challenge = made(admin, "challenges", &ten).await;
    let progress = of("challenges", &challenge, "/progress");
    // On this day nobody has done anything.
    let card = admin.get(&progress).await.expect(200);
    let ends = instant(&card["ends_at"]);
    app.advance(ends - app.clock.now() + TimeDelta::seconds(6)).await;
    let admin = &again(&app).await;
    give_at(admin, &agents[0], 10, &(ends - MICRO).to_rfc3339()).await;
    let path = format!("{progress}?day={}", card["day"].as_str().expect("a day"));
    let before = admin.get(&path).await.expect(200);
    assert!(before["items"].as_array().is_some_and(Vec::is_empty), "{before}");
    assert_eq!(standing(admin, &agents[0]).await["lifetime_points"], 10, "the points are theirs");
    give(admin, &agents[0], 4).await;
    assert_eq!(admin.get(&progress).await.expect(200)["items"][0]["progress"], 4);
    app.process.stop().await;
}

#[tokio::test]
async fn what_comes_late_scores_for_nobody_and_wins_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, sellers) = team(admin, "sales", 2, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(1);
    let new = json!({
        "name": "Autumn", "metric": "points", "ends_at": ends, "team_ids": [sales], "prize_points": 30,
    });
    let competition = made(admin, "competitions", &new).await;
    let path = of("competitions", &competition, "");
    let starts = instant(&admin.get(&path).await.expect(200)["starts_at"]);
    give(admin, &sellers[0], 5).await;
    // It is closed, and what it brings is not given out yet.
    hold(admin, true).await;
    admin.post(&format!("{path}/close"), &json!({})).await.expect(200);
    let contributions = format!("{path}/contributions");
    let scored = admin.all(&contributions).await;
    assert_eq!((scored.len(), &scored[0]["score"]), (1, &json!(5)));
    for seller in &sellers {
        give_at(admin, seller, 50, &starts.to_rfc3339()).await;
    }
    assert_eq!(admin.all(&contributions).await, scored);
    let id = competition.as_str().expect("an id");
    let board = admin.get(&game(&format!("competitions/leaderboard?competition_id={id}"))).await.expect(200);
    assert_eq!((&board["teams"][0]["score"], &board["teams"][0]["players"]), (&json!(5), &json!(1)));
    hold(admin, false).await;
    until(admin, &path, |one| !one["rewarded_at"].is_null()).await;
    for (seller, points) in sellers.iter().zip([85, 50]) {
        assert_eq!(standing(admin, seller).await["lifetime_points"], points);
    }
    app.process.stop().await;
}
