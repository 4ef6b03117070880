//! What is taken back is as if it had never been, and what one has come to stays whatever is spent.

use serde_json::json;
use switchboard_tests::TestApp;

use super::{becomes, game, give, has, lead_of, made, of, standing};
use crate::routing::team;

#[tokio::test]
async fn what_is_taken_back_makes_room_below_a_cap() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    for (name, points, cap) in [
        ("so often", 50, json!({"per": "month", "times": 1})),
        ("so much", 7, json!({"per": "month", "points": 10})),
    ] {
        let rule = json!({"name": name, "deed": "lead_converted", "points": points, "cap": cap});
        made(admin, "rules", &rule).await;
    }
    let (first, second) = (lead_of(admin, &agents[0]).await, lead_of(admin, &agents[0]).await);
    for (lead, status, points) in [
        (&first, "converted", 57),
        // The first rule has been applied, and the second has three points left.
        (&second, "converted", 60),
        (&first, "qualified", 3),
        // There is room for one again by the first rule, and for seven points by the second.
        (&first, "converted", 60),
    ] {
        becomes(admin, lead, status).await;
        has(admin, &agents[0], points).await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_tier_is_told_once_and_what_it_opens_stays_open_though_points_are_spent() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let gold = made(admin, "tiers", &json!({"name": "Gold", "threshold": 100})).await;
    let entry = give(admin, &agents[0], 100).await;
    for (name, price) in [("Trip", 60), ("Feast", 40)] {
        let reward = made(admin, "rewards", &json!({"name": name, "price": price, "tier_id": gold})).await;
        let asked = json!({"reward_id": reward, "agent_id": agents[0]});
        admin.post(&game("redeem"), &asked).await.expect(201);
    }
    let now = standing(admin, &agents[0]).await;
    assert_eq!((&now["tier"]["id"], &now["balance"]), (&gold, &json!(0)));
    // They come to it a second time.
    admin.post(&of("points", &entry["id"], "/reverse"), &json!({})).await.expect(200);
    give(admin, &agents[0], 100).await;
    assert_eq!(standing(admin, &agents[0]).await["tier"]["id"], gold);
    let mut system = app.database.connect_as("switchboard_system").await;
    let told: i64 = sqlx::query_scalar("select count(*) from engine.log where type = 'tier.advanced'")
        .fetch_one(&mut system)
        .await
        .expect("a count");
    assert_eq!(told, 1);
    app.process.stop().await;
}
