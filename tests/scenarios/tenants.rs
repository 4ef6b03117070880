//! Tenants: kept out and let in again, settled by their own people, bounded by operators.

use chrono::TimeDelta;
use domain::{
    access::tenants::{readmit, suspend},
    upkeep,
};
use engine::operate::{Decider, Scope};
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::leads;

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
    let by = app.machine();
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

    suspend(&by, "acme", "has not paid").await.expect("suspended");
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
    assert!(suspend(&by, "acme", "").await.expect_err("twice").to_string().contains("already"));
    assert!(suspend(&by, "nobody", "").await.is_err());

    readmit(&by, "acme").await.expect("let in");
    assert!(lanes_at_work(&app).await > 0);
    admin.get("/api/v1/me").await.expect(200);
    assert_eq!(admin.ended(score().await).await["status"], "succeeded", "its work goes on");
    let told = admin.all("/api/v1/compliance/security-events?severity=notice").await;
    let actions: Vec<_> = told.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"suspend") && actions.contains(&"readmit"), "{actions:?}");
    assert!(readmit(&by, "acme").await.expect_err("twice").to_string().contains("not suspended"));
    app.process.stop().await;
}

#[tokio::test]
async fn a_pause_is_taken_back_by_whoever_decided_it_and_nobody_else() {
    let app = TestApp::start().await;
    let (by, admin) = (app.machine(), &app.acme.admin);
    admin.post("/api/v1/leads", &json!({"email": "l@example.com"})).await.expect(201);
    let score = admin.post("/api/v1/automation/leads/score", &json!({"all": true})).await;
    assert_eq!(admin.ended(score).await["status"], "succeeded");
    let whole = Scope { tenant: Some(app.acme.id.0), ..Scope::default() };
    let in_queue = Scope { queue: Some("automation"), ..whole };
    let engine = &by.platform.engine;
    for scope in [whole, in_queue] {
        let mut tx = engine.begin_system().await.expect("a transaction");
        tx.pause_scope(Decider::Operator, scope, "the provider moves").await.expect("paused");
        tx.commit().await.expect("committed");
    }
    suspend(&by, "acme", "has not paid").await.expect("suspended");
    readmit(&by, "acme").await.expect("let in");
    assert_eq!(lanes_at_work(&app).await, 0, "the operator's pause goes on");
    let resume = admin.post("/api/v1/queues/automation/resume", &json!({})).await;
    assert_eq!(resume.problem(409), "not-paused", "the tenant did not pause it");
    for scope in [whole, in_queue] {
        let mut tx = engine.begin_system().await.expect("a transaction");
        assert!(tx.resume_scope(Decider::Operator, scope).await.expect("an answer"));
        tx.commit().await.expect("committed");
    }
    assert!(lanes_at_work(&app).await > 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_settles_what_is_its_own_and_its_schedules_go_by_its_zone() {
    let app = TestApp::start().await;
    let (admin, supervisor) = (&app.acme.admin, app.user(&app.acme, "Supervisor").await);
    let mine = admin.get("/api/v1/tenant").await.expect(200);
    assert_eq!(
        (&mine["slug"], &mine["zone"], &mine["locale"]),
        (&json!("acme"), &json!("UTC"), &json!("en"))
    );
    assert_eq!(mine["limits"], json!({"requests_per_s": null, "most_users": null}));
    let mut kept = json!({"sessions_days": 30, "imports_days": 90, "audit_days": 396, "attempts_days": 396});
    assert_eq!(mine["retention"], kept);
    let change = json!({"zone": "Asia/Kolkata", "locale": "hi-IN", "retention": {"imports_days": 10}});
    assert_eq!(supervisor.patch("/api/v1/tenant", &change).await.problem(403), "permission-missing");
    let changed = admin.patch("/api/v1/tenant", &change).await.expect(200);
    kept["imports_days"] = json!(10);
    assert_eq!(changed["retention"], kept);
    assert_eq!(supervisor.get("/api/v1/tenant").await.expect(200), changed);
    assert_eq!(app.other.admin.get("/api/v1/tenant").await.expect(200)["zone"], "UTC");
    let told = admin.all("/api/v1/compliance/audit-logs?action=update&resource=tenant").await;
    assert_eq!(told[0]["detail"]["zone"], "Asia/Kolkata");

    let plan = json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "0 9 * * *"});
    assert_eq!(admin.post("/api/v1/schedules", &plan).await.expect(201)["zone"], "Asia/Kolkata");
    let glance = json!({"crontab": "0 9 * * *", "from": "2030-01-01T00:00:00Z"});
    let times = admin.post("/api/v1/schedules/preview", &glance).await.expect(200);
    assert_eq!(times[0], "2030-01-01T03:30:00Z");
    for (field, value, pointer) in [
        ("zone", json!("Mars/Olympus"), "/zone"),
        ("locale", json!("english"), "/locale"),
        ("retention", json!({"sessions_days": 0}), "/retention/sessions_days"),
        ("retention", json!({"imports_days": 3651}), "/retention/imports_days"),
        ("limits", json!({"most_users": 1}), "/limits"),
        ("name", json!("Acme"), "/name"),
    ] {
        let refused = admin.patch("/api/v1/tenant", &json!({field: value})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_has_as_many_users_as_its_operators_say_and_no_more() {
    let app = TestApp::start().await;
    let (admin, operator) = (&app.acme.admin, app.operator("Olga").await);
    let limit =
        async |limits: Value| operator.patch("/api/v1/tenants/acme", &json!({"limits": limits})).await;
    assert_eq!(limit(json!({"most_users": 0})).await.problem(422), "invalid");
    assert_eq!(limit(json!({"most_users": 2})).await.expect(200)["limits"]["most_users"], 2);
    let user = |n: usize| json!({"name": "U", "email": format!("u{n}@example.com"), "role": "Agent"});
    let make = async |n: usize| admin.post("/api/v1/users", &user(n)).await;
    let (one, two) = tokio::join!(make(1), make(2));
    let (accepted, refused) = if one.status == 201 { (one, two) } else { (two, one) };
    assert_eq!(refused.problem(409), "too-many-users", "one place was left");
    let path = format!("/api/v1/users/{}", accepted.expect(201)["id"].as_str().expect("an id"));
    admin.patch(&path, &json!({"disabled": true})).await.expect(200);
    make(3).await.expect(201);
    assert_eq!(admin.patch(&path, &json!({"disabled": false})).await.problem(409), "too-many-users");
    limit(json!({"requests_per_s": 1_000_000})).await.expect(200);
    assert_eq!(make(4).await.problem(409), "too-many-users", "what is not named stays");
    assert!(limit(json!({"most_users": null})).await.expect(200)["limits"]["most_users"].is_null());
    admin.patch(&path, &json!({"disabled": false})).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_asks_as_often_as_its_operators_say() {
    let app = TestApp::start().await;
    let (admin, operator) = (&app.acme.admin, app.operator("Olga").await);
    let second = app.user(&app.acme, "Agent").await;
    let pace = async |per_s: Value| {
        let limits = json!({"limits": {"requests_per_s": per_s}});
        operator.patch("/api/v1/tenants/acme", &limits).await.expect(200);
    };
    pace(json!(1)).await;
    for _ in 0..20 {
        admin.get("/api/v1/me").await;
    }
    assert_eq!(second.get("/api/v1/me").await.problem(429), "too-many-requests");
    app.other.admin.get("/api/v1/me").await.expect(200);
    pace(json!(null)).await;
    second.get("/api/v1/me").await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_tenant_does_not_want_kept_is_deleted() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let anyone = app.acme.admin.anonymous();
    let import = leads::import(&app.acme.admin, "email\nnot an address\n").await.expect(201);
    let import = format!("/api/v1/leads/imports/{}", import["id"].as_str().expect("an id"));
    for slug in ["acme", "other"] {
        let tokens = login(&anyone, slug).await.expect(200);
        let session = anyone.with_bearer(tokens["token"].as_str().expect("a token"));
        session.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    }
    let retention = json!({"retention": {"sessions_days": 1, "imports_days": 1}});
    app.acme.admin.patch("/api/v1/tenant", &retention).await.expect(200);
    let platform = &app.process.app.platform;
    assert_eq!(upkeep::forget_some(platform).await.expect("an answer"), 0, "nothing is old enough");
    app.advance(TimeDelta::days(2)).await;
    assert_eq!(upkeep::forget_some(platform).await.expect("an answer"), 2);
    assert_eq!(upkeep::forget_some(platform).await.expect("an answer"), 0, "the other tenant keeps its own");
    let admin = anyone.login("acme", "admin@acme.example.com", PASSWORD).await;
    let me = admin.get("/api/v1/me").await.expect(200);
    let sessions = format!("/api/v1/users/{}/sessions", me["id"].as_str().expect("an id"));
    assert!(admin.all(&sessions).await.iter().all(|session| session["ended_at"].is_null()));
    assert_eq!(admin.get(&import).await.expect(200)["rejected"], 1, "the import itself stays");
    let report = admin.get(&format!("{import}/rows")).await.expect(200);
    assert_eq!(report["items"], json!([]));
    app.process.stop().await;
}
