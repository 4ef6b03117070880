//! The door of the dashboard: logins that are tried too often, that end each other, and that are kept for https.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use switchboard_tests::{Browser, PASSWORD, TestApp};

use crate::{dashboard::house::between, operators::looking, second_factor::code, sessions::ADMIN};

#[tokio::test]
async fn strangers_keep_no_operator_out() {
    let app = TestApp::with(|plan| plan.proxy_hops = 1).await;
    let client = app.operator("Olga").await;
    let key = client.bearer.clone().expect("a key");
    let mut stranger = Browser::new(&app);
    for address in 1..=11 {
        stranger.more = vec![("x-forwarded-for", format!("203.0.113.{address}"))];
        for _ in 0..10 {
            stranger.post("/ops/login/operator", &[("key", "sbo_nothing")]).await.expect(401);
        }
        stranger.post("/ops/login/operator", &[("key", "sbo_nothing")]).await.expect(429);
    }
    stranger.more = vec![("x-forwarded-for", "198.51.100.7".to_owned())];
    assert_eq!(stranger.post("/ops/login/operator", &[("key", &key)]).await.leads(), "/ops");
    let log = "/api/v1/compliance/audit-logs?action=login&outcome=denied&limit=200";
    let log = client.send(looking(client.request(Method::GET, log), "installation")).await.expect(200);
    let told = log["items"].as_array().expect("items");
    let keys = told.iter().filter(|one| one["resource"] == "operator").count();
    let many = told.iter().filter(|one| one["detail"]["why"] == "too many tries").count();
    assert_eq!(keys, 110, "each key that was refused");
    assert!((1..11).contains(&many), "that they are too many is not told each time: {many}");
    app.process.stop().await;
}

#[tokio::test]
async fn guesses_at_a_code_count_at_all_doors() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let secret = admin.post("/api/v1/me/second-factor", &json!({"current": PASSWORD})).await.expect(201);
    let first = json!({ "code": code(&app, &secret, -30) });
    admin.post("/api/v1/me/second-factor/confirmation", &first).await.expect(200);
    let mut browser = Browser::new(&app);
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD)];
    let page = browser.post("/ops/login", &who).await.expect(200);
    let halfway = between(&page.text, "name=\"halfway\" value=\"", "\"").to_owned();
    let guess = [("halfway", halfway.as_str()), ("code", "guess")];
    for _ in 0..10 {
        browser.post("/ops/login/code", &guess).await.expect(401);
    }
    browser.post("/ops/login/code", &guess).await.expect(429);
    let with = async |code: &str| {
        let body = json!({"tenant": "acme", "email": ADMIN, "password": PASSWORD, "code": code});
        anyone.post("/api/v1/auth/login", &body).await
    };
    assert_eq!(with("guess").await.problem(429), "too-many-requests");
    app.advance(TimeDelta::seconds(61)).await;
    with(&code(&app, &secret, 0)).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn another_login_of_a_browser_ends_the_one_before() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let before = browser.cookies.clone();
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD)];
    assert_eq!(browser.post("/ops/login", &who).await.leads(), "/ops");
    let after = std::mem::replace(&mut browser.cookies, before);
    assert!(browser.get("/ops/account").await.leads().starts_with("/ops/login"), "a copy of it is of no use");
    browser.cookies = after;
    browser.get("/ops/account").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn over_https_every_cookie_is_kept_for_that() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    browser.origin = browser.origin.replacen("http://", "https://", 1);
    let who = [("tenant", "acme"), ("email", ADMIN), ("password", PASSWORD)];
    let entered = browser.post("/ops/login", &who).await.expect(303);
    browser.get("/ops/account").await.expect(200);
    let zone = browser.post("/ops/account/zone", &[("zone", "Europe/Berlin")]).await.expect(303);
    let theme = browser.post("/ops/theme", &[("theme", "dark")]).await.expect(303);
    for (shown, least) in [(entered, 1), (zone, 2), (theme, 1)] {
        let cookies = shown.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let cookies: Vec<&str> = cookies.collect();
        assert!(cookies.len() >= least, "{cookies:?}");
        assert!(cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    }
    assert!(browser.cookies.contains_key("__Host-switchboard"), "{:?}", browser.cookies);
    app.process.stop().await;
}
