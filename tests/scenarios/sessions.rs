//! Logins that last: refreshed, listed, ended, and tried too often.

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, Socket, TestApp};

pub const ADMIN: &str = "admin@acme.example.com";

/// The admin, logged in anew: a token is good for ten minutes, and the clock was moved on.
pub async fn again(app: &TestApp) -> Client {
    app.acme.admin.anonymous().login("acme", ADMIN, PASSWORD).await
}

pub async fn login(anyone: &Client, email: &str, password: &str) -> Answer {
    anyone.try_login("acme", email, password).await
}

async fn refresh(anyone: &Client, tokens: &Value) -> Answer {
    anyone.post("/api/v1/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]})).await
}

/// Whoever holds these tokens.
fn holder(anyone: &Client, tokens: &Value) -> Client {
    anyone.with_bearer(tokens["token"].as_str().expect("a token"))
}

fn sessions_of(tokens: &Value) -> String {
    format!("/api/v1/users/{}/sessions", tokens["user_id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_copy_of_it_ends_the_session() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    let first = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    app.advance(TimeDelta::minutes(11)).await;
    assert_eq!(holder(&anyone, &first).get("/api/v1/me").await.problem(401), "unauthenticated");
    let second = refresh(&anyone, &first).await.expect(200);
    assert_eq!(second["session_id"], first["session_id"]);
    let client = holder(&anyone, &second);
    client.get("/api/v1/me").await.expect(200);
    let mut socket = Socket::open(&client, None).await;
    let again = refresh(&anyone, &first).await.expect(200);
    assert_eq!(again["refresh_token"], second["refresh_token"], "the answer may have been lost");
    app.advance(TimeDelta::seconds(10)).await;
    let ticket = client.post("/api/v1/ws/tickets", &json!({})).await.expect(201);

    assert_eq!(refresh(&anyone, &first).await.problem(401), "unauthenticated");
    assert_eq!(client.get("/api/v1/me").await.problem(401), "unauthenticated", "its token ends at once");
    assert_eq!(
        refresh(&anyone, &second).await.problem(401),
        "unauthenticated",
        "and the newest of its family"
    );
    assert_eq!(socket.closed().await.0, 1008);
    let mut late = Socket::with_ticket(&client, ticket["ticket"].as_str().expect("a ticket"), None, None)
        .await
        .expect("the ticket itself is good");
    assert_eq!(late.closed().await.0, 1008, "but not what it was given for");

    let admin = anyone.login("acme", ADMIN, PASSWORD).await;
    let told = admin.all("/api/v1/compliance/security-events?severity=critical").await;
    assert_eq!(told[0]["action"], "refresh");
    assert_eq!(told[0]["detail"]["session_id"], first["session_id"]);
    let listed = admin.all(&sessions_of(&first)).await;
    let ended = listed.iter().find(|session| session["id"] == first["session_id"]).expect("it is listed");
    assert_eq!(ended["end_reason"], "copied");
    app.process.stop().await;
}

#[tokio::test]
async fn two_refreshes_with_one_token_get_one_answer() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    let tokens = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    let (one, two) = tokio::join!(refresh(&anyone, &tokens), refresh(&anyone, &tokens));
    assert_eq!(one.expect(200)["refresh_token"], two.expect(200)["refresh_token"]);
    for forged in ["", "x", "sbr_", "sbr_1_2_3_4", "sb_live_x"] {
        let answer = refresh(&anyone, &json!({"refresh_token": forged})).await;
        assert_eq!(answer.problem(401), "unauthenticated", "{forged}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_session_lasts_two_weeks_without_a_refresh_and_ninety_days_with() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    let idle = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    let mut used = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    for _ in 0..6 {
        app.advance(TimeDelta::days(14)).await;
        app.clock.advance(TimeDelta::minutes(-1));
        used = refresh(&anyone, &used).await.expect(200);
    }
    assert_eq!(refresh(&anyone, &idle).await.problem(401), "unauthenticated");
    app.advance(TimeDelta::days(7)).await;
    assert_eq!(refresh(&anyone, &used).await.problem(401), "unauthenticated", "90 days are over");
    app.process.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_user_and_by_those_who_may() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let mine = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    let me = holder(&anyone, &mine);
    let listed = me.all(&sessions_of(&mine)).await;
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["current"]), (&mine["session_id"], &json!(true)));
    assert_eq!(
        (&listed[0]["client"]["address"], &listed[1]["current"]),
        (&json!("127.0.0.1"), &json!(false))
    );

    let deputy = json!({"name": "Deputy", "permissions": ["sessions:read", "sessions:end"]});
    admin.post("/api/v1/compliance/roles", &deputy).await.expect(201);
    let deputy = app.user(&app.acme, "Deputy").await;
    let agent = app.user(&app.acme, "Agent").await;
    deputy.all(&sessions_of(&mine)).await;
    assert_eq!(deputy.delete(&sessions_of(&mine)).await.problem(403), "beyond-your-rights");
    assert_eq!(agent.get(&sessions_of(&mine)).await.problem(403), "permission-missing");
    assert_eq!(agent.delete(&sessions_of(&mine)).await.problem(403), "permission-missing");

    let one = format!("{}/{}", sessions_of(&mine), mine["session_id"].as_str().expect("an id"));
    admin.delete(&one).await.expect(204);
    assert_eq!(me.get("/api/v1/me").await.problem(401), "unauthenticated");
    assert_eq!(admin.delete(&one).await.problem(404), "not-found");
    admin.get("/api/v1/me").await.expect(200);
    let again = login(&anyone, ADMIN, PASSWORD).await.expect(200);
    holder(&anyone, &again).post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert_eq!(refresh(&anyone, &again).await.problem(401), "unauthenticated");
    admin.delete(&sessions_of(&mine)).await.expect(204);
    assert_eq!(admin.get("/api/v1/me").await.problem(401), "unauthenticated", "all of them, this one too");

    let admin = anyone.login("acme", ADMIN, PASSWORD).await;
    let key = json!({"name": "k", "permissions": ["users:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(key.post("/api/v1/auth/logout", &json!({})).await.problem(409), "no-session");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_tries_too_often_waits_and_nobody_else_does() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    let other = app.user(&app.acme, "Agent").await;
    other.get("/api/v1/me").await.expect(200);
    for _ in 0..20 {
        // A login that succeeds gives its try back.
        login(&anyone, ADMIN, PASSWORD).await.expect(200);
    }
    for _ in 0..10 {
        assert_eq!(login(&anyone, ADMIN, "wrong horse battery").await.problem(401), "unauthenticated");
    }
    for password in ["wrong horse battery", PASSWORD] {
        let refused = login(&anyone, "ADMIN@acme.example.com", password).await;
        let wait: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((40..=61).contains(&wait), "{wait}");
        assert_eq!(refused.problem(429), "too-many-requests");
    }
    assert_eq!(login(&anyone, "nobody@acme.example.com", PASSWORD).await.problem(401), "unauthenticated");
    let refused = login(&anyone, ADMIN, PASSWORD).await;
    let wait = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    app.advance(TimeDelta::seconds(wait)).await;
    login(&anyone, ADMIN, PASSWORD).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_invited_or_has_forgotten_chooses_a_password_by_a_link_that_is_good_once() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let email = "new@acme.example.com";
    let invited = json!({"name": "New", "email": email, "role": "Agent"});
    let invited = admin.post("/api/v1/users", &invited).await.expect(201);
    let user = format!("/api/v1/users/{}", invited["id"].as_str().expect("an id"));
    for guess in ["", "null", PASSWORD] {
        assert_eq!(login(&anyone, email, guess).await.problem(401), "unauthenticated");
    }
    let links = format!("{user}/password-links");
    let void = admin.post(&links, &json!({})).await.expect(201);
    let link = admin.post(&links, &json!({})).await.expect(201);
    let choose = async |link: &Value, password: &str| {
        let body = json!({"token": link["token"], "password": password});
        anyone.post("/api/v1/auth/password", &body).await
    };
    assert_eq!(choose(&void, PASSWORD).await.problem(401), "unauthenticated");
    for weak in ["short", "Password1234"] {
        assert_eq!(choose(&link, weak).await.problem(422), "invalid", "{weak}");
    }
    choose(&link, PASSWORD).await.expect(204);
    assert_eq!(choose(&link, PASSWORD).await.problem(401), "unauthenticated");
    let (one, two) = (login(&anyone, email, PASSWORD).await, login(&anyone, email, PASSWORD).await);
    let (one, two) = (holder(&anyone, &one.expect(200)), holder(&anyone, &two.expect(200)));

    let change = async |current: &str, new: &str| {
        let body = json!({"current": current, "new": new});
        one.send(one.request(reqwest::Method::PUT, "/api/v1/me/password").json(&body)).await
    };
    assert_eq!(change("wrong horse battery", "another horse battery").await.problem(422), "invalid");
    assert_eq!(change(PASSWORD, "short").await.problem(422), "invalid");
    change(PASSWORD, "another horse battery").await.expect(204);
    one.get("/api/v1/me").await.expect(200);
    assert_eq!(two.get("/api/v1/me").await.problem(401), "unauthenticated", "other sessions end");
    assert_eq!(login(&anyone, email, PASSWORD).await.problem(401), "unauthenticated");

    let me = admin.get("/api/v1/me").await.expect(200);
    let own = format!("/api/v1/users/{}/password-links", me["id"].as_str().expect("an id"));
    assert_eq!(admin.post(&own, &json!({})).await.problem(409), "own-password");
    let key = admin.post("/api/v1/api-keys", &json!({"name": "k", "permissions": me["permissions"]})).await;
    let key = admin.with_bearer(key.expect(201)["key"].as_str().expect("a key"));
    assert_eq!(key.post(&own, &json!({})).await.problem(409), "own-password", "nor by a key of one's own");

    // A link does not give away what the user was given after it was made.
    let early = admin.post(&links, &json!({})).await.expect(201);
    admin.patch(&user, &json!({"role": "Manager"})).await.expect(200);
    assert_eq!(choose(&early, PASSWORD).await.problem(401), "unauthenticated");

    let open = login(&anyone, email, "another horse battery").await.expect(200);
    let late = admin.post(&links, &json!({})).await.expect(201);
    admin.patch(&user, &json!({"disabled": true})).await.expect(200);
    assert_eq!(choose(&late, PASSWORD).await.problem(401), "unauthenticated", "kept out all the same");
    assert_eq!(admin.post(&links, &json!({})).await.problem(409), "kept-out");
    admin.patch(&user, &json!({"disabled": false})).await.expect(200);
    assert_eq!(refresh(&anyone, &open).await.problem(401), "unauthenticated", "a session does not come back");
    let late = admin.post(&links, &json!({})).await.expect(201);
    app.clock.advance(TimeDelta::hours(73));
    assert_eq!(choose(&late, PASSWORD).await.problem(401), "unauthenticated", "it has expired");
    app.process.stop().await;
}
