//! Competitions: half-open to the microsecond, frozen once, and won once.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ctx::Clock;
use futures::future::join_all;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use super::{again, game, give, give_at, has, hold, made, of, standing, until};
use crate::routing::team;

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("an instant").parse().expect("one")
}

async fn board(client: &Client, competition: &Value) -> Value {
    let id = competition.as_str().expect("an id");
    client.get(&game(&format!("competitions/leaderboard?competition_id={id}"))).await.expect(200)
}

/// Rank and score of each team.
fn scores(board: &Value) -> Vec<(i64, i64)> {
    let teams = board["teams"].as_array().expect("teams");
    teams
        .iter()
        .map(|team| (team["rank"].as_i64().expect("a rank"), team["score"].as_i64().expect("a score")))
        .collect()
}

#[tokio::test]
async fn a_microsecond_decides_and_what_comes_late_changes_nothing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, sellers) = team(admin, "sales", 1, 50).await;
    let (support, helpers) = team(admin, "support", 1, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(2);
    let new = json!({
        "name": "Autumn", "metric": "points", "ends_at": ends, "team_ids": [sales, support], "prize_points": 30,
    });
    let competition = made(admin, "competitions", &new).await;
    let starts = instant(&admin.get(&of("competitions", &competition, "")).await.expect(200)["starts_at"]);
    let ends = instant(&admin.get(&of("competitions", &competition, "")).await.expect(200)["ends_at"]);
    let micro = TimeDelta::microseconds(1);
    give_at(admin, &sellers[0], 100, &(starts - micro).to_rfc3339()).await;
    give_at(admin, &sellers[0], 1, &starts.to_rfc3339()).await;
    hold(admin, true).await;
    app.advance(ends - app.clock.now() + TimeDelta::seconds(1)).await;
    let admin = &again(&app).await;
    // Told in time, though it is over: it is closed some seconds later.
    give_at(admin, &sellers[0], 2, &(ends - micro).to_rfc3339()).await;
    give_at(admin, &helpers[0], 50, &ends.to_rfc3339()).await;
    give_at(admin, &helpers[0], 50, &(ends + micro).to_rfc3339()).await;
    assert_eq!(scores(&board(admin, &competition).await), [(1, 3), (2, 0)]);
    assert_eq!(board(admin, &competition).await["competition"]["state"], "ending");
    let mut socket = Socket::open(admin, None).await;
    app.advance(TimeDelta::seconds(5)).await;
    hold(admin, false).await;
    let path = of("competitions", &competition, "");
    until(admin, &path, |one| !one["rewarded_at"].is_null()).await;
    let told = socket.until("competition.closed").await.pop().expect("an event");
    assert_eq!((&told["data"]["winner_id"], &told["data"]["teams"]), (&sales, &json!(2)));
    give_at(admin, &helpers[0], 500, &(ends - micro).to_rfc3339()).await;
    let frozen = board(admin, &competition).await;
    assert_eq!((scores(&frozen), &frozen["frozen"]), (vec![(1, 3), (2, 0)], &json!(true)), "late");
    has(admin, &sellers[0], 133).await;
    assert_eq!(
        admin.post(&of("competitions", &competition, "/close"), &json!({})).await.expect(200)["state"],
        "closed"
    );
    assert_eq!(
        admin.post(&of("competitions", &competition, "/cancel"), &json!({})).await.problem(409),
        "competition-over"
    );
    app.process.stop().await;
}

#[tokio::test]
async fn two_who_close_it_at_once_freeze_it_once_and_give_prizes_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let badge = made(admin, "badges", &json!({"name": "Winner", "repeats": true})).await;
    let mut teams = Vec::new();
    for name in ["a", "b", "c", "d"] {
        teams.push(team(admin, name, 2, 50).await);
    }
    let ids: Vec<&Value> = teams.iter().map(|(team, _)| team).collect();
    let new = json!({
        "name": "All", "metric": "points", "ends_at": app.clock.now() + TimeDelta::hours(1), "team_ids": ids,
        "prize_points": 5, "badge_id": badge,
    });
    let competition = made(admin, "competitions", &new).await;
    for ((_, agents), points) in teams.iter().zip([40, 20, 20, 10]) {
        give(admin, &agents[0], points).await;
    }
    assert_eq!(scores(&board(admin, &competition).await), [(1, 40), (2, 20), (2, 20), (4, 10)]);
    let (admin, path) = (&app.acme.admin, of("competitions", &competition, "/close"));
    let body = json!({});
    let closed = join_all((0..20).map(|_| admin.post(&path, &body))).await;
    let at: Vec<Value> = closed.into_iter().map(|answer| answer.expect(200)["closed_at"].clone()).collect();
    assert!(at.iter().all(|one| *one == at[0]), "{at:?}");
    until(admin, &of("competitions", &competition, ""), |one| !one["rewarded_at"].is_null()).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let told: i64 = sqlx::query_scalar("select count(*) from engine.log where type = 'competition.closed'")
        .fetch_one(&mut system)
        .await
        .expect("a count");
    assert_eq!(told, 1);
    let first = standing(admin, &teams[0].1[0]).await;
    assert_eq!((&first["lifetime_points"], &first["badges"][0]["count"]), (&json!(45), &json!(1)));
    assert_eq!(
        standing(admin, &teams[0].1[1]).await["lifetime_points"],
        0,
        "who scored nothing wins nothing"
    );
    assert_eq!(standing(admin, &teams[1].1[0]).await["lifetime_points"], 20);
    let again = board(admin, &competition).await;
    assert_eq!(scores(&again), [(1, 40), (2, 20), (2, 20), (4, 10)]);
    let order: Vec<&Value> =
        again["teams"].as_array().expect("teams").iter().map(|team| &team["team_id"]).collect();
    let mut tied = [order[1].to_string(), order[2].to_string()];
    tied.sort();
    assert_eq!(tied, [order[1].to_string(), order[2].to_string()], "in a stable order");
    app.process.stop().await;
}

#[tokio::test]
async fn teams_join_until_it_is_over_and_it_may_be_put_off_or_called_off() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, sellers) = team(admin, "sales", 1, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(1);
    let new = json!({"name": "Late", "metric": "points", "ends_at": ends, "team_ids": []});
    let competition = made(admin, "competitions", &new).await;
    give(admin, &sellers[0], 5).await;
    admin.post(&of("competitions", &competition, "/join"), &json!({"team_id": sales})).await.expect(204);
    give(admin, &sellers[0], 7).await;
    assert_eq!(scores(&board(admin, &competition).await), [(1, 7)]);
    let mut later = new.clone();
    later["ends_at"] = json!(ends + TimeDelta::hours(1));
    let path = format!("competitions/{}", competition.as_str().expect("an id"));
    super::put(admin, &path, &later).await.expect(200);
    app.advance(TimeDelta::hours(1) + TimeDelta::seconds(10)).await;
    let admin = &again(&app).await;
    give(admin, &sellers[0], 1).await;
    assert_eq!(board(admin, &competition).await["competition"]["state"], "running");
    let contributions = admin.all(&of("competitions", &competition, "/contributions")).await;
    assert_eq!((contributions.len(), &contributions[0]["score"]), (1, &json!(8)));
    let off = admin.post(&of("competitions", &competition, "/cancel"), &json!({})).await.expect(200);
    assert_eq!(off["state"], "cancelled");
    let join = admin.post(&of("competitions", &competition, "/join"), &json!({"team_id": sales})).await;
    assert_eq!(join.problem(409), "competition-over");
    app.process.stop().await;
}

#[tokio::test]
async fn who_has_scored_as_much_for_two_teams_is_on_the_pages_for_both() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (first, sellers) = team(admin, "first", 2, 50).await;
    let (second, _) = team(admin, "second", 0, 50).await;
    let new = json!({
        "name": "Moves", "metric": "points", "ends_at": app.clock.now() + TimeDelta::hours(1),
        "team_ids": [first, second],
    });
    let competition = made(admin, "competitions", &new).await;
    give(admin, &sellers[0], 5).await;
    let agent = format!("/api/v1/agents/{}", sellers[0].as_str().expect("an id"));
    admin.patch(&agent, &json!({"team_id": second})).await.expect(200);
    give(admin, &sellers[0], 5).await;
    let entry = give(admin, &sellers[1], 5).await;
    let path = of("competitions", &competition, "/contributions");
    let whole = admin.all(&path).await;
    assert_eq!(whole.len(), 3);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{path}?limit=1{cursor}")).await.expect(200);
        paged.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, whole);
    // What was taken back was not scored.
    admin.post(&of("points", &entry["id"], "/reverse"), &json!({})).await.expect(200);
    let shown = board(admin, &competition).await;
    let teams = shown["teams"].as_array().expect("teams");
    assert!(teams.iter().all(|team| team["players"] == 1 && team["score"] == 5), "{shown}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_closed_one_brings_is_given_though_its_jobs_were_called_off() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, sellers) = team(admin, "sales", 1, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(1);
    let new =
        json!({"name": "Won", "metric": "points", "ends_at": ends, "team_ids": [sales], "prize_points": 30});
    let competition = made(admin, "competitions", &new).await;
    give(admin, &sellers[0], 5).await;
    hold(admin, true).await;
    let close = of("competitions", &competition, "/close");
    admin.post(&close, &json!({})).await.expect(200);
    let jobs = admin.all("/api/v1/jobs?kind=close_games").await;
    assert_eq!(jobs.len(), 2, "of its end, and of now");
    for job in &jobs {
        let path = format!("/api/v1/jobs/{}/cancel", job["id"].as_str().expect("an id"));
        assert!(admin.post(&path, &json!({})).await.status < 300);
    }
    hold(admin, false).await;
    assert_eq!(admin.post(&close, &json!({})).await.expect(200)["rewarded_at"], Value::Null);
    until(admin, &of("competitions", &competition, ""), |one| !one["rewarded_at"].is_null()).await;
    has(admin, &sellers[0], 35).await;
    app.process.stop().await;
}
