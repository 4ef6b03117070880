//! Rights that change while somebody acts by them, and the keys that sign what shows them.

use std::{sync::Arc, time::Duration};

use domain::{
    Ctx, Error,
    access::{gate::Gate, keys, roles, signers, users},
    leads::{commands, contacts::IfTaken},
};
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp, app::platform};
use tokio::time::Instant;

use crate::{agents::person, routing::team};

/// The context that a bearer has at this moment.
pub async fn admitted(app: &TestApp, client: &Client) -> Ctx {
    let bearer = client.bearer.as_deref().expect("a token");
    app.process.app.gate.admit(bearer, None).await.expect("admitted")
}

async fn id_of(client: &Client) -> String {
    let me = client.get("/api/v1/me").await.expect(200);
    me["id"].as_str().expect("an id").to_owned()
}

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("it has this form")
}

#[tokio::test]
async fn what_was_withdrawn_after_a_request_came_in_gives_no_rights_any_more() {
    let app = TestApp::start().await;
    let (admin, gate) = (&app.acme.admin, &app.process.app.gate);
    let second = app.user(&app.acme, "Admin").await;
    let path = format!("/api/v1/users/{}", id_of(&second).await);
    let victim = from(json!(id_of(&app.user(&app.acme, "Agent").await).await));
    let ctx = admitted(&app, &second).await;
    admin.patch(&path, &json!({"role": "Agent"})).await.expect(200);
    let over = |what: &str, refused: domain::Result<()>| {
        let refused = refused.expect_err(what);
        assert!(matches!(refused, Error::Forbidden(_)), "{what}: {refused}");
    };
    let role = || from(json!({"name": "r", "permissions": ["leads:read"]}));
    over("a role", roles::create(&ctx, role()).await.map(drop));
    let key = from(json!({"name": "k", "permissions": ["leads:read"]}));
    over("a key", keys::create_api_key(&ctx, gate, key).await.map(drop));
    let user = json!({"name": "x", "email": "x@example.com", "role": "Agent"});
    over("a user", users::create_user(&ctx, gate, from(user)).await.map(drop));
    let change = from(json!({"disabled": true}));
    over("a change", users::change_user(&ctx, victim, change).await.map(drop));
    over("a session", domain::access::sessions::end_sessions(&ctx, victim, None).await);
    over("a link", domain::access::links::issue(&ctx, victim).await.map(drop));
    over("a factor", domain::access::second_factor::remove(&ctx, victim).await);

    let third = app.user(&app.acme, "Admin").await;
    let ctx = admitted(&app, &third).await;
    let path = format!("/api/v1/users/{}", id_of(&third).await);
    admin.patch(&path, &json!({"disabled": true})).await.expect(200);
    let refused = roles::create(&ctx, role()).await.expect_err("kept out");
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_sees_fewer_leads_than_before_goes_on_with_nothing_that_was_begun() {
    let app = TestApp::start().await;
    let (admin, gate) = (&app.acme.admin, &app.process.app.gate);
    let clerk = |scope: &str| json!({"name": "Clerk", "permissions": ["leads:read"], "scope": scope});
    let role = admin.post("/api/v1/compliance/roles", &clerk("all")).await;
    let role = role.location().expect("a Location").to_owned();
    let ctx = admitted(&app, &app.user(&app.acme, "Clerk").await).await;
    gate.require_still(&ctx).await.expect("nothing has changed");
    admin.send(admin.request(Method::PUT, &role).json(&clerk("own"))).await.expect(200);
    let refused = gate.require_still(&ctx).await.expect_err("it was begun with all leads");
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
    app.process.stop().await;
}

/// Asks until it is refused; how long that took.
async fn refused_after(gate: &Gate, bearer: &str) -> Duration {
    let since = Instant::now();
    while gate.admit(bearer, None).await.is_ok() {
        assert!(since.elapsed() < Duration::from_secs(10), "it is believed for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    since.elapsed()
}

#[tokio::test]
async fn a_right_is_believed_for_a_moment_and_refused_soon_where_nobody_tells_of_its_end() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // It hears of no change: nobody runs its task.
    let deaf = Gate::open(&platform(&app.database).await).await.expect("a gate");
    let made = admin
        .post("/api/v1/api-keys", &json!({"name": "k", "permissions": ["leads:read"]}))
        .await
        .expect(201);
    let key = made["key"].as_str().expect("a key");
    let agent = app.user(&app.acme, "Agent").await;
    let token = agent.bearer.as_deref().expect("a token");
    for bearer in [key, token] {
        deaf.admit(bearer, None).await.expect("admitted");
        app.process.app.gate.admit(bearer, None).await.expect("admitted");
    }
    admin.delete(&format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"))).await.expect(204);
    admin
        .patch(&format!("/api/v1/users/{}", id_of(&agent).await), &json!({"role": "Manager"}))
        .await
        .expect(200);
    for bearer in [key, token] {
        let here = app.process.app.gate.admit(bearer, None).await;
        assert!(here.is_err(), "the process that changed it refuses at once");
        refused_after(&deaf, bearer).await;
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_token_newer_than_what_is_remembered_of_its_bearer_comes_in() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let body = json!({"name": "a", "email": "a@example.com", "password": switchboard_tests::PASSWORD, "role": "Agent"});
    let user = admin.post("/api/v1/users", &body).await.expect(201);
    let login = anyone.try_login("acme", "a@example.com", switchboard_tests::PASSWORD).await.expect(200);
    let deaf = Gate::open(&platform(&app.database).await).await.expect("a gate");
    deaf.admit(login["token"].as_str().expect("a token"), None).await.expect("admitted");
    let path = format!("/api/v1/users/{}", user["id"].as_str().expect("an id"));
    admin.patch(&path, &json!({"role": "Manager"})).await.expect(200);
    let anew = anyone
        .post("/api/v1/auth/refresh", &json!({"refresh_token": login["refresh_token"]}))
        .await
        .expect(200);
    deaf.admit(anew["token"].as_str().expect("a token"), None).await.expect("the newer one");
    app.process.stop().await;
}

#[tokio::test]
async fn another_key_signs_tokens_and_what_the_one_before_signed_is_good_until_it_expires() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let mut elsewhere = platform(&app.database).await;
    elsewhere.clock = Arc::new(app.clock.clone());
    let there = Gate::open(&elsewhere).await.expect("a gate");
    let before = admin.bearer.as_deref().expect("a token");
    there.admit(before, None).await.expect("admitted");
    signers::rotate(&app.process.app.platform, false).await.expect("rotated");
    // One that has heard of it signs; one that has not looks for the key that the token names.
    let heard = Gate::open(&elsewhere).await.expect("a gate");
    let (slug, email) = ("acme", "admin@acme.example.com");
    let address = "127.0.0.1".parse().expect("an address");
    let password = switchboard_tests::PASSWORD;
    let by_new = heard.login((slug, email, password), None, address, "", None).await.expect("logged in");
    assert_ne!(kid(&by_new.token), kid(before));
    let since = Instant::now();
    while there.admit(&by_new.token, None).await.is_err() {
        assert!(since.elapsed() < Duration::from_secs(10), "the new key is never found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for gate in [&there, &heard, &Gate::open(&elsewhere).await.expect("a gate")] {
        gate.admit(before, None).await.expect("the old one is good until it expires");
    }
    signers::rotate(&app.process.app.platform, true).await.expect("rotated");
    let anew = Gate::open(&elsewhere).await.expect("a gate");
    let refused = anew.admit(&by_new.token, None).await.err().expect("its key got into other hands");
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
    assert!(
        anew.admit(before, None).await.is_err(),
        "nor is it known whether the one before did not as well"
    );
    anyone.login("acme", email, password).await.get("/api/v1/me").await.expect(200);
    app.process.stop().await;
}

/// The part of a token that names its key.
fn kid(token: &str) -> &str {
    token.split('.').next().expect("a header")
}

#[tokio::test]
async fn who_was_deleted_gets_no_lead_by_rights_that_are_remembered() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let own = person(&app, &agents[0]).await;
    let ctx = admitted(&app, &own).await;
    let lead = || from(json!({"email": "l@example.com"}));
    commands::create(&ctx, lead(), IfTaken::Allow).await.expect("a lead of theirs");
    let path = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.delete(&format!("{path}?requeue=true")).await.expect(204);
    let refused = commands::create(&ctx, lead(), IfTaken::Allow).await.expect_err("they are gone");
    assert!(matches!(refused, Error::Beyond(_)), "{refused}");
    assert_eq!(admin.all("/api/v1/leads").await.len(), 1);
    app.process.stop().await;
}
