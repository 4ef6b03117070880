//! The dashboard's pages of points and what comes of them: what they show, and what can be done by them.

use chrono::TimeDelta;
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Browser, PASSWORD, TestApp};

use crate::{
    dashboard::house::audited,
    gamification::{give, made},
    routing::team,
    sessions::ADMIN,
};

fn id(value: &Value) -> &str {
    value.as_str().expect("an id")
}

/// A browser of the user behind an agent.
async fn player(app: &TestApp, agent: &Value) -> Browser {
    let email = format!("p{}@acme.example.com", app.process.app.platform.chance.id());
    let user = json!({"name": "P", "email": email, "password": PASSWORD, "role": "Agent"});
    let user = app.acme.admin.post("/api/v1/users", &user).await.expect(201);
    let path = format!("/api/v1/agents/{}", id(agent));
    app.acme.admin.patch(&path, &json!({"user_id": user["id"]})).await.expect(200);
    Browser::of(app, "acme", &email).await
}

#[tokio::test]
async fn the_board_is_of_a_period_and_pages_of_nothing_say_what_to_do() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    for (path, said) in [
        ("/ops/play", "Nobody has points in this time yet."),
        ("/ops/play/challenges", "No challenge goes on."),
        ("/ops/play/competitions", "There are no competitions yet."),
        ("/ops/play/rewards", "There are no rewards yet."),
        ("/ops/play/redemptions", "Nobody has given points for a reward yet."),
    ] {
        let page = browser.get(path).await.expect(200);
        assert!(page.says(said), "{path}: {}", page.text);
    }
    let (_, agents) = team(admin, "sales", 2, 50).await;
    made(admin, "tiers", &json!({"name": "Bronze", "threshold": 10})).await;
    for (agent, points) in agents.iter().zip([2_000, 20]) {
        give(admin, agent, points).await;
    }
    let page = browser.get("/ops/play?period=all_time").await.expect(200);
    for said in ["Agent 0", "Agent 1", "2,000", "Bronze", "All time"] {
        assert!(page.says(said), "{said}: {}", page.text);
    }
    assert!(browser.get("/ops/play?of=teams").await.expect(200).says("sales"));
    assert!(browser.get("/ops/play?period=year").await.expect(422).says("expected one of"));
    app.process.stop().await;
}

#[tokio::test]
async fn somebody_joins_claims_and_redeems_by_plain_forms() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let ten = json!({
        "name": "Ten points", "period": "weekly", "metric": "points", "target": 10, "reward_points": 40, "by_joining": true,
    });
    let challenge = made(admin, "challenges", &ten).await;
    let mut browser = player(&app, &agents[0]).await;
    let page = browser.get("/ops/play/challenges").await.expect(200);
    assert!(page.says("Ten points") && page.says("Take part"), "{}", page.text);
    let path = format!("/ops/play/challenges/{}", id(&challenge));
    assert_eq!(browser.post(&format!("{path}/join"), &[]).await.leads(), "/ops/play/challenges");
    give(admin, &agents[0], 10).await;
    let page = browser.get("/ops/play/challenges").await.expect(200);
    assert!(page.says(">Claim</button>") && !page.says("Take part"), "{}", page.text);
    assert_eq!(browser.post(&format!("{path}/claim"), &[]).await.leads(), "/ops/play/challenges");
    let card = browser.get(&path).await.expect(200);
    assert!(card.says("Agent 0") && card.says("done"), "{}", card.text);
    assert!(!card.says("Take the challenge away"), "not theirs to take away");

    let mut boss = Browser::of(&app, "acme", ADMIN).await;
    boss.get("/ops/play/rewards").await.expect(200);
    let mug = [("name", "Mug"), ("price", "50"), ("stock", "1")];
    assert_eq!(boss.post("/ops/play/rewards", &mug).await.leads(), "/ops/play/rewards");
    assert!(
        boss.post("/ops/play/rewards", &[("name", "Mug"), ("price", "")])
            .await
            .expect(422)
            .says("fill this in")
    );
    let reward = admin.all("/api/v1/gamification-advanced/rewards").await[0]["id"].clone();
    let page = browser.get("/ops/play/rewards").await.expect(200);
    assert!(page.says(">Redeem</button>"), "{}", page.text);
    let redeem = format!("/ops/play/rewards/{}/redeem", id(&reward));
    assert_eq!(browser.post(&redeem, &[]).await.leads(), "/ops/play/redemptions");
    assert!(browser.get("/ops/play/redemptions").await.expect(200).says("Mug"));
    assert!(!browser.get("/ops/play/rewards").await.expect(200).says(">Redeem</button>"), "none is left");
    let page = boss.get("/ops/play/redemptions?state=placed").await.expect(200);
    assert!(page.says("They have it") && page.says("Agent 0"), "{}", page.text);
    let redemption = admin.all("/api/v1/gamification-advanced/redemptions").await[0]["id"].clone();
    let fulfil = format!("/ops/play/redemptions/{}/fulfil", id(&redemption));
    boss.post(&fulfil, &[("version", "7")]).await.expect(412);
    assert_eq!(boss.post(&fulfil, &[("version", "1")]).await.leads(), "/ops/play/redemptions");
    assert!(audited(admin, "fulfil", "redemption", id(&redemption)).await);
    app.process.stop().await;
}

#[tokio::test]
async fn a_competition_shows_its_standings_and_is_closed_by_a_form() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 50).await;
    let (support, _) = team(admin, "support", 1, 50).await;
    let ends = app.clock.now() + TimeDelta::hours(1);
    let new = json!({"name": "Autumn", "metric": "points", "ends_at": ends, "team_ids": [sales, support]});
    let competition = made(admin, "competitions", &new).await;
    give(admin, &agents[0], 1_234).await;
    let mut maker = Browser::of(&app, "acme", ADMIN).await;
    let made =
        [("name", "Winter"), ("metric", "call_completed"), ("team", id(&sales)), ("team", id(&support))];
    maker.get("/ops/play/competitions").await.expect(200);
    assert_eq!(maker.post("/ops/play/competitions", &made).await.leads(), "/ops/play/competitions");
    let page = maker.get("/ops/play/competitions").await.expect(200);
    assert!(page.says("Winter") && page.says("calls completed"), "{}", page.text);
    let made = [("name", "Ten calls"), ("period", "daily"), ("metric", "call_completed"), ("target", "10")];
    assert_eq!(maker.post("/ops/play/challenges", &made).await.leads(), "/ops/play/challenges");
    assert!(maker.get("/ops/play/challenges").await.expect(200).says("Ten calls"));
    let made = [("name", "No"), ("period", "yearly"), ("metric", "points"), ("target", "10")];
    assert!(maker.post("/ops/play/challenges", &made).await.expect(422).says("choose one of those"));
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert!(browser.get("/ops/play/competitions").await.expect(200).says("Autumn"));
    let path = format!("/ops/play/competitions/{}", id(&competition));
    let page = browser.get(&path).await.expect(200);
    for said in ["Standings as of now", "sales", "support", "1,234", "Agent 0", "Close it now"] {
        assert!(page.says(said), "{said}: {}", page.text);
    }
    assert!(
        browser
            .post(&format!("{path}/cancel"), &[("confirm", "autumn")])
            .await
            .expect(422)
            .says("type `Autumn`")
    );
    browser.get(&path).await.expect(200);
    assert_eq!(browser.post(&format!("{path}/close"), &[]).await.leads(), path);
    let page = browser.get(&path).await.expect(200);
    assert!(page.says("Final standings") && !page.says("Close it now"), "{}", page.text);
    assert!(audited(admin, "close", "competition", id(&competition)).await);
    app.process.stop().await;
}
