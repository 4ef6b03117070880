//! A second factor: set, asked for, used once, and what helps whoever has lost it.

use chrono::TimeDelta;
use domain::Error;
use serde_json::{Value, json};
use switchboard_tests::{PASSWORD, TestApp};
use totp_rs::{Algorithm, TOTP};

use crate::sessions::{ADMIN, login};

/// The code of an authenticator at a moment of the app's clock.
pub fn code(app: &TestApp, secret: &Value, later: i64) -> String {
    let secret = totp_rs::Secret::Encoded(secret["secret"].as_str().expect("a secret").into());
    let totp = TOTP::new(Algorithm::SHA1, 6, 0, 30, secret.to_bytes().expect("base32")).expect("a secret");
    let at = app.process.app.platform.clock.now().timestamp() + later;
    totp.generate(at.try_into().expect("after 1970"))
}

#[tokio::test]
async fn a_second_factor_is_set_asked_for_used_once_recovered_and_removed() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let factor = "/api/v1/me/second-factor";
    let confirm =
        async |code: &str| admin.post(&format!("{factor}/confirmation"), &json!({ "code": code })).await;
    assert_eq!(confirm("123456").await.problem(409), "nothing-to-confirm");
    let secret = admin.post(factor, &json!({"current": PASSWORD})).await.expect(201);
    assert!(secret["otpauth_url"].as_str().expect("a URL").contains("issuer=Switchboard"));
    login(&anyone, ADMIN, PASSWORD).await.expect(200);
    assert_eq!(confirm(&code(&app, &secret, 300)).await.problem(422), "invalid");
    let used = code(&app, &secret, -30);
    let recovery = confirm(&used).await.expect(200);
    assert_eq!(admin.post(factor, &json!({"current": PASSWORD})).await.problem(409), "second-factor-set");

    let with = async |code: &str| {
        let body = json!({"tenant": "acme", "email": ADMIN, "password": PASSWORD, "code": code});
        anyone.post("/api/v1/auth/login", &body).await
    };
    assert_eq!(login(&anyone, ADMIN, PASSWORD).await.problem(401), "second-factor-needed");
    assert_eq!(login(&anyone, ADMIN, "wrong horse battery").await.problem(401), "unauthenticated");
    assert_eq!(with(&used).await.problem(401), "unauthenticated", "it was used to confirm");
    let now = code(&app, &secret, 0);
    with(&now).await.expect(200);
    assert_eq!(with(&now).await.problem(401), "unauthenticated");
    let paper = recovery["codes"][3].as_str().expect("a code");
    with(paper).await.expect(200);
    assert_eq!(with(paper).await.problem(401), "unauthenticated");

    let second = app.user(&app.acme, "Admin").await;
    let me = admin.get("/api/v1/me").await.expect(200);
    let of_admin = format!("/api/v1/users/{}/second-factor", me["id"].as_str().expect("an id"));
    assert_eq!(admin.delete(&of_admin).await.problem(409), "own-factor");
    let removal = format!("{factor}/removal");
    assert_eq!(admin.post(&removal, &json!({"code": now})).await.problem(422), "invalid");
    second.delete(&of_admin).await.expect(204);
    assert_eq!(second.delete(&of_admin).await.problem(404), "not-found");
    login(&anyone, ADMIN, PASSWORD).await.expect(200);
    let secret = admin.post(factor, &json!({"current": PASSWORD})).await.expect(201);
    confirm(&code(&app, &secret, 0)).await.expect(200);
    app.advance(TimeDelta::minutes(1)).await;
    admin.post(&removal, &json!({"code": code(&app, &secret, 0)})).await.expect(204);
    assert_eq!(admin.post(&removal, &json!({"code": "000000"})).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn an_only_admin_who_has_lost_everything_comes_back_by_whoever_has_the_machine() {
    let app = TestApp::start().await;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    let gate = &app.process.app.gate;
    let email = ADMIN.parse().expect("an address");
    let none = gate.rescue_second_factor("acme", &email).await.expect_err("none is set");
    assert!(matches!(none, Error::NotFound(_)), "{none}");
    let factor = "/api/v1/me/second-factor";
    let wrong = admin.post(factor, &json!({"current": "wrong horse battery"})).await;
    assert_eq!(wrong.problem(422), "invalid", "whoever has only a token sets none");
    let secret = admin.post(factor, &json!({"current": PASSWORD})).await.expect(201);
    let shown = json!({"code": code(&app, &secret, 0)});
    admin.post(&format!("{factor}/confirmation"), &shown).await.expect(200);

    gate.rescue_second_factor("acme", &email).await.expect("removed");
    let link = gate.rescue_password("acme", &email).await.expect("a link");
    let chosen = json!({"token": link.token, "password": "another horse battery"});
    anyone.post("/api/v1/auth/password", &chosen).await.expect(204);
    let back = anyone.login("acme", ADMIN, "another horse battery").await;
    let told = back.all("/api/v1/compliance/security-events").await;
    for resource in ["second_factor", "password_link"] {
        let by_system = |event: &&Value| event["resource"] == resource && event["actor_kind"] == "system";
        assert!(told.iter().any(|event| by_system(&event)), "{resource} is told");
    }
    for (slug, email) in [("nobody", ADMIN), ("acme", "nobody@example.com")] {
        let refused =
            gate.rescue_password(slug, &email.parse().expect("an address")).await.err().expect("refused");
        assert!(matches!(refused, Error::NotFound(_)), "{refused}");
    }
    app.process.stop().await;
}

/// Beside a confirmation a login by a password alone, or one that the owner has ended, gets nothing.
#[tokio::test]
async fn who_comes_in_or_goes_out_beside_a_confirmation_is_judged_after_it() {
    let app = TestApp::start().await;
    let (admin, anyone) = (app.acme.admin.clone(), app.acme.admin.anonymous());
    let factor = "/api/v1/me/second-factor";
    let secret = admin.post(factor, &json!({"current": PASSWORD})).await.expect(201);
    let shown = json!({"code": code(&app, &secret, 0)});
    let engine = &app.process.app.platform.engine;
    let lock = "select from users for update";

    let mut busy = engine.begin_tenant(app.acme.id.0).await.expect("a transaction");
    sqlx::query(lock).execute(busy.conn()).await.expect("a lock");
    let confirm = tokio::spawn(async move { admin.post(&format!("{factor}/confirmation"), &shown).await });
    app.database.blocks(&confirm).await;
    let end = "update sessions set ended_at = now(), end_reason = 'revoked' where ended_at is null";
    sqlx::query(end).execute(busy.conn()).await.expect("ended");
    busy.commit().await.expect("committed");
    assert_eq!(confirm.await.expect("an answer").problem(401), "unauthenticated");
    login(&anyone, ADMIN, PASSWORD).await.expect(200);

    let mut busy = engine.begin_tenant(app.acme.id.0).await.expect("a transaction");
    sqlx::query(lock).execute(busy.conn()).await.expect("a lock");
    let coming = tokio::spawn(async move { login(&anyone, ADMIN, PASSWORD).await });
    app.database.blocks(&coming).await;
    let confirm = "update second_factors set confirmed_at = now()";
    sqlx::query(confirm).execute(busy.conn()).await.expect("confirmed");
    busy.commit().await.expect("committed");
    assert_eq!(coming.await.expect("an answer").problem(401), "second-factor-needed");
    app.process.stop().await;
}
