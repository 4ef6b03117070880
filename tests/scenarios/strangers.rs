//! What somebody learns and costs us who is not let in.

use std::{pin::pin, time::Duration};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};
use switchboard_tests::{Client, PASSWORD, TestApp};
use tokio::time::timeout;

/// Long enough that only a defect reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

async fn owner(app: &TestApp) -> PgConnection {
    PgConnection::connect_with(&app.database.owner).await.expect("a connection")
}

/// Has everybody wait who asks these tables for something, until it is dropped.
async fn shut<'c>(conn: &'c mut PgConnection, tables: &str) -> Transaction<'c, Postgres> {
    let mut held = conn.begin().await.expect("a transaction");
    let lock = format!("lock table {tables} in access exclusive mode");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *held).await.expect("a lock");
    held
}

/// Until somebody waits for a table.
async fn waited_for(conn: &mut PgConnection, table: &str) {
    let waits = "select exists (select from pg_locks l join pg_database d on d.oid = l.database
                  where d.datname = current_database() and not l.granted and l.relation = $1::regclass)";
    while !sqlx::query_scalar::<_, bool>(waits).bind(table).fetch_one(&mut *conn).await.expect("an answer") {
        tokio::task::yield_now().await;
    }
}

async fn api_key(admin: &Client) -> Value {
    let new = json!({"name": "k", "permissions": ["leads:read"]});
    admin.post("/api/v1/api-keys", &new).await.expect(201)
}

fn text(made: &Value) -> &str {
    made["key"].as_str().expect("a key")
}

#[tokio::test]
async fn keys_that_were_not_made_here_are_refused_without_asking_the_database() {
    let (app, elsewhere) = (TestApp::start().await, TestApp::start().await);
    let ours = api_key(&app.acme.admin).await;
    app.acme.admin.with_bearer(text(&ours)).get("/api/v1/leads").await.expect(200);
    // Whole and well formed, but of another installation: nobody can make one that is better.
    let theirs = api_key(&elsewhere.acme.admin).await;
    let operator = elsewhere.operator("Olga").await.bearer.expect("a key");
    let (whole, secret) = (text(&ours), text(&theirs).split('_').nth(3).expect("a secret"));
    let crossed = whole.replace(whole.split('_').nth(3).expect("a secret"), secret);
    let mut conn = owner(&app).await;
    let held = shut(&mut conn, "api_keys, operators").await;
    for (bearer, path) in [
        (text(&theirs), "/api/v1/leads"),
        (crossed.as_str(), "/api/v1/leads"),
        (crossed.as_str(), "/api/v1/users"),
        (operator.as_str(), "/api/v1/tenants"),
    ] {
        let asked = app.acme.admin.with_bearer(bearer);
        let answer = timeout(PATIENCE, asked.get(path)).await.expect("nobody is waited for");
        assert_eq!(answer.problem(401), "unauthenticated", "{path}");
    }
    held.rollback().await.expect("let go");
    elsewhere.process.stop().await;
    app.process.stop().await;
}

#[tokio::test]
async fn that_a_key_is_revoked_is_remembered_for_a_moment() {
    let app = TestApp::start().await;
    let (made, mut conn) = (api_key(&app.acme.admin).await, owner(&app).await);
    let key = app.acme.admin.with_bearer(text(&made));
    key.get("/api/v1/leads").await.expect(200);
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"));
    app.acme.admin.delete(&path).await.expect(204);
    // The moment is half a second: where this machine takes longer between the two, the next try counts.
    for _ in 0..20 {
        assert_eq!(key.get("/api/v1/leads").await.problem(401), "unauthenticated");
        let held = shut(&mut conn, "api_keys").await;
        let again = timeout(Duration::from_millis(300), key.get("/api/v1/me")).await;
        held.rollback().await.expect("let go");
        if let Ok(again) = again {
            assert_eq!(again.problem(401), "unauthenticated");
            app.process.stop().await;
            return;
        }
    }
    panic!("the database is asked each time");
}

#[tokio::test]
async fn a_login_at_a_tenant_that_there_is_not_is_looked_into_like_any_other() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    let (mut conn, mut watcher) = (owner(&app).await, owner(&app).await);
    for (tenant, email) in [
        ("acme", "nobody@acme.example.com"),
        ("acme", "no address"),
        ("nobody", "admin@acme.example.com"),
        ("installation", "admin@acme.example.com"),
    ] {
        let held = shut(&mut conn, "users").await;
        let mut login = pin!(anyone.try_login(tenant, email, PASSWORD));
        tokio::select! {
            answer = &mut login => panic!("nobody was looked for: {answer:?}"),
            () = waited_for(&mut watcher, "users") => {}
        }
        held.rollback().await.expect("let go");
        assert_eq!(login.await.problem(401), "unauthenticated", "{tenant}");
    }
    // All of them are written down, and what was typed in for a tenant is not.
    let mut system = app.database.connect_as("switchboard_system").await;
    let told: Vec<(uuid::Uuid, i64)> = sqlx::query_as(
        "select tenant_id, count(*) from audit_log where action = 'login' and outcome = 'denied'
          group by tenant_id order by tenant_id",
    )
    .fetch_all(&mut system)
    .await
    .expect("an answer");
    assert_eq!(told, [(domain::upkeep::ITSELF.0, 2), (app.acme.id.0, 2)]);
    app.process.stop().await;
}

#[tokio::test]
async fn too_many_tries_at_tenants_that_there_are_not_are_told_once() {
    let app = TestApp::start().await;
    let anyone = app.acme.admin.anonymous();
    for slug in ["one", "two"] {
        for _ in 0..10 {
            assert_eq!(anyone.try_login(slug, "a@example.com", "").await.problem(401), "unauthenticated");
        }
        for _ in 0..2 {
            let refused = anyone.try_login(slug, "a@example.com", "").await;
            assert_eq!(refused.problem(429), "too-many-requests");
        }
    }
    let operator = app.operator("Olga").await;
    let log = "/api/v1/compliance/audit-logs?action=login&limit=200";
    let look = crate::operators::looking(operator.request(reqwest::Method::GET, log), "installation");
    let page = operator.send(look).await.expect(200);
    let whys: Vec<&str> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|one| one["detail"]["why"].as_str())
        .collect();
    assert_eq!(whys.iter().filter(|why| **why == "too many tries").count(), 1, "{whys:?}");
    assert_eq!(whys.len(), 21, "{whys:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_not_see_users_does_not_learn_who_is_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let roles = "/api/v1/compliance/roles";
    for (name, permissions) in [
        ("Plain", &["leads:read"][..]),
        ("Blind", &["leads:read", "users:invite"][..]),
        ("Seeing", &["leads:read", "users:invite", "users:read"][..]),
    ] {
        admin.post(roles, &json!({"name": name, "permissions": permissions})).await.expect(201);
    }
    let (blind, seeing) = (app.user(&app.acme, "Blind").await, app.user(&app.acme, "Seeing").await);
    let user = |email: &str| json!({"name": "U", "email": email, "role": "Plain"});
    let (taken, free) = ("admin@acme.example.com", "new@acme.example.com");
    for email in [taken, free] {
        assert_eq!(blind.post("/api/v1/users", &user(email)).await.problem(403), "permission-missing");
    }
    assert_eq!(seeing.post("/api/v1/users", &user(taken)).await.problem(409), "email-taken");
    seeing.post("/api/v1/users", &user(free)).await.expect(201);
    // Addresses are a tenant's own: that another one has it tells nothing.
    app.other
        .admin
        .post("/api/v1/users", &json!({"name": "U", "email": taken, "role": "Agent"}))
        .await
        .expect(201);
    app.process.stop().await;
}
