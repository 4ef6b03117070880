//! Tenants that are kept out, and let in again.

use domain::access::tenants::{readmit, suspend};
use serde_json::json;
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

async fn login(anyone: &Client, tenant: &str) -> switchboard_tests::Answer {
    anyone.try_login(tenant, &format!("admin@{tenant}.example.com"), PASSWORD).await
}

/// How many of acme's lanes are served.
async fn lanes_at_work(app: &TestApp) -> i64 {
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query_scalar("select count(*) from engine.lanes where tenant_id = $1 and paused_at is null")
        .bind(app.acme.id.0)
        .fetch_one(&mut system)
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_suspended_tenant_is_kept_out_its_work_waits_and_goes_on_later() {
    let app = TestApp::start().await;
    let platform = &app.process.app.platform;
    let (admin, anyone) = (&app.acme.admin, app.acme.admin.anonymous());
    admin.post("/api/v1/leads", &json!({"email": "l@example.com"})).await.expect(201);
    let score = async || admin.post("/api/v1/automation/leads/score", &json!({"all": true})).await;
    assert_eq!(admin.ended(score().await).await["status"], "succeeded");
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let key = admin.with_bearer(key["key"].as_str().expect("a key"));
    let tokens = login(&anyone, "acme").await.expect(200);
    let ticket = admin.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
    let mut socket = Socket::open(admin, None).await;

    suspend(platform, "acme", "has not paid").await.expect("suspended");
    for client in [admin, &key] {
        assert_eq!(client.get("/api/v1/me").await.problem(401), "unauthenticated");
    }
    assert_eq!(login(&anyone, "acme").await.problem(401), "unauthenticated");
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    assert_eq!(anyone.post("/api/v1/auth/refresh", &refresh).await.problem(401), "unauthenticated");
    assert_eq!(socket.closed().await.0, 1008);
    let mut late = Socket::with_ticket(admin, ticket["ticket"].as_str().expect("a ticket"), None, None)
        .await
        .expect("the ticket itself is good");
    assert_eq!(late.closed().await.0, 1008);
    app.other.admin.get("/api/v1/me").await.expect(200);
    assert_eq!(lanes_at_work(&app).await, 0, "nothing of it is begun");
    assert!(suspend(platform, "acme", "").await.expect_err("twice").to_string().contains("already"));
    assert!(suspend(platform, "nobody", "").await.is_err());

    readmit(platform, "acme").await.expect("let in");
    assert!(lanes_at_work(&app).await > 0);
    admin.get("/api/v1/me").await.expect(200);
    assert_eq!(admin.ended(score().await).await["status"], "succeeded", "its work goes on");
    let told = admin.all("/api/v1/compliance/security-events?severity=notice").await;
    let actions: Vec<_> = told.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"suspend") && actions.contains(&"readmit"), "{actions:?}");
    assert!(readmit(platform, "acme").await.expect_err("twice").to_string().contains("not suspended"));
    app.process.stop().await;
}
