//! Points: what calls and leads are worth in the demo, what is to be reached, and what is to be had.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Dice, desk::named};
use crate::demo::{Failure, client::Client};

const GAME: &str = "/api/v1/gamification-advanced";
/// How long a competition goes on before there is another one.
const GOES_ON: TimeDelta = TimeDelta::hours(2);

/// Makes what is not there yet: rules, tiers, badges, challenges, rewards, a second team, and points to begin with.
///
/// # Errors
/// If something is refused.
pub async fn set_up(client: &Client, agents: &[Value], dice: &Dice<'_>) -> Result<(), Failure> {
    let path = |what: &str| format!("{GAME}/{what}");
    for rule in [
        json!({"name": "A call", "deed": "call_completed", "points": 5, "cap": {"per": "day", "points": 200}}),
        json!({"name": "A pleased caller", "deed": "call_completed", "points": 10, "min_satisfaction": 5}),
        json!({"name": "A sale", "deed": "lead_converted", "points": 50}),
    ] {
        named(client, &path("rules"), &rule).await?;
    }
    let tiers = client.get(&path("tiers")).await?;
    let has_tiers = tiers["items"].as_array().is_some_and(|tiers| !tiers.is_empty());
    if !has_tiers {
        for (name, threshold, benefit) in [
            ("Bronze", 100, "A mug"),
            ("Silver", 500, "First choice of shifts"),
            ("Gold", 2_000, "A day off"),
        ] {
            let tier = json!({"name": name, "threshold": threshold, "benefits": [benefit]});
            client.post(&path("tiers"), &tier).await?;
        }
    }
    let ten = json!({"name": "Ten calls", "repeats": true, "on": {"deed": "call_completed", "every": 10}});
    named(client, &path("badges"), &ten).await?;
    for challenge in [
        json!({"name": "Five calls a day", "period": "daily", "metric": "call_completed", "target": 5, "reward_points": 20}),
        json!({"name": "A good week", "period": "weekly", "metric": "points", "target": 500, "reward_points": 100}),
    ] {
        named(client, &path("challenges"), &challenge).await?;
    }
    for reward in [
        json!({"name": "Coffee mug", "price": 100, "stock": 25}),
        json!({"name": "Cinema for two", "price": 300, "most_each": 2}),
    ] {
        named(client, &path("rewards"), &reward).await?;
    }
    begin(client, agents, dice).await
}

/// Another team, for one team alone competes with nobody, and points for what was before; once.
async fn begin(client: &Client, agents: &[Value], dice: &Dice<'_>) -> Result<(), Failure> {
    let board = client.get(&format!("{GAME}/leaderboard?period=all_time&limit=1")).await?;
    if board["items"].as_array().is_none_or(|lines| !lines.is_empty()) {
        return Ok(());
    }
    let service = named(client, "/api/v1/teams", &json!({"name": "Service"})).await?;
    for agent in agents.iter().step_by(3) {
        let path = format!("/api/v1/agents/{}", agent["id"].as_str().unwrap_or_default());
        client.send(client.request(reqwest::Method::PATCH, &path).json(&json!({"team_id": service}))).await?;
    }
    for agent in agents {
        let points = 10 + dice.below(300);
        let points = json!({"agent_id": agent["id"], "points": points, "reason": "recognition"});
        client.post(&format!("{GAME}/points"), &points).await?;
    }
    Ok(())
}

/// There is always a competition that goes on.
///
/// # Errors
/// If it is refused.
pub async fn compete(client: &Client, dice: &Dice<'_>) -> Result<(), Failure> {
    let newest = client.get(&format!("{GAME}/competitions?limit=1")).await?;
    if newest["items"].get(0).is_some_and(|one| one["state"] == "running") {
        return Ok(());
    }
    let teams: Vec<Value> =
        client.all("/api/v1/teams").await?.iter().map(|team| team["id"].clone()).collect();
    let competition = json!({
        "name": format!("Teams {:03}", dice.below(1_000)), "metric": "points", "team_ids": teams, "prize_points": 25,
        "ends_at": dice.0.clock.now() + GOES_ON,
    });
    client.post(&format!("{GAME}/competitions"), &competition).await.map(drop)
}
