//! What the dashboard refuses besides what is asked for at every path: logins that are over or come in the open, too much at
//! a time, what is not confirmed, and figures of all tenants that take too long.

use std::{num::NonZeroU32, time::Duration};

use domain::access::operators;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use switchboard_tests::{Browser, PASSWORD, Shown, TestApp};

use crate::{
    dashboard::guard::{NOBODY, operator},
    dashboard::house::{logged, reader},
    gamification::made,
    message::sandbox,
    sessions::ADMIN,
};

#[tokio::test]
async fn a_login_by_a_key_ends_with_a_logout_and_with_the_key() {
    let app = TestApp::start().await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut olga = operator(&app, &key).await;
    let kept = olga.cookies.clone();
    assert_eq!(olga.post("/ops/logout", &[]).await.leads(), "/ops/login");
    olga.cookies = kept;
    assert!(olga.get("/ops").await.leads().starts_with("/ops/login"), "a copy of the cookie is of no use");

    let mut again = operator(&app, &key).await;
    let by = app.machine();
    let id = operators::list(&by).await.expect("a list").first().expect("an operator").id;
    operators::revoke(&by, id).await.expect("revoked");
    assert!(again.get("/ops").await.leads().starts_with("/ops/login"), "it does not outlive its key");
    app.process.stop().await;
}

#[tokio::test]
async fn over_plain_http_from_elsewhere_nobody_is_let_in() {
    let app = TestApp::start().await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut browser = Browser::new(&app);
    browser.origin = "http://ops.example.com".into();
    browser.more = vec![("host", "ops.example.com".into())];
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD)];
    let by_key = [("key", key.as_str())];
    for (path, fields) in [("/ops/login", &who[..]), ("/ops/login/operator", &by_key[..])] {
        let refused = browser.post(path, fields).await.expect(401);
        assert!(refused.says("plain HTTP"), "the form says why: {}", refused.text);
        assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_user_looks_into_no_tenant() {
    let app = TestApp::start().await;
    let mut user = Browser::of(&app, "acme", ADMIN).await;
    user.get("/ops/account").await.expect(200);
    let look = [("tenant", "other"), ("why", "ticket 4711")];
    assert!(user.post("/ops/look", &look).await.expect(403).says("for operators of the installation"));
    user.get("/ops/tenants/other").await.expect(404);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_refused_to_a_user_is_written_down_by_its_route() {
    let app = TestApp::start().await;
    let mut reader = reader(&app, &["skills:read"]).await;
    reader.get("/ops/jobs?key=message:1").await.expect(403);
    reader.get("/ops/account").await.expect(200);
    reader.post(&format!("/ops/jobs/{NOBODY}/cancel"), &[]).await.expect(403);
    let told = logged(&app, "action=access&outcome=denied").await;
    let mut told: Vec<&str> = told.iter().filter_map(|entry| entry["resource_id"].as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["GET /ops/jobs", "POST /ops/jobs/{id}/cancel"], "without what stands in it");
    app.process.stop().await;
}

/// Asks for a page until that is too often.
async fn until_refused(browser: &mut Browser) -> Shown {
    for _ in 0..30 {
        let page = browser.get("/ops/account").await;
        if page.status == 429 {
            return page;
        }
    }
    panic!("thirty times at once are not too often");
}

#[tokio::test]
async fn whoever_asks_for_pages_too_often_waits_and_the_others_go_on() {
    let app = TestApp::with(|plan| {
        plan.rates.per_caller = NonZeroU32::MIN;
        plan.rates.per_address = NonZeroU32::MIN;
    })
    .await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut user = Browser::of(&app, "acme", ADMIN).await;
    user.get("/ops/account").await.expect(200);
    let refused = until_refused(&mut user).await;
    assert!(refused.says("Too often") && refused.headers.contains_key("retry-after"), "{}", refused.text);
    until_refused(&mut operator(&app, &key).await).await;
    let mut nobody = Browser::new(&app);
    assert!(nobody.get("/ops/account").await.leads().starts_with("/ops/login"));
    until_refused(&mut nobody).await;
    // Behind one address there may be an office: whoever shows who they are is let in.
    let mut other = Browser::of(&app, "other", "admin@other.example.com").await;
    other.get("/ops/account").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_back_wants_its_name_typed() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let job = admin.all("/api/v1/jobs?queue=messages").await[0]["id"].as_str().expect("an id").to_owned();
    let ten = json!({
        "name": "Ten points", "period": "weekly", "metric": "points", "target": 10, "reward_points": 40, "by_joining": true,
    });
    let challenge = made(admin, "challenges", &ten).await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/account").await.expect(200);
    let paths = [
        format!("/ops/jobs/{job}/discard"),
        format!("/ops/play/challenges/{}/delete", challenge.as_str().expect("an id")),
        format!("/ops/users/{NOBODY}/second-factor/remove"),
        format!("/ops/privacy/restrictions/{NOBODY}/lift"),
    ];
    for path in &paths {
        for typed in ["it", ""] {
            let fields = [("confirm", typed), ("reason", "it was right")];
            let refused = browser.post(path, &fields).await.expect(422);
            assert!(refused.says("to confirm; nothing was changed"), "{path}: {}", refused.text);
        }
    }
    let at = format!("/api/v1/jobs/{job}");
    assert_eq!(admin.get(&at).await.expect(200)["state"], "available");
    browser.post(&paths[0], &[("confirm", "discard")]).await.expect(303);
    assert_eq!(admin.get(&at).await.expect(200)["state"], "discarded");
    app.process.stop().await;
}

#[tokio::test]
async fn figures_of_all_tenants_are_given_up_as_soon_as_those_of_one() {
    let app = TestApp::start().await;
    let key = app.operator("Olga").await.bearer.expect("a key");
    let mut olga = operator(&app, &key).await;
    let mut conn = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let mut held = conn.begin().await.expect("a transaction");
    let lock = "lock table engine.tally_hours in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *held).await.expect("a lock");
    let page = tokio::time::timeout(Duration::from_secs(30), olga.get("/ops")).await;
    assert!(page.expect("nobody waits for ever").expect(503).says("narrower filters"));
    held.rollback().await.expect("let go");
    app.process.stop().await;
}
