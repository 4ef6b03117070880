//! What deeds are worth: once each, as much as the caps allow, and taken back with what it was given for.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use super::{again, becomes, call, game, give, has, lead_of, made, of, put, rule, standing, until};
use crate::routing::team;

async fn history(client: &Client, agent: &Value) -> Vec<Value> {
    client.all(&game(&format!("history?agent_id={}", agent.as_str().expect("an id")))).await
}

#[tokio::test]
async fn calls_and_leads_give_what_rules_say_and_are_told() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 50).await;
    rule(admin, "call_completed", 5).await;
    let pleased = json!({"name": "pleased", "deed": "call_completed", "points": 3, "min_satisfaction": 4});
    made(admin, "rules", &pleased).await;
    rule(admin, "lead_converted", 50).await;
    let mut socket = Socket::open(admin, None).await;
    call(admin, &agents[0], &json!({"outcome": "interested", "satisfaction": 3})).await;
    has(admin, &agents[0], 5).await;
    let told = socket.until("points.awarded").await.pop().expect("an event");
    assert_eq!((&told["data"]["agent_id"], &told["data"]["points"]), (&agents[0], &json!(5)));
    let id = call(admin, &agents[0], &json!({"outcome": "interested", "satisfaction": 4})).await;
    has(admin, &agents[0], 13).await;
    let lead = lead_of(admin, &agents[1]).await;
    becomes(admin, &lead, "converted").await;
    let standing = has(admin, &agents[1], 50).await;
    assert_eq!(
        (&standing["balance"], &standing["today"], &standing["rank"]),
        (&json!(50), &json!(50), &json!(1))
    );
    let rows = history(admin, &agents[0]).await;
    assert_eq!(rows.len(), 3, "what is worth nothing by itself is not shown: {rows:?}");
    let of_call = rows.iter().filter(|row| row["subject"] == format!("call:{id}")).count();
    assert_eq!(of_call, 2);
    assert!(rows.iter().all(|row| row["team_id"] == team && row["source"] == "deed"), "{rows:?}");
    assert!(standing["badges"].as_array().is_some_and(Vec::is_empty));
    let path = game(&format!("history?agent_id={}", agents[0].as_str().expect("an id")));
    assert_eq!(app.other.admin.get(&path).await.status, 404);
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_is_not_converted_after_all_takes_its_points_back_and_may_convert_again() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    rule(admin, "lead_converted", 50).await;
    let lead = lead_of(admin, &agents[0]).await;
    for round in 1..=2 {
        becomes(admin, &lead, "converted").await;
        has(admin, &agents[0], 50).await;
        becomes(admin, &lead, "qualified").await;
        let back = has(admin, &agents[0], 0).await;
        assert_eq!((&back["balance"], &back["today"]), (&json!(0), &json!(0)));
        assert_eq!(history(admin, &agents[0]).await.len(), 2 * round, "a row each, never changed");
    }
    becomes(admin, &lead, "converted").await;
    has(admin, &agents[0], 50).await;
    let rows = history(admin, &agents[0]).await;
    let back: Vec<&Value> = rows.iter().filter(|row| row["source"] == "reversal").collect();
    assert_eq!(back.len(), 2);
    for row in back {
        let first = rows.iter().find(|first| first["id"] == row["reverses_id"]).expect("what it takes back");
        assert_eq!((&first["reversed_by_id"], &first["at"]), (&row["id"], &row["at"]));
        assert_eq!((&row["points"], &row["reason"]), (&json!(-50), &json!("undone")));
    }
    app.process.stop().await;
}

#[tokio::test]
async fn two_leads_that_are_one_person_have_converted_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    rule(admin, "lead_converted", 50).await;
    let (stays, goes) = (lead_of(admin, &agents[0]).await, lead_of(admin, &agents[0]).await);
    for lead in [&stays, &goes] {
        becomes(admin, lead, "converted").await;
    }
    has(admin, &agents[0], 100).await;
    let path = format!("/api/v1/leads/{}/merge", stays.as_str().expect("an id"));
    admin.post(&path, &json!({"loser_id": goes})).await.expect(200);
    has(admin, &agents[0], 50).await;
    app.process.stop().await;
}

#[tokio::test]
async fn caps_hold_to_the_point_and_begin_anew_with_the_day_of_the_tenants_zone() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    admin.patch("/api/v1/tenant", &json!({"zone": "Asia/Kolkata"})).await.expect(200);
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let capped =
        json!({"name": "calls", "deed": "call_completed", "points": 10, "cap": {"per": "day", "points": 25}});
    made(admin, "rules", &capped).await;
    // Two hours before midnight in Kolkata, which is 18:30 UTC.
    let now = app.clock.now();
    let midnight = now.date_naive().and_hms_opt(18, 30, 0).expect("a time").and_utc() + TimeDelta::days(1);
    app.advance(midnight - TimeDelta::hours(2) - now).await;
    let admin = &again(&app).await;
    let outcome = json!({"outcome": "interested"});
    for points in [10, 20, 25, 25] {
        call(admin, &agents[0], &outcome).await;
        has(admin, &agents[0], points).await;
    }
    let counted = json!({"name": "n", "deed": "call_completed", "points": 0});
    made(admin, "rules", &counted).await;
    let path = game(&format!("history?agent_id={}", agents[0].as_str().expect("an id")));
    let full = until(admin, &path, |page| page["items"].as_array().is_some_and(|rows| rows.len() == 4)).await;
    assert_eq!((&full["items"][0]["points"], &full["items"][0]["withheld"]), (&json!(0), &json!(10)));
    assert_eq!((&full["items"][1]["points"], &full["items"][1]["withheld"]), (&json!(5), &json!(5)));
    call(admin, &agents[1], &outcome).await;
    has(admin, &agents[1], 10).await;
    app.advance(TimeDelta::hours(2) + TimeDelta::minutes(1)).await;
    let admin = &again(&app).await;
    call(admin, &agents[0], &outcome).await;
    let next = has(admin, &agents[0], 35).await;
    assert_eq!(next["today"], 10, "it is another day in Kolkata, and the same one in UTC");
    app.process.stop().await;
}

#[tokio::test]
async fn an_event_that_is_read_twice_gives_once_whoever_reads() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    rule(admin, "call_completed", 5).await;
    rule(admin, "lead_converted", 50).await;
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    has(admin, &agents[0], 5).await;
    // What was undone once and done again is not undone when that is read once more.
    let lead = lead_of(admin, &agents[0]).await;
    for (status, points) in [("converted", 55), ("qualified", 5), ("converted", 55)] {
        becomes(admin, &lead, status).await;
        has(admin, &agents[0], points).await;
    }
    // As after a restore of the head alone.
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query("update game_heads set from_sequence = 0")
        .execute(&mut system)
        .await
        .expect("the head moves");
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    has(admin, &agents[0], 60).await;
    let twice: i64 = sqlx::query_scalar(
        "select count(*) - count(distinct (subject, deed, rule_id)) from point_entries
          where source = 'deed' and deed = 'call_completed'",
    )
    .fetch_one(&mut system)
    .await
    .expect("a count");
    assert_eq!(twice, 0);
    // The sums are those of the rows.
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from point_totals t
           join lateral (select coalesce(sum(p.points) filter (where source not in ('redemption', 'refund')), 0) as earned,
                                coalesce(sum(p.points), 0) as left_over
                           from point_entries p where p.tenant_id = t.tenant_id and p.agent_id = t.agent_id) s on true
          where t.lifetime <> s.earned or t.balance - t.owed <> s.left_over",
    )
    .fetch_one(&mut system)
    .await
    .expect("a count");
    assert_eq!(wrong, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_done_before_a_rule_gives_nothing_by_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    rule(admin, "call_completed", 5).await;
    call(admin, &agents[0], &json!({"outcome": "interested"})).await;
    has(admin, &agents[0], 5).await;
    app.process.stop().await;
}

#[tokio::test]
async fn points_by_hand_are_bounded_given_once_and_taken_back_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    for (points, at, pointer) in [
        (0, None, "/points"),
        (100_001, None, "/points"),
        (5, Some(app.clock.now() + TimeDelta::hours(1)), "/occurred_at"),
        (5, Some(app.clock.now() - TimeDelta::days(32)), "/occurred_at"),
    ] {
        let at: Option<DateTime<Utc>> = at;
        let body = json!({"agent_id": agents[0], "points": points, "reason": "help", "occurred_at": at});
        assert_eq!(crate::agents::pointer(admin.post(&game("points"), &body).await), pointer);
    }
    let body = json!({"agent_id": agents[0], "points": 7, "reason": "help"});
    for _ in 0..2 {
        let request = admin.request(reqwest::Method::POST, &game("points"));
        let answer = admin.send(request.header("idempotency-key", "seven").json(&body)).await;
        assert_eq!(answer.status, 201);
    }
    assert_eq!(standing(admin, &agents[0]).await["lifetime_points"], 7);
    let entry = history(admin, &agents[0]).await.pop().expect("a row")["id"].clone();
    let back = admin.post(&of("points", &entry, "/reverse"), &json!({})).await.expect(200);
    assert_eq!((&back["points"], &back["reverses_id"]), (&json!(-7), &entry));
    assert_eq!(
        admin.post(&of("points", &entry, "/reverse"), &json!({})).await.problem(409),
        "already-reversed"
    );
    assert_eq!(
        admin.post(&of("points", &back["id"], "/reverse"), &json!({})).await.problem(409),
        "not-reversible"
    );
    assert_eq!(standing(admin, &agents[0]).await["lifetime_points"], 0);
    app.process.stop().await;
}

#[tokio::test]
async fn tiers_go_by_what_was_ever_earned_and_are_told_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let bronze = json!({"name": "Bronze", "threshold": 100, "benefits": ["A mug"]});
    let bronze = made(admin, "tiers", &bronze).await;
    let silver = made(admin, "tiers", &json!({"name": "Silver", "threshold": 200})).await;
    let same = json!({"name": "Other", "threshold": 200});
    assert_eq!(admin.post(&game("tiers"), &same).await.problem(409), "threshold-taken");
    let mut socket = Socket::open(admin, None).await;
    give(admin, &agents[0], 99).await;
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"], &now["points_to_next_tier"]), (&Value::Null, &json!(1)));
    let last = give(admin, &agents[0], 101).await;
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"]["id"], &now["next_tier"]), (&silver, &Value::Null));
    let told = socket.until("tier.advanced").await.pop().expect("an event");
    assert_eq!(
        told["subject"],
        format!("tier:{}", silver.as_str().expect("an id")),
        "the highest alone is told"
    );
    // What is spent takes nothing of it away.
    let mug = made(admin, "rewards", &json!({"name": "Mug", "price": 150, "tier_id": silver})).await;
    admin.post(&game("redeem"), &json!({"reward_id": mug, "agent_id": agents[0]})).await.expect(201);
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"]["id"], &now["balance"]), (&silver, &json!(50)));
    assert_eq!(admin.delete(&of("tiers", &silver, "")).await.problem(409), "tier-in-use");
    // What is taken back does, and what was spent of it is owed.
    admin.post(&of("points", &last["id"], "/reverse"), &json!({})).await.expect(200);
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"], &now["balance"], &now["owed_points"]), (&Value::Null, &json!(0), &json!(51)));
    give(admin, &agents[0], 60).await;
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"]["id"], &now["balance"], &now["owed_points"]), (&bronze, &json!(9), &json!(0)));
    put(
        admin,
        &format!("tiers/{}", bronze.as_str().expect("an id")),
        &json!({"name": "Bronze", "threshold": 500}),
    )
    .await
    .expect(200);
    assert_eq!(standing(admin, &agents[0]).await["tier"], Value::Null, "another threshold holds at once");
    app.process.stop().await;
}
