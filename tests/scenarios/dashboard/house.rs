//! The dashboard's pages about the house: tenants, users, roles and API keys.

use serde_json::{Value, json};
use switchboard_tests::{Browser, Client, PASSWORD, TestApp};

use crate::sessions::ADMIN;

pub const LOGS: &str = "/api/v1/compliance/audit-logs";

/// A browser of a user of acme who holds these permissions and nothing else.
pub async fn reader(app: &TestApp, permissions: &[&str]) -> Browser {
    let admin = &app.acme.admin;
    let role = json!({"name": "Reader", "permissions": permissions});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let email = "reader@acme.example.com";
    let user = json!({"name": "Rita Reader", "email": email, "password": PASSWORD, "role": "Reader"});
    admin.post("/api/v1/users", &user).await.expect(201);
    Browser::of(app, "acme", email).await
}

/// A browser of somebody of another tenant.
pub async fn stranger(app: &TestApp) -> Browser {
    Browser::of(app, "other", "admin@other.example.com").await
}

/// Whether it was written down that this was done to it.
pub async fn audited(client: &Client, action: &str, resource: &str, id: &str) -> bool {
    let log = client.all(&format!("{LOGS}?action={action}&resource={resource}")).await;
    log.iter().any(|entry| entry["resource_id"] == id && entry["outcome"] == "done")
}

/// What stands in a text between two others.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.unwrap_or_else(|| panic!("no {before} in {text}")).0
}

/// The newest entries of acme's audit log that fit.
pub async fn logged(app: &TestApp, query: &str) -> Vec<Value> {
    app.acme.admin.all(&format!("{LOGS}?{query}")).await
}

/// The id of a user by their whole address.
async fn user(browser: &mut Browser, email: &str) -> String {
    let page = browser.get(&format!("/ops/users?email={email}")).await.expect(200);
    let rows = between(&page.text, "<tbody>", "</tbody>");
    between(rows, "href=\"/ops/users/", "\"").to_owned()
}

#[tokio::test]
async fn operators_see_all_tenants_bound_them_and_keep_them_out() {
    let app = TestApp::start().await;
    let operator = app.operator("Olga").await;
    let key = operator.bearer.clone().expect("a key");
    let mut browser = Browser::new(&app);
    browser.post("/ops/login/operator", &[("key", &key)]).await.expect(303);
    let list = browser.get("/ops/tenants").await.expect(200);
    assert!(list.says("/ops/tenants/acme\"") && list.says("/ops/tenants/other\""), "{}", list.text);
    assert_eq!(browser.get("/ops/tenants?q=acme").await.leads(), "/ops/tenants/acme");
    browser.get("/ops/tenants?q=nobody").await.expect(404);
    let page = browser.get("/ops/tenants/acme").await.expect(200);
    assert!(page.says("Look into it") && page.says("data-confirm=\"acme\""), "{}", page.text);

    let limits = "/ops/tenants/acme/limits";
    let said = [("name", "Acme Ltd"), ("requests_per_s", "500"), ("most_users", "")];
    assert_eq!(browser.post(limits, &said).await.leads(), "/ops/tenants/acme");
    let tenant = operator.get("/api/v1/tenants/acme").await.expect(200);
    assert_eq!((&tenant["name"], &tenant["limits"]["requests_per_s"]), (&json!("Acme Ltd"), &json!(500)));
    browser.post(limits, &[("requests_per_s", "many")]).await.expect(422);

    let suspend = "/ops/tenants/acme/suspend";
    browser.post(suspend, &[("why", "has not paid"), ("confirm", "other")]).await.expect(422);
    browser.post(suspend, &[("confirm", "acme")]).await.expect(422);
    browser.post(suspend, &[("why", "has not paid"), ("confirm", "acme")]).await.expect(303);
    assert!(browser.get("/ops/tenants/acme").await.expect(200).says("Let it in again"));
    app.acme.admin.get("/api/v1/me").await.expect(401);
    browser.post("/ops/tenants/acme/readmit", &[]).await.expect(303);
    let suspended = logged(&app, "action=suspend").await;
    assert_eq!(suspended[0]["detail"], json!({"operator": "Olga", "why": "has not paid"}));
    assert_eq!(logged(&app, "action=readmit").await.len(), 1);
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_belongs_to_a_tenant_sees_that_one() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    assert_eq!(browser.get("/ops/tenants").await.leads(), "/ops/tenants/acme");
    let page = browser.get("/ops/tenants/acme").await.expect(200);
    assert!(page.says("Users") && !page.says("/suspend\"") && !page.says("/limits\""), "{}", page.text);
    browser.get("/ops/tenants/other").await.expect(404);
    let refused = [("why", "because"), ("confirm", "acme")];
    assert!(browser.post("/ops/tenants/acme/suspend", &refused).await.expect(403).says("operators"));
    app.acme.admin.get("/api/v1/me").await.expect(200);

    let mut reader = reader(&app, &["jobs:read"]).await;
    let page = reader.get("/ops/jobs").await.expect(200);
    assert!(
        !page.says("\"/ops/tenants\"") && !page.says("\"/ops/settings\""),
        "it is not in their navigation"
    );
    reader.get("/ops/tenants/acme").await.expect(403);
    app.process.stop().await;
}

#[tokio::test]
async fn somebody_is_invited_gets_another_role_and_is_kept_out() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let form = browser.get("/ops/users/new").await.expect(200);
    assert!(form.says("<option>Agent</option>"), "{}", form.text);
    let ada =
        [("name", "Ada Lovelace"), ("email", "ada@acme.example.com"), ("role", "Agent"), ("once", "4711")];
    let made = browser.post("/ops/users/new", &ada).await.expect(200);
    let token = between(&made.text, "<pre>", "</pre>").trim().to_owned();
    assert!(token.starts_with("sbp_"), "{token}");
    let again = browser.post("/ops/users/new", &ada).await.leads();
    let id = user(&mut browser, "ada@acme.example.com").await;
    assert_eq!(again, format!("/ops/users/{id}"), "a second click makes nobody");

    let mut anyone = Browser::new(&app);
    let choose = [("token", token.as_str()), ("new", PASSWORD), ("again", PASSWORD)];
    let differs = [choose[0], choose[1], ("again", "another horse battery")];
    anyone.post("/ops/password", &differs).await.expect(422);
    assert_eq!(anyone.post("/ops/password", &choose).await.leads(), "/ops/login");
    anyone.post("/ops/password", &choose).await.expect(401);
    let mut ada = Browser::of(&app, "acme", "ada@acme.example.com").await;
    ada.get("/ops/account").await.expect(200);

    let page = browser.get(&format!("/ops/users/{id}")).await.expect(200);
    assert!(page.says("Ada Lovelace") && page.says("active"), "{}", page.text);
    let version = between(&page.text, "name=\"version\" value=\"", "\"").to_owned();
    let give = format!("/ops/users/{id}/role");
    browser.post(&give, &[("role", "Supervisor"), ("version", &version)]).await.expect(303);
    browser.post(&give, &[("role", "Agent"), ("version", &version)]).await.expect(412);
    let found = browser.get("/ops/users?role=Supervisor").await.expect(200);
    assert!(found.says(&id) && !found.says(ADMIN), "{}", found.text);
    assert!(browser.get("/ops/users?state=locked").await.expect(200).says("Nobody fits"));
    browser.get("/ops/users?state=odd").await.expect(422);

    browser.post(&format!("/ops/users/{id}/lock"), &[]).await.expect(303);
    assert!(ada.get("/ops/account").await.leads().starts_with("/ops/login"), "their session has ended");
    assert!(browser.get("/ops/users?state=locked").await.expect(200).says(&id));
    browser.post(&format!("/ops/users/{id}/unlock"), &[]).await.expect(303);
    let changes = logged(&app, &format!("action=update&resource=user&resource_id={id}")).await;
    let said: Vec<&Value> = changes.iter().rev().map(|entry| &entry["detail"]).collect();
    assert_eq!(said[0]["role"], "Supervisor");
    assert_eq!((&said[1]["disabled"], &said[2]["disabled"]), (&json!(true), &json!(false)));
    app.process.stop().await;
}

#[tokio::test]
async fn sessions_are_ended_and_who_may_only_read_changes_nobody() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let mut reader = reader(&app, &["users:read", "sessions:read"]).await;
    let (admin, rita) =
        (user(&mut browser, ADMIN).await, user(&mut browser, "reader@acme.example.com").await);
    let list = reader.get("/ops/users").await.expect(200);
    assert!(!list.says(ADMIN) && list.says("@acme.example.com"), "addresses of others are masked");
    assert!(!list.says("/ops/users/new"), "{}", list.text);
    let page = reader.get(&format!("/ops/users/{admin}")).await.expect(200);
    assert!(
        !page.says("/lock\"") && !page.says("/sessions/end\"") && page.says("<td>hidden</td>"),
        "{}",
        page.text
    );
    for act in ["lock", "role", "sessions/end", "password-link", "second-factor/remove"] {
        reader.post(&format!("/ops/users/{admin}/{act}"), &[]).await.expect(403);
    }
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&format!("/ops/users/{rita}")).await.expect(404);
    stranger.get("/ops/users").await.expect(200);
    stranger.post(&format!("/ops/users/{rita}/lock"), &[]).await.expect(404);
    reader.get("/ops/users").await.expect(200);

    let page = browser.get(&format!("/ops/users/{rita}")).await.expect(200);
    let session = between(&page.text, "name=\"session\" value=\"", "\"").to_owned();
    let end = format!("/ops/users/{rita}/sessions/end");
    browser.post(&end, &[("session", "x")]).await.expect(422);
    assert_eq!(browser.post(&end, &[("session", &session)]).await.leads(), format!("/ops/users/{rita}"));
    assert!(reader.get("/ops/users").await.leads().starts_with("/ops/login"));
    let ended = logged(&app, &format!("action=logout&resource_id={rita}")).await;
    assert_eq!(ended[0]["detail"]["session_id"], json!(session));
    app.process.stop().await;
}

#[tokio::test]
async fn roles_are_compared_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    let list = browser.get("/ops/roles").await.expect(200);
    for word in ["Admin", "Manager", "Supervisor", "Agent", "jobs:discard"] {
        assert!(list.says(word), "{word}");
    }
    let new =
        [("name", "Watch"), ("scope", "team"), ("permission", "jobs:read"), ("permission", "queues:read")];
    let address = browser.post("/ops/roles/new", &new).await.leads();
    let page = browser.get(&address).await.expect(200);
    assert!(page.says("value=\"jobs:read\" checked") && page.says("value=\"leads:read\">"), "{}", page.text);
    let version = between(&page.text, "name=\"version\" value=\"", "\"").to_owned();
    let other = [("name", "Watch"), ("permission", "jobs:read"), ("version", version.as_str())];
    browser.post(&address, &other).await.expect(303);
    browser.post(&address, &other).await.expect(412);
    let id = address.rsplit('/').next().expect("an id").to_owned();
    let role = app.acme.admin.get(&format!("/api/v1/compliance/roles/{id}")).await.expect(200);
    assert_eq!((&role["permissions"], &role["scope"]), (&json!(["jobs:read"]), &json!("team")));

    let mut reader = reader(&app, &["roles:read"]).await;
    let page = reader.get(&address).await.expect(200);
    assert!(!page.says("type=\"checkbox\"") && !page.says("/delete\""), "{}", page.text);
    reader.post(&address, &other).await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&address).await.expect(404);

    browser.post(&format!("{address}/delete"), &[("confirm", "watch")]).await.expect(422);
    browser.post(&format!("{address}/delete"), &[("confirm", "Watch")]).await.expect(303);
    browser.get(&address).await.expect(404);
    assert_eq!(logged(&app, &format!("resource=role&resource_id={id}")).await.len(), 3);
    app.process.stop().await;
}

#[tokio::test]
async fn an_api_key_is_shown_once_and_revoked_by_its_name() {
    let app = TestApp::start().await;
    let mut browser = Browser::of(&app, "acme", ADMIN).await;
    browser.get("/ops/api-keys/new").await.expect(200);
    browser.post("/ops/api-keys/new", &[("name", "crm"), ("days", "30")]).await.expect(422);
    let new = [("name", "crm"), ("days", "10"), ("permission", "leads:read"), ("once", "7")];
    let made = browser.post("/ops/api-keys/new", &new).await.expect(200);
    let text = between(&made.text, "<pre>", "</pre>").trim().to_owned();
    let address = browser.post("/ops/api-keys/new", &new).await.leads();
    let key = app.acme.admin.with_bearer(&text);
    key.get("/api/v1/leads").await.expect(200);
    let list = browser.get("/ops/api-keys").await.expect(200);
    assert!(list.says("expiring") && list.says(&address) && !list.says(&text), "{}", list.text);
    let page = browser.get(&address).await.expect(200);
    assert!(page.says("leads:read") && !page.says("jobs:read") && !page.says(&text), "{}", page.text);

    let mut reader = reader(&app, &["api_keys:read"]).await;
    assert!(!reader.get(&address).await.expect(200).says("/revoke\""));
    reader.post(&format!("{address}/revoke"), &[("confirm", "crm")]).await.expect(403);
    let mut stranger = Browser::of(&app, "other", "admin@other.example.com").await;
    stranger.get(&address).await.expect(404);

    let revoke = format!("{address}/revoke");
    browser.post(&revoke, &[("confirm", "it")]).await.expect(422);
    key.get("/api/v1/leads").await.expect(200);
    browser.post(&revoke, &[("confirm", "crm")]).await.expect(303);
    key.get("/api/v1/leads").await.expect(401);
    assert!(browser.get(&address).await.expect(200).says("revoked"));
    assert_eq!(logged(&app, "action=delete&resource=api_key").await.len(), 1);
    app.process.stop().await;
}
