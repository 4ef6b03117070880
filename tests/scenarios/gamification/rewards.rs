//! Rewards: as many as there are, for what is there, once for each key.

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{PASSWORD, Socket, TestApp};

use super::{game, give, made, of, standing};
use crate::{agents::person, routing::team};

#[tokio::test]
async fn a_thousand_redemptions_of_ten_give_exactly_ten() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 20, 50).await;
    for agent in &agents {
        give(admin, agent, 10_000).await;
    }
    let mug = made(admin, "rewards", &json!({"name": "Mug", "price": 100, "stock": 10})).await;
    let asked: Vec<Value> =
        (0..1_000).map(|at| json!({"reward_id": mug, "agent_id": agents[at % agents.len()]})).collect();
    let path = game("redeem");
    let statuses: Vec<u16> = stream::iter(&asked)
        .map(|body| async { admin.post(&path, body).await.status })
        .buffer_unordered(100)
        .collect()
        .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 10);
    assert!(statuses.iter().all(|status| [201, 409].contains(status)));
    assert_eq!(admin.get(&of("rewards", &mug, "")).await.expect(200)["stock"], 0);
    assert_eq!(admin.all(&game("redemptions")).await.len(), 10);
    let mut spent = 0;
    for agent in &agents {
        let now = standing(admin, agent).await;
        spent += now["spent_points"].as_i64().expect("points");
        assert_eq!(now["lifetime_points"], 10_000, "what is spent is still earned");
    }
    assert_eq!(spent, 1_000);
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have_however_many_ask_at_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    give(admin, &agents[0], 250).await;
    let first = made(admin, "rewards", &json!({"name": "One", "price": 100})).await;
    let second = made(admin, "rewards", &json!({"name": "Two", "price": 100})).await;
    let path = game("redeem");
    let both = [&first, &second].map(|reward| json!({"reward_id": reward, "agent_id": agents[0]}));
    let statuses: Vec<u16> = stream::iter(0..50)
        .map(|at: usize| {
            let (path, body) = (&path, &both[at % 2]);
            async move { admin.post(path, body).await.status }
        })
        .buffer_unordered(50)
        .collect()
        .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 2);
    assert_eq!(standing(admin, &agents[0]).await["balance"], 50);
    // The database refuses it, whoever asks.
    let mut system = app.database.connect_as("switchboard_system").await;
    for statement in [
        "update point_totals set balance = balance - 60, spent = spent + 60",
        "update rewards set stock = -1",
    ] {
        let refused = sqlx::query(statement).execute(&mut system).await.expect_err("a check");
        assert!(refused.to_string().contains("check constraint"), "{refused}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_redemption_that_is_sent_twice_is_one_and_may_be_called_off() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let player = person(&app, &agents[0]).await;
    give(admin, &agents[0], 300).await;
    let mug = made(admin, "rewards", &json!({"name": "Mug", "price": 100, "stock": 5, "most_each": 2})).await;
    let mut socket = Socket::open(admin, None).await;
    let mut places = Vec::new();
    for _ in 0..3 {
        let request = player.request(Method::POST, &game("redeem")).header("idempotency-key", "a mug");
        let answer = player.send(request.json(&json!({"reward_id": mug}))).await;
        assert_eq!(answer.status, 201);
        places.push(answer.location().expect("a Location").to_owned());
    }
    assert!(places.iter().all(|place| *place == places[0]));
    let told = socket.until("reward.redeemed").await.pop().expect("an event");
    assert_eq!((&told["data"]["agent_id"], &told["data"]["price"]), (&agents[0], &json!(100)));
    assert_eq!(standing(admin, &agents[0]).await["balance"], 200);
    let mine = player.get(&places[0]).await.expect(200);
    assert_eq!((&mine["state"], &mine["reward"]), (&json!("placed"), &json!("Mug")));
    assert_eq!(player.post(&format!("{}/cancel", places[0]), &json!({})).await.status, 403);
    let off = admin.post(&format!("{}/cancel", places[0]), &json!({})).await.expect(200);
    assert_eq!(off["state"], "cancelled");
    assert_eq!(
        admin.post(&format!("{}/cancel", places[0]), &json!({})).await.problem(409),
        "redemption-settled"
    );
    let now = standing(admin, &agents[0]).await;
    assert_eq!(
        (&now["balance"], &now["spent_points"], &now["lifetime_points"]),
        (&json!(300), &json!(0), &json!(300))
    );
    assert_eq!(admin.get(&of("rewards", &mug, "")).await.expect(200)["stock"], 5);
    for _ in 0..2 {
        player.post(&game("redeem"), &json!({"reward_id": mug})).await.expect(201);
    }
    let third = player.post(&game("redeem"), &json!({"reward_id": mug})).await;
    assert_eq!(third.problem(409), "had-enough");
    let waiting = admin.all(&game("redemptions?state=placed")).await;
    assert_eq!(waiting.len(), 2);
    let one = of("redemptions", &waiting[0]["id"], "/fulfil");
    assert_eq!(admin.post(&one, &json!({})).await.expect(200)["state"], "fulfilled");
    app.process.stop().await;
}

#[tokio::test]
async fn a_reward_of_a_tier_is_for_whoever_has_come_to_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let player = person(&app, &agents[0]).await;
    let gold = made(admin, "tiers", &json!({"name": "Gold", "threshold": 100})).await;
    let trip = made(admin, "rewards", &json!({"name": "Trip", "price": 10, "tier_id": gold})).await;
    give(admin, &agents[0], 99).await;
    let shown = player.get(&of("rewards", &trip, "")).await.expect(200);
    assert_eq!(
        (&shown["unlocked"], &shown["affordable"], &shown["tier"]),
        (&json!(false), &json!(true), &json!("Gold"))
    );
    assert_eq!(player.post(&game("redeem"), &json!({"reward_id": trip})).await.problem(409), "tier-needed");
    give(admin, &agents[0], 1).await;
    player.post(&game("redeem"), &json!({"reward_id": trip})).await.expect(201);
    app.process.stop().await;
}

#[tokio::test]
async fn a_supervisor_sees_what_their_team_has_redeemed_and_nobody_elses() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let (_, others) = team(admin, "support", 1, 50).await;
    let mug = made(admin, "rewards", &json!({"name": "Mug", "price": 10})).await;
    for agent in [&agents[0], &others[0]] {
        give(admin, agent, 10).await;
    }
    let user =
        json!({"name": "S", "email": "leads@acme.example.com", "password": PASSWORD, "role": "Supervisor"});
    let user = admin.post("/api/v1/users", &user).await.expect(201)["id"].clone();
    let own = format!("/api/v1/agents/{}", agents[1].as_str().expect("an id"));
    admin.patch(&own, &json!({"user_id": user})).await.expect(200);
    let supervisor = admin.anonymous().login("acme", "leads@acme.example.com", PASSWORD).await;
    let mine = supervisor.post(&game("redeem"), &json!({"reward_id": mug, "agent_id": agents[0]})).await;
    let place = mine.location().expect("a Location").to_owned();
    assert_eq!(supervisor.get(&place).await.expect(200)["agent_id"], agents[0]);
    let theirs = admin.post(&game("redeem"), &json!({"reward_id": mug, "agent_id": others[0]})).await;
    let place = theirs.location().expect("a Location").to_owned();
    assert_eq!(supervisor.get(&place).await.status, 404);
    assert_eq!(supervisor.all(&game("redemptions")).await.len(), 1);
    assert_eq!(person(&app, &agents[0]).await.all(&game("redemptions")).await.len(), 1);
    assert_eq!(admin.all(&game("redemptions")).await.len(), 2);
    app.process.stop().await;
}
