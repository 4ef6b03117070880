//! Who may do what, and that nothing of it is another tenant's.

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use switchboard_tests::{Socket, TestApp};

use super::{game, give, made, of, standing};
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

#[tokio::test]
async fn who_is_gone_keeps_what_they_have_and_it_is_taken_back_by_whoever_sees_all() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let entry = give(admin, &agents[0], 10).await;
    let colleague = person(&app, &agents[1]).await;
    let id = agents[0].as_str().expect("an id");
    admin.delete(&format!("/api/v1/agents/{id}")).await.expect(204);
    let history = game(&format!("history?agent_id={id}"));
    assert_eq!(admin.all(&history).await.len(), 1);
    assert_eq!(standing(admin, &agents[0]).await["balance"], 10);
    for path in [history.clone(), of("points", &entry["id"], "")] {
        assert_eq!(colleague.get(&path).await.status, 404, "{path}");
    }
    admin.post(&of("points", &entry["id"], "/reverse"), &json!({})).await.expect(200);
    assert_eq!(standing(admin, &agents[0]).await["balance"], 0);
    let more = json!({"agent_id": agents[0], "points": 5, "reason": "help"});
    assert_eq!(admin.post(&game("points"), &more).await.status, 422, "nothing is given to them any more");
    app.process.stop().await;
}

#[tokio::test]
async fn there_are_never_more_than_there_may_be_however_many_are_made_at_once() {
    let app = TestApp::start().await;
    let (admin, path) = (&app.acme.admin, game("tiers"));
    let tiers: Vec<Value> = (0..70).map(|at| json!({"name": format!("T{at}"), "threshold": at})).collect();
    let statuses: Vec<u16> = stream::iter(&tiers)
        .map(|tier| async { admin.post(&path, tier).await.status })
        .buffer_unordered(35)
        .collect()
        .await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 50);
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_somebody_is_given_is_heard_by_them_and_not_by_their_colleagues() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 50).await;
    let bronze = made(admin, "tiers", &json!({"name": "Bronze", "threshold": 10})).await;
    let (player, colleague) = (person(&app, &agents[0]).await, person(&app, &agents[1]).await);
    let mut sockets = [Socket::open(&player, None).await, Socket::open(&colleague, None).await];
    give(admin, &agents[0], 10).await;
    for (socket, hears) in sockets.iter_mut().zip([true, false]) {
        // That somebody has come to a tier is everybody's to hear.
        let told = socket.until("tier.advanced").await;
        let tier = told.last().expect("an event");
        assert_eq!(tier["subject"], format!("tier:{}", bronze.as_str().expect("an id")));
        let mut all = told.clone();
        if hears {
            // In one transaction with the tier, and after it.
            all.extend(socket.until("points.awarded").await);
            assert_eq!(all.last().expect("an event")["data"]["agent_id"], agents[0]);
        } else {
            give(admin, &agents[1], 1).await;
            let own = socket.until("points.awarded").await;
            assert_eq!(own.last().expect("an event")["data"]["agent_id"], agents[1]);
            all.extend(own);
            let others = all.iter().filter(|event| event["data"]["points"] == 10).count();
            assert_eq!(others, 0, "{all:?}");
        }
    }
    app.process.stop().await;
}
