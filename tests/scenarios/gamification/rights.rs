//! Who may do what, and that nothing of it is another tenant's.

use serde_json::json;
use switchboard_tests::TestApp;

use super::{game, give, made, of};
use crate::{agents::person, routing::team};

#[tokio::test]
async fn agents_play_supervisors_award_and_managers_set_up() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let reward = made(admin, "rewards", &json!({"name": "Mug", "price": 5})).await;
    let agent = person(&app, &agents[0]).await;
    let (supervisor, manager) =
        (app.user(&app.acme, "Supervisor").await, app.user(&app.acme, "Manager").await);
    let points = json!({"agent_id": agents[1], "points": 5, "reason": "help"});
    let rule = json!({"name": "calls", "deed": "call_completed", "points": 1});
    for (client, give, set_up) in [(&agent, 403, 403), (&supervisor, 422, 403), (&manager, 201, 201)] {
        assert_eq!(client.get(&game("leaderboard")).await.status, 200);
        assert_eq!(
            client.post(&game("points"), &points).await.status,
            give,
            "a supervisor without a team sees nobody"
        );
        assert_eq!(client.post(&game("rules"), &rule).await.status, set_up);
    }
    // For oneself, and for nobody else.
    let of_another = json!({"reward_id": reward, "agent_id": agents[1]});
    assert_eq!(agent.post(&game("redeem"), &of_another).await.status, 403);
    assert_eq!(
        agent.post(&game("redeem"), &json!({"reward_id": reward})).await.problem(409),
        "too-few-points"
    );
    let history = format!("history?agent_id={}", agents[1].as_str().expect("an id"));
    assert_eq!(
        agent.get(&game(&history)).await.status,
        404,
        "what another one was given in detail is theirs"
    );
    assert_eq!(agent.get(&game("history")).await.status, 200);
    app.process.stop().await;
}

#[tokio::test]
async fn nothing_of_it_is_there_for_another_tenant() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let entry = give(admin, &agents[0], 10).await;
    let reward = made(admin, "rewards", &json!({"name": "Mug", "price": 5})).await;
    let badge = made(admin, "badges", &json!({"name": "Helper"})).await;
    let challenge = json!({"name": "Ten", "period": "daily", "metric": "points", "target": 10});
    let challenge = made(admin, "challenges", &challenge).await;
    for path in [
        of("points", &entry["id"], ""),
        of("rewards", &reward, ""),
        of("badges", &badge, ""),
        of("challenges", &challenge, ""),
        of("challenges", &challenge, "/progress"),
        game(&format!("stats?agent_id={}", agents[0].as_str().expect("an id"))),
    ] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
    let redeem = json!({"reward_id": reward, "agent_id": agents[0]});
    assert_eq!(other.post(&game("redeem"), &redeem).await.status, 422);
    assert_eq!(
        other.post(&of("badges", &badge, "/awards"), &json!({"agent_id": agents[0]})).await.status,
        404
    );
    assert_eq!(other.post(&of("points", &entry["id"], "/reverse"), &json!({})).await.status, 404);
    for list in ["rules", "tiers", "badges", "challenges", "competitions", "rewards", "redemptions"] {
        assert!(
            other.get(&game(list)).await.expect(200)["items"].as_array().is_some_and(Vec::is_empty),
            "{list}"
        );
    }
    app.process.stop().await;
}
