//! The report of games is that of what games keep.

use serde_json::json;
use switchboard_tests::TestApp;

use super::{
    World,
    reports::{check_form, report, table, tile},
};

#[tokio::test]
async fn whoever_has_as_many_points_has_the_same_rank_and_what_is_out_of_the_range_does_not_count() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let (world, other) = (World::of(&app.acme).await, World::of(&app.other).await);
    let rows = [
        (app.acme.id, world.agents[0], "2026-03-01", 50_i64),
        (app.acme.id, world.agents[0], "2026-03-31", 20),
        (app.acme.id, world.agents[1], "2026-03-15", 70),
        (app.acme.id, world.agents[2], "2026-03-15", 10),
        (app.acme.id, world.agents[2], "2026-04-01", 1_000),
        (app.acme.id, world.agents[2], "2026-02-28", 500),
        (app.other.id, other.agents[0], "2026-03-15", 9_999),
    ];
    for (tenant, agent, day, points) in rows {
        sqlx::query(
            "insert into point_days (tenant_id, day, agent_id, team_id, points, deeds)
             values ($1, $2::date, $3, '00000000-0000-0000-0000-000000000000', $4, 1)",
        )
        .bind(tenant.0)
        .bind(day.parse::<chrono::NaiveDate>().expect("a day"))
        .bind(agent)
        .bind(points)
        .execute(&mut conn)
        .await
        .expect("points");
    }
    let made = report(&app.acme.admin, "gamification", "2026-03-01", "2026-04-01").await;
    check_form(&made);
    assert_eq!((tile(&made, "game.points"), tile(&made, "game.players")), (&json!(150), &json!(3)));
    assert!(tile(&made, "game.completion").is_null() && tile(&made, "game.badges") == 0, "{made}");
    let leaders = table(&made, "Leaderboard");
    let ranks: Vec<_> = leaders["rows"].as_array().expect("rows").iter().map(|row| row[0].clone()).collect();
    assert_eq!(ranks, [1, 1, 3], "{leaders}");
    assert_eq!(leaders["rows"][2][1], "Μαρία Κιουρί");
    let days = &made["charts"][0];
    assert_eq!(days["labels"].as_array().expect("days").len(), 31, "each day, also those without points");
    assert_eq!((&days["series"][0]["values"][0], &days["series"][0]["values"][1]), (&json!(50), &json!(0)));
    let previous =
        made["tiles"].as_array().expect("tiles").iter().find(|one| one["measure"] == "game.points");
    assert_eq!(previous.expect("a tile")["previous"], 500);
    app.process.stop().await;
}
