//! Roles: a tenant's own, who may give them, and what happens to whoever loses a right.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{Client, Socket, Tenant, TestApp, app::platform, heads_file};

/// A user of the tenant with their id, logged in.
async fn user(app: &TestApp, tenant: &Tenant, role: &str) -> (String, Client) {
    let client = app.user(tenant, role).await;
    let me = client.get("/api/v1/me").await.expect(200);
    (me["id"].as_str().expect("an id").to_owned(), client)
}

async fn role(client: &Client, name: &str, permissions: &[&str]) -> Value {
    let role = json!({"name": name, "permissions": permissions});
    client.post("/api/v1/compliance/roles", &role).await.expect(201)
}

fn path(role: &Value) -> String {
    format!("/api/v1/compliance/roles/{}", role["id"].as_str().expect("an id"))
}

async fn replace(client: &Client, role: &Value, permissions: &[&str]) -> switchboard_tests::Answer {
    let body = json!({"name": role["name"], "permissions": permissions});
    client.send(client.request(Method::PUT, &path(role)).json(&body)).await
}

#[tokio::test]
async fn a_tenants_own_role_is_made_given_changed_and_taken_away() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let listed = admin.all("/api/v1/compliance/roles").await;
    let mut names: Vec<&str> = listed.iter().map(|role| role["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Admin", "Agent", "Manager", "Supervisor"]);
    let all = admin.get("/api/v1/compliance/permissions").await.expect(200);
    assert!(all.as_array().expect("permissions").iter().all(|permission| permission["held"] == true));
    let held = listed.iter().find(|role| role["name"] == "Admin").expect("there")["permissions"].as_array();
    assert_eq!(held.map(Vec::len), all.as_array().map(Vec::len));

    let reader = role(admin, "Reader", &["leads:read"]).await;
    let again = admin.post("/api/v1/compliance/roles", &json!({"name": "Reader", "permissions": []})).await;
    assert_eq!(again.problem(409), "name-taken");
    let (id, client) = user(&app, &app.acme, "Reader").await;
    client.get("/api/v1/leads").await.expect(200);
    assert_eq!(client.get("/api/v1/agents").await.problem(403), "permission-missing");

    replace(admin, &reader, &["agents:read"]).await.expect(200);
    assert_eq!(client.get("/api/v1/leads").await.problem(401), "unauthenticated", "the token ends at once");
    assert_eq!(admin.delete(&path(&reader)).await.problem(409), "role-in-use");
    let user = format!("/api/v1/users/{id}");
    assert_eq!(admin.patch(&user, &json!({"role": "Nobody"})).await.problem(422), "invalid");
    assert_eq!(admin.patch(&user, &json!({"role": "Agent"})).await.expect(200)["role"], "Agent");
    admin.delete(&path(&reader)).await.expect(204);
    assert_eq!(admin.get(&path(&reader)).await.problem(404), "not-found");

    let built_in = listed.iter().find(|role| role["name"] == "Agent").expect("there");
    assert_eq!(replace(admin, built_in, &["leads:read"]).await.problem(409), "built-in-role");
    assert_eq!(admin.delete(&path(built_in)).await.problem(409), "built-in-role");
    let unknown = json!({"name": "x", "permissions": ["leads:read", "leads:everything"]});
    let refused = admin.post("/api/v1/compliance/roles", &unknown).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/permissions/1");
    assert_eq!(refused.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_gives_or_takes_what_they_do_not_hold_themselves() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let users = ["users:read", "users:invite", "users:disable", "roles:assign"];
    let roles = ["roles:read", "roles:write", "roles:delete", "leads:read"];
    role(admin, "Deputy", &[users, roles].concat()).await;
    let (_, deputy) = user(&app, &app.acme, "Deputy").await;
    let more = json!({"name": "More", "permissions": ["leads:delete"]});
    let refused = deputy.post("/api/v1/compliance/roles", &more).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/permissions/0");
    assert_eq!(refused.problem(403), "beyond-your-rights");
    let strong = role(admin, "Strong", &["leads:delete"]).await;
    assert_eq!(replace(&deputy, &strong, &["leads:read"]).await.problem(403), "beyond-your-rights");
    assert_eq!(deputy.delete(&path(&strong)).await.problem(403), "beyond-your-rights");
    let (agent, _) = user(&app, &app.acme, "Strong").await;
    let agent = format!("/api/v1/users/{agent}");
    assert_eq!(deputy.patch(&agent, &json!({"disabled": true})).await.problem(403), "beyond-your-rights");
    role(admin, "Weak", &["leads:read"]).await;
    let (weak, client) = user(&app, &app.acme, "Weak").await;
    let weak = format!("/api/v1/users/{weak}");
    assert_eq!(deputy.patch(&weak, &json!({"role": "Strong"})).await.problem(403), "beyond-your-rights");
    assert!(deputy.patch(&weak, &json!({"disabled": true})).await.expect(200)["disabled_at"].is_string());
    assert_eq!(client.get("/api/v1/leads").await.problem(401), "unauthenticated");
    assert!(deputy.patch(&weak, &json!({"disabled": false})).await.expect(200)["disabled_at"].is_null());
    app.process.stop().await;
}

#[tokio::test]
async fn the_last_admin_stays_however_many_go_at_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let me = admin.get("/api/v1/me").await.expect(200);
    let mine = format!("/api/v1/users/{}", me["id"].as_str().expect("an id"));
    assert_eq!(admin.patch(&mine, &json!({"role": "Agent"})).await.problem(409), "last-admin");
    assert_eq!(admin.patch(&mine, &json!({"disabled": true})).await.problem(409), "last-admin");
    let (other, second) = user(&app, &app.acme, "Admin").await;
    let (others, less) = (format!("/api/v1/users/{other}"), json!({"role": "Agent"}));
    // Each takes the other's role away; a token that has ended by then is refused as well.
    let (one, two) = tokio::join!(admin.patch(&others, &less), second.patch(&mine, &less));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{statuses:?}");
    assert!([401, 403, 409].contains(&statuses[1]), "{statuses:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_right_that_is_taken_away_ends_sockets_and_keys_in_every_process() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let rights = ["events:read", "leads:read", "api_keys:create", "api_keys:read"];
    let watcher = role(admin, "Watcher", &rights).await;
    let (_, client) = user(&app, &app.acme, "Watcher").await;
    let key = json!({"name": "k", "permissions": ["events:read", "leads:read"]});
    let key = client.post("/api/v1/api-keys", &key).await.expect(201);
    let key = client.with_bearer(key["key"].as_str().expect("a key"));
    let plan = Plan::unbounded(Roles::ALL, heads_file());
    let elsewhere = Process::start(platform(&app.database).await, plan).await.expect("a second process");
    let base = format!("http://{}", elsewhere.addr.expect("an address"));
    let there = |client: &Client| Client::new(&base).with_bearer(client.bearer.as_deref().expect("a token"));
    let mut sockets = [
        Socket::open(&client, None).await,
        Socket::open(&key, None).await,
        Socket::open(&there(&client), None).await,
        Socket::open(&there(&key), Some(0)).await,
    ];
    let mut unconcerned = Socket::open(admin, None).await;

    replace(admin, &watcher, &["events:read", "api_keys:read"]).await.expect(200);
    for socket in &mut sockets {
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 1008, "{reason}");
    }
    for client in [&client, &there(&client)] {
        assert_eq!(client.get("/api/v1/me").await.problem(401), "unauthenticated");
    }
    for key in [&key, &there(&key)] {
        assert_eq!(key.get("/api/v1/me").await.expect(200)["permissions"], json!(["events:read"]));
    }
    // What was said of rights before a socket was opened does not close it.
    let mut anew = Socket::open(&key, Some(0)).await;
    admin.post("/api/v1/leads", &json!({"email": "l@example.com"})).await.expect(201);
    unconcerned.until("lead.created").await;
    anew.say(&json!({"op": "ping"})).await;
    while anew.frame().await["op"] != "pong" {}
    elsewhere.stop().await;
    app.process.stop().await;
}
