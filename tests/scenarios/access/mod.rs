//! Who comes in, and what they may do.

pub mod by_token;
mod changes;
mod recorded;

use chrono::TimeDelta;
use domain::access::{
    tenants::{self, NewTenant},
    users::NewUser,
};
use serde_json::json;
use switchboard_tests::{PASSWORD, Socket, TestApp};

#[tokio::test]
async fn only_the_right_password_of_the_right_tenant_comes_in() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    for (tenant, email, password) in [
        ("acme", "admin@acme.example.com", "wrong horse battery"),
        ("acme", "admin@acme.example.com", PASSWORD.to_uppercase().as_str()),
        ("acme", "admin@acme.example.com", format!("{PASSWORD} ").as_str()),
        ("acme", "admin@other.example.com", PASSWORD),
        ("nobody", "admin@acme.example.com", PASSWORD),
        ("acme", "not an address", PASSWORD),
    ] {
        let body = json!({"tenant": tenant, "email": email, "password": password});
        assert_eq!(anyone.post("/api/v1/auth/login", &body).await.problem(401), "unauthenticated");
    }
    let token = app.acme.admin.bearer.clone().expect("a token");
    let forged = format!("{}AAAA", &token[..token.len() - 4]);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.";
    for bearer in ["", "x", "sb_00000000", &forged, unsigned] {
        assert_eq!(anyone.with_bearer(bearer).get("/api/v1/me").await.problem(401), "unauthenticated");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn roles_and_keys_hold_what_they_were_given_and_no_more() {
    let app = TestApp::start().await;
    let agent = app.user(&app.acme, "Agent").await;
    let refused = agent.get("/api/v1/communication/messages").await;
    assert!(refused.body["detail"].as_str().expect("a detail").contains("messages:read"));
    assert_eq!(refused.problem(403), "permission-missing");
    let manager = app.user(&app.acme, "Manager").await;
    let admin = json!({"name": "A", "email": "a@example.com", "password": PASSWORD, "role": "Admin"});
    assert_eq!(manager.post("/api/v1/users", &admin).await.problem(403), "permission-missing");

    let new = json!({"name": "ci", "permissions": ["templates:read"]});
    let made = app.acme.admin.post("/api/v1/api-keys", &new).await.expect(201);
    let key = app.acme.admin.with_bearer(made["key"].as_str().expect("a key"));
    assert_eq!(key.get("/api/v1/me").await.expect(200)["permissions"], json!(["templates:read"]));
    key.get("/api/v1/communication/templates").await.expect(200);
    assert_eq!(key.get("/api/v1/jobs").await.problem(403), "permission-missing");
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"));
    let shown = app.acme.admin.get(&path).await.expect(200);
    assert!(shown.get("key").is_none(), "the text is shown once: {shown}");
    app.acme.admin.delete(&path).await.expect(204);
    assert_eq!(key.get("/api/v1/me").await.problem(401), "unauthenticated");
    app.process.stop().await;
}

#[tokio::test]
async fn a_bootstrap_that_was_cut_off_is_finished_by_the_next_one() {
    let app = TestApp::start().await;
    let (gate, by) = (&app.process.app.gate, app.machine());
    let admin = |role: &str| NewUser {
        name: "Ada".parse().expect("a name"),
        email: "ada@example.com".parse().expect("an address"),
        password: Some(PASSWORD.into()),
        role: role.into(),
    };
    let name = "Third".parse().expect("a name");
    let third = NewTenant::named("third", &name);
    // The tenant is committed, its admin is not: as a crash between the two would leave it.
    let create = async |role: &str| tenants::create_tenant(&by, gate, &third, &admin(role)).await.map(drop);
    create("Nobody").await.expect_err("no such role");
    create("Admin").await.expect("it goes on");
    let client = app.acme.admin.anonymous().login("third", "ada@example.com", PASSWORD).await;
    client.get("/api/v1/users").await.expect(200);
    assert!(create("Admin").await.expect_err("it is taken").to_string().contains("slug"));
    let itself = NewTenant::named("installation", &name);
    let taken = tenants::create_tenant(&by, gate, &itself, &admin("Admin")).await.map(drop);
    assert!(taken.expect_err("nobody gets into the installation itself").to_string().contains("slug"));
    app.process.stop().await;
}

#[tokio::test]
async fn tokens_and_tickets_and_keys_end_when_they_said() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let expires_at = app.process.app.platform.clock.now() + TimeDelta::hours(20);
    let new = json!({"name": "ci", "permissions": ["leads:read", "events:read"], "expires_at": expires_at});
    let key = admin.post("/api/v1/api-keys", &new).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    let ticket = admin.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    app.advance(TimeDelta::seconds(31)).await;
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    assert!(Socket::with_ticket(admin, ticket, None, None).await.is_err(), "a ticket is good for 30 seconds");
    admin.get("/api/v1/me").await.expect(200);
    app.advance(TimeDelta::hours(19)).await;
    assert_eq!(admin.get("/api/v1/me").await.problem(401), "unauthenticated");
    key.get("/api/v1/me").await.expect(200);
    let mut socket = Socket::open(&key, None).await;
    app.advance(TimeDelta::hours(1)).await;
    assert_eq!(socket.closed().await.0, 1008, "a socket does not outlive the key it was opened with");
    assert_eq!(key.get("/api/v1/me").await.problem(401), "unauthenticated");
    app.process.stop().await;
}
