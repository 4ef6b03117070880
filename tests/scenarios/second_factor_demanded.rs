//! A second factor that a tenant demands: whoever has none can only set one up.

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Browser, Client, PASSWORD, Socket, TestApp};

use crate::{
    dashboard::house::{between, logged},
    second_factor::code,
    sessions::{ADMIN, login},
};

const SECOND: &str = "second@acme.example.com";
const FACTOR: &str = "/api/v1/me/second-factor";
const LEADS: &str = "/api/v1/leads";

/// Another admin, who has set no second factor up.
async fn second(app: &TestApp) -> Value {
    let admin = &app.acme.admin;
    let user = json!({"name": "Sam Second", "email": SECOND, "password": PASSWORD, "role": "Admin"});
    admin.post("/api/v1/users", &user).await.expect(201);
    login(&admin.anonymous(), SECOND, PASSWORD).await.expect(200)
}

fn holder(app: &TestApp, tokens: &Value) -> Client {
    app.acme.admin.with_bearer(tokens["token"].as_str().expect("a token"))
}

async fn refresh(app: &TestApp, tokens: &Value) -> Value {
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    app.acme.admin.anonymous().post("/api/v1/auth/refresh", &refresh).await.expect(200)
}

/// The secret that they hold then.
async fn enrol(app: &TestApp, client: &Client) -> Value {
    let secret = client.post(FACTOR, &json!({"current": PASSWORD})).await.expect(201);
    let shown = json!({"code": code(app, &secret, 0)});
    client.post(&format!("{FACTOR}/confirmation"), &shown).await.expect(200);
    secret
}

async fn demand(client: &Client, wanted: bool) -> Answer {
    client.patch("/api/v1/tenant", &json!({"second_factor_required": wanted})).await
}

#[tokio::test]
async fn whoever_has_none_only_sets_one_up_until_it_is_confirmed() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let supervisor = app.user(&app.acme, "Supervisor").await;
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    let tokens = second(&app).await;
    assert_eq!(tokens["second_factor_required"], false);
    let sam = holder(&app, &tokens);
    sam.get(LEADS).await.expect(200);
    let mut socket = Socket::open(&sam, None).await;

    assert_eq!(admin.get("/api/v1/tenant").await.expect(200)["second_factor_required"], false);
    assert_eq!(demand(&supervisor, true).await.problem(403), "permission-missing");
    assert_eq!(demand(admin, true).await.problem(409), "second-factor-missing");
    let elsewhere = holder(&app, &login(&admin.anonymous(), ADMIN, PASSWORD).await.expect(200));
    elsewhere.get(LEADS).await.expect(200);
    enrol(&app, admin).await;
    assert_eq!(elsewhere.get(LEADS).await.problem(401), "unauthenticated", "it has shown no second factor");
    assert_eq!(demand(admin, true).await.expect(200)["second_factor_required"], true);
    let said = &logged(&app, "action=update&resource=tenant").await[0]["detail"];
    assert_eq!(said["second_factor_required"], true, "{said}");

    assert_eq!(sam.get(LEADS).await.problem(403), "second-factor-required", "at the next request");
    assert_eq!(socket.closed().await.0, 1008);
    let operation = format!("/api/v1/operations/{}", app.acme.id.0);
    assert_eq!(sam.get(&operation).await.problem(403), "second-factor-required");
    assert_eq!(demand(&sam, false).await.problem(403), "second-factor-required");
    assert_eq!(sam.get("/api/v1/me").await.expect(200)["permissions"], json!([]));
    let user = format!("/api/v1/users/{}", tokens["user_id"].as_str().expect("an id"));
    sam.get(&format!("{user}/sessions")).await.expect(200);
    let tokens = refresh(&app, &tokens).await;
    assert_eq!(tokens["second_factor_required"], true);
    let sam = holder(&app, &tokens);
    assert_eq!(sam.get(LEADS).await.problem(403), "second-factor-required");
    let anew = login(&admin.anonymous(), SECOND, PASSWORD).await.expect(200);
    assert_eq!(anew["second_factor_required"], true);
    holder(&app, &anew).post("/api/v1/auth/logout", &json!({})).await.expect(204);
    for free in [admin, &key, &app.other.admin] {
        free.get(LEADS).await.expect(200);
    }

    let secret = enrol(&app, &sam).await;
    sam.get(LEADS).await.expect(200);
    let tokens = refresh(&app, &tokens).await;
    assert_eq!(tokens["second_factor_required"], false);
    let sam = holder(&app, &tokens);
    sam.get(LEADS).await.expect(200);

    // Another authenticator: the old one goes by a code of it, and nothing else can be done until there is a new one.
    app.advance(TimeDelta::seconds(30)).await;
    let removal = json!({"code": code(&app, &secret, 0)});
    sam.post(&format!("{FACTOR}/removal"), &removal).await.expect(204);
    assert_eq!(sam.get(LEADS).await.problem(403), "second-factor-required", "they took it away");
    enrol(&app, &sam).await;
    sam.get(LEADS).await.expect(200);

    admin.delete(&format!("{user}/second-factor")).await.expect(204);
    assert_eq!(sam.get(LEADS).await.problem(403), "second-factor-required", "an admin took it away");
    demand(admin, false).await.expect(200);
    sam.get(LEADS).await.expect(200);
    app.process.stop().await;
}

/// Sets one up as a person does, and gives its secret.
async fn set_up(app: &TestApp, browser: &mut Browser) -> Value {
    let factor = "/ops/account/second-factor";
    browser.get(factor).await.expect(200);
    let offered = browser.post(factor, &[("current", PASSWORD)]).await.expect(200);
    let url = between(&offered.text, "href=\"otpauth://", "\"").replace("&#38;", "&");
    let secret = json!({ "secret": between(&format!("{url}&"), "secret=", "&") });
    browser.post(&format!("{factor}/confirm"), &[("code", &code(app, &secret, 0))]).await.expect(200);
    secret
}

#[tokio::test]
async fn the_dashboard_leads_to_where_it_is_set_up() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    second(&app).await;
    let mut sam = Browser::of(&app, "acme", SECOND).await;
    sam.get("/ops/jobs").await.expect(200);

    let (general, demand) = ("/ops/settings/general", [("second_factor_required", "1")]);
    browser.get(general).await.expect(200);
    browser.post(general, &demand).await.expect(409);
    let factor = "/ops/account/second-factor";
    set_up(&app, &mut browser).await;
    browser.post(general, &demand).await.expect(303);
    let page = browser.get(general).await.expect(200);
    assert!(page.says("name=\"second_factor_required\" value=\"1\" checked"), "{}", page.text);

    for path in ["/ops", "/ops/jobs", "/ops/settings"] {
        assert_eq!(sam.get(path).await.leads(), factor, "{path}");
    }
    sam.more.push(("hx-request", "true".to_owned()));
    assert_eq!(sam.get("/ops/jobs").await.expect(403).headers["hx-redirect"], factor);
    sam.more.clear();
    sam.get("/ops/account").await.expect(200);
    let form = sam.get(factor).await.expect(200);
    assert!(form.says("Your tenant demands one"), "{}", form.text);
    let secret = set_up(&app, &mut sam).await;
    sam.get("/ops/jobs").await.expect(200);
    let page = sam.get(factor).await.expect(200);
    assert!(page.says("all you can do is set another up"), "{}", page.text);
    app.advance(TimeDelta::seconds(30)).await;
    let gone = sam.post(&format!("{factor}/remove"), &[("code", &code(&app, &secret, 0))]).await;
    assert_eq!(gone.leads(), factor);
    assert_eq!(sam.get("/ops/jobs").await.leads(), factor);
    app.process.stop().await;
}
