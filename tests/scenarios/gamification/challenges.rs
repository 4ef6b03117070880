//! Challenges: rounds of days, weeks and months, half-open, each with a live scorecard.

use chrono::{Datelike as _, TimeDelta};
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use super::{
    again, becomes, call, game, give, give_at, has, hold, lead_of, made, of, put, rule, standing, until,
};
use crate::{agents::person, leads::actions::wait, routing::team};

#[tokio::test]
async fn a_scorecard_is_live_and_what_was_reached_is_claimed_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let badge = made(admin, "badges", &json!({"name": "Diligent", "repeats": true})).await;
    let two = json!({
        "name": "Two calls", "period": "daily", "metric": "call_completed", "target": 2, "reward_points": 20,
        "badge_id": badge,
    });
    let challenge = made(admin, "challenges", &two).await;
    let player = person(&app, &agents[0]).await;
    let mut socket = Socket::open(admin, None).await;
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    let progress = of("challenges", &challenge, "/progress");
    let card = until(admin, &progress, |card| card["items"][0]["progress"] == 1).await;
    assert_eq!(
        (&card["items"][0]["agent_id"], &card["items"][0]["completed_at"]),
        (&agents[0], &Value::Null)
    );
    assert_eq!(
        player.post(&of("challenges", &challenge, "/claim"), &json!({})).await.problem(409),
        "not-reached"
    );
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    until(admin, &progress, |card| !card["items"][0]["completed_at"].is_null()).await;
    let told = socket.until("challenge.completed").await.pop().expect("an event");
    assert_eq!((&told["data"]["agent_id"], &told["data"]["progress"]), (&agents[0], &json!(2)));
    let active = player.get(&game("challenges/active")).await.expect(200)["items"][0].clone();
    assert_eq!(
        (&active["own_progress"], &active["joined"], &active["completed"]),
        (&json!(2), &json!(true), &json!(1))
    );
    for _ in 0..2 {
        let score = player.post(&of("challenges", &challenge, "/claim"), &json!({})).await.expect(200);
        assert!(!score["claimed_at"].is_null(), "{score}");
    }
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["lifetime_points"], &now["badges"][0]["count"]), (&json!(20), &json!(1)));
    // Another one is claimed for by whoever may play for others alone.
    let other = json!({"agent_id": agents[1]});
    assert_eq!(player.post(&of("challenges", &challenge, "/claim"), &other).await.status, 403);
    assert_eq!(admin.post(&of("challenges", &challenge, "/claim"), &other).await.problem(409), "not-reached");
    app.process.stop().await;
}

#[tokio::test]
async fn a_round_is_closed_after_its_end_and_what_nobody_claimed_is_given() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let ten = json!({"name": "Ten", "period": "daily", "metric": "points", "target": 10, "reward_points": 3});
    let challenge = made(admin, "challenges", &ten).await;
    give(admin, &agents[0], 10).await;
    give(admin, &agents[1], 9).await;
    let progress = of("challenges", &challenge, "/progress");
    let card = admin.get(&progress).await.expect(200);
    let day = card["day"].as_str().expect("a day").to_owned();
    let path = format!("{progress}?day={day}");
    let ends: chrono::DateTime<chrono::Utc> =
        card["ends_at"].as_str().expect("an end").parse().expect("an instant");
    app.advance(ends - app.clock.now() + TimeDelta::seconds(6)).await;
    let admin = &again(&app).await;
    let closed =
        until(admin, &path, |card| !card["closed_at"].is_null() && !card["items"][0]["claimed_at"].is_null())
            .await;
    assert_eq!(closed["items"][1]["completed_at"], Value::Null);
    has(admin, &agents[0], 13).await;
    // What is told late does not count, and what comes after the end is of the next round.
    let late = (ends - TimeDelta::microseconds(1)).to_rfc3339();
    give_at(admin, &agents[1], 5, &late).await;
    give_at(admin, &agents[1], 4, &ends.to_rfc3339()).await;
    let before = admin.get(&path).await.expect(200);
    assert_eq!((&before["items"][1]["progress"], &before["closed_at"]), (&json!(9), &closed["closed_at"]));
    assert_eq!(admin.get(&progress).await.expect(200)["items"][0]["progress"], 4);
    app.process.stop().await;
}

#[tokio::test]
async fn a_microsecond_decides_which_day_it_was_also_where_the_clock_is_changed() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    admin.patch("/api/v1/tenant", &json!({"zone": "Europe/Berlin"})).await.expect(200);
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let days = json!({"name": "Days", "period": "daily", "metric": "points", "target": 1_000});
    // The night of the Sunday in March on which the clock goes from two to three.
    let year = app.clock.now().date_naive().year();
    let (short, from, to) = [year, year + 1]
        .map(spring)
        .into_iter()
        .find(|one| one.1 > app.clock.now() + TimeDelta::hours(2))
        .expect("a spring");
    app.advance(from - TimeDelta::hours(1) - app.clock.now()).await;
    domain::upkeep::months_ahead(&app.process.app.platform).await.expect("months");
    let admin = &again(&app).await;
    let challenge = made(admin, "challenges", &days).await;
    app.advance(TimeDelta::hours(2)).await;
    let admin = &again(&app).await;
    let micro = TimeDelta::microseconds(1);
    for (at, points) in [(from - micro, 1), (from, 2)] {
        give_at(admin, &agents[0], points, &at.to_rfc3339()).await;
    }
    hold(admin, true).await;
    app.advance(TimeDelta::hours(22) + TimeDelta::seconds(1)).await;
    let admin = &again(&app).await;
    for (at, points) in [(to - micro, 4), (to, 8)] {
        give_at(admin, &agents[0], points, &at.to_rfc3339()).await;
    }
    let path = |day: chrono::NaiveDate| format!("{}?day={day}", of("challenges", &challenge, "/progress"));
    let card = admin.get(&path(short)).await.expect(200);
    assert_eq!(card["items"][0]["progress"], 6, "{card}");
    let instant = |field: &str| {
        card[field].as_str().expect("an instant").parse::<chrono::DateTime<chrono::Utc>>().expect("one")
    };
    assert_eq!(instant("ends_at") - instant("starts_at"), TimeDelta::hours(23));
    let next = admin.get(&path(short.succ_opt().expect("a day"))).await.expect(200);
    assert_eq!(next["items"][0]["progress"], 8);
    let board = game(&format!("leaderboard?period=day&day={short}"));
    assert_eq!(admin.get(&board).await.expect(200)["items"][0]["points"], 6, "the sums are of the same days");
    app.process.stop().await;
}

/// The last Sunday of a March, and when it begins and ends in Berlin.
fn spring(year: i32) -> (chrono::NaiveDate, chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) {
    let last = chrono::NaiveDate::from_ymd_opt(year, 3, 31).expect("a day");
    let sunday = last - chrono::Days::new(last.weekday().num_days_from_sunday().into());
    let midnight = sunday.and_hms_opt(0, 0, 0).expect("a time").and_utc();
    // It begins an hour before midnight of UTC, and ends two hours before the next one.
    (sunday, midnight - TimeDelta::hours(1), midnight + TimeDelta::hours(22))
}

#[tokio::test]
async fn what_is_not_reached_any_more_is_taken_back_and_may_be_reached_again() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    rule(admin, "lead_converted", 10).await;
    let sale = json!({"name": "A sale", "period": "weekly", "metric": "lead_converted", "target": 1, "reward_points": 5});
    let challenge = made(admin, "challenges", &sale).await;
    let lead = lead_of(admin, &agents[0]).await;
    let claim = of("challenges", &challenge, "/claim");
    let own = json!({"agent_id": agents[0]});
    for _ in 0..2 {
        becomes(admin, &lead, "converted").await;
        has(admin, &agents[0], 10).await;
        admin.post(&claim, &own).await.expect(200);
        has(admin, &agents[0], 15).await;
        becomes(admin, &lead, "qualified").await;
        has(admin, &agents[0], 0).await;
        assert_eq!(admin.post(&claim, &own).await.problem(409), "not-reached");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn who_takes_part_joins_and_is_of_the_team() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, sellers) = team(admin, "sales", 2, 50).await;
    let (_, others) = team(admin, "support", 1, 50).await;
    let open = json!({
        "name": "For sellers", "period": "monthly", "metric": "points", "target": 100, "team_id": sales, "by_joining": true,
    });
    let challenge = made(admin, "challenges", &open).await;
    let player = person(&app, &sellers[0]).await;
    give(admin, &sellers[0], 1).await;
    player.post(&of("challenges", &challenge, "/join"), &json!({})).await.expect(204);
    player.post(&of("challenges", &challenge, "/join"), &json!({})).await.expect(204);
    let join = of("challenges", &challenge, "/join");
    assert_eq!(admin.post(&join, &json!({"agent_id": others[0]})).await.problem(409), "other-team");
    for (agent, points) in [(&sellers[0], 2), (&sellers[1], 4), (&others[0], 8)] {
        give(admin, agent, points).await;
    }
    let card = admin.get(&of("challenges", &challenge, "/progress")).await.expect(200);
    let items = card["items"].as_array().expect("items");
    assert_eq!((items.len(), &items[0]["progress"]), (1, &json!(2)), "{card}");
    player.post(&of("challenges", &challenge, "/leave"), &json!({})).await.expect(204);
    give(admin, &sellers[0], 16).await;
    let card = admin.get(&of("challenges", &challenge, "/progress")).await.expect(200);
    assert_eq!(card["items"][0]["progress"], 2);
    let mut changed = open.clone();
    changed["metric"] = json!("call_completed");
    let path = format!("challenges/{}", challenge.as_str().expect("an id"));
    assert_eq!(crate::agents::pointer(put(admin, &path, &changed).await), "/metric");
    admin.delete(&of("challenges", &challenge, "")).await.expect(204);
    assert_eq!(admin.get(&of("challenges", &challenge, "")).await.status, 404);
    app.process.stop().await;
}

#[tokio::test]
async fn another_target_holds_from_the_next_round_on_and_takes_nothing_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let ten =
        json!({"name": "Ten", "period": "monthly", "metric": "points", "target": 10, "reward_points": 20});
    let challenge = made(admin, "challenges", &ten).await;
    give(admin, &agents[0], 10).await;
    give(admin, &agents[1], 9).await;
    let (progress, claim) =
        (of("challenges", &challenge, "/progress"), of("challenges", &challenge, "/claim"));
    admin.post(&claim, &json!({"agent_id": agents[0]})).await.expect(200);
    let path = format!("challenges/{}", challenge.as_str().expect("an id"));
    for target in [100, 5] {
        let mut other = ten.clone();
        other["target"] = json!(target);
        put(admin, &path, &other).await.expect(200);
        give(admin, &agents[0], 1).await;
        let card = admin.get(&progress).await.expect(200);
        assert_eq!(
            (&card["items"][0]["target"], &card["items"][1]["completed_at"]),
            (&json!(10), &Value::Null)
        );
        assert!(!card["items"][0]["claimed_at"].is_null(), "{card}");
    }
    assert_eq!(standing(admin, &agents[0]).await["lifetime_points"], 32);
    let active = admin.get(&game("challenges/active")).await.expect(200)["items"][0].clone();
    assert_eq!((&active["target"], &active["round_target"]), (&json!(5), &json!(10)));
    give(admin, &agents[1], 1).await;
    admin.post(&claim, &json!({"agent_id": agents[1]})).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_done_before_something_is_changed_counts_by_what_was_said_then() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let five = rule(admin, "call_completed", 5).await;
    let calls = json!({"name": "Calls", "period": "monthly", "metric": "call_completed", "target": 9, "by_joining": true});
    let challenge = made(admin, "challenges", &calls).await;
    let player = person(&app, &agents[0]).await;
    player.post(&of("challenges", &challenge, "/join"), &json!({})).await.expect(204);
    // Nobody reads the log while the call is over, the player leaves and the rule is taken away.
    let mut system = app.database.connect_as("switchboard_system").await;
    for statement in ["begin", "select from game_heads for update"] {
        sqlx::query(statement).execute(&mut system).await.expect("the heads are held");
    }
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    let (path, body) = (of("challenges", &challenge, "/leave"), json!({}));
    let gone = of("rules", &five, "");
    let (left, deleted, ()) = tokio::join!(player.post(&path, &body), admin.delete(&gone), async {
        wait(&app, 2).await;
        sqlx::query("commit").execute(&mut system).await.expect("they are free");
    });
    left.expect(204);
    deleted.expect(204);
    has(admin, &agents[0], 5).await;
    let card = admin.get(&of("challenges", &challenge, "/progress")).await.expect(200);
    assert_eq!(card["items"][0]["progress"], 1, "{card}");
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    let stats = game(&format!("stats?agent_id={}", agents[0].as_str().expect("an id")));
    until(admin, &stats, |stats| stats["today"]["deeds"] == 4).await;
    let card = admin.get(&of("challenges", &challenge, "/progress")).await.expect(200);
    assert_eq!(
        (&card["items"][0]["progress"], &standing(admin, &agents[0]).await["balance"]),
        (&json!(1), &json!(5))
    );
    app.process.stop().await;
}

#[tokio::test]
async fn a_round_whose_job_was_called_off_is_closed_when_there_is_another_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let ten = json!({"name": "Ten", "period": "daily", "metric": "points", "target": 10, "reward_points": 3});
    let challenge = made(admin, "challenges", &ten).await;
    give(admin, &agents[0], 10).await;
    let progress = of("challenges", &challenge, "/progress");
    let card = admin.get(&progress).await.expect(200);
    for job in admin.all("/api/v1/jobs?kind=close_games").await {
        let path = format!("/api/v1/jobs/{}/cancel", job["id"].as_str().expect("an id"));
        assert!(admin.post(&path, &json!({})).await.status < 300);
    }
    let ends: chrono::DateTime<chrono::Utc> =
        card["ends_at"].as_str().expect("an end").parse().expect("an instant");
    app.advance(ends - app.clock.now() + TimeDelta::hours(2)).await;
    let admin = &again(&app).await;
    let path = format!("{progress}?day={}", card["day"].as_str().expect("a day"));
    assert_eq!(admin.get(&path).await.expect(200)["closed_at"], Value::Null);
    give(admin, &agents[0], 1).await;
    until(admin, &path, |card| !card["closed_at"].is_null()).await;
    has(admin, &agents[0], 14).await;
    app.process.stop().await;
}
