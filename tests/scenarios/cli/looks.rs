//! Whoever looks into a tenant from the machine is written down there and sees nobody's name.

use serde_json::json;
use switchboard_tests::{TestApp, switchboard};

#[tokio::test]
async fn a_look_stands_in_the_audit_log_before_anything_is_shown() {
    let app = TestApp::start().await;
    app.user(&app.acme, "Agent").await;
    let look = ["users", "list", "--tenant", "acme", "--why", "ticket 4711", "-o", "json"];
    let users = switchboard(&app.database, &look).await.expect(0);
    assert_eq!(users.json().as_array().expect("users").len(), 2);
    assert!(!users.out.contains("admin@acme.example.com"), "addresses are masked: {users:#?}");
    let id = app.acme.id.to_string();
    let by_id = ["users", "list", "--tenant", &id, "--role", "Agent", "-o", "ndjson"];
    assert_eq!(switchboard(&app.database, &by_id).await.expect(0).lines().len(), 1);

    let path = "/api/v1/compliance/audit-logs?action=look";
    let entries = app.acme.admin.get(path).await.expect(200)["items"].clone();
    let entry = &entries[1];
    assert_eq!((&entry["resource_id"], &entry["actor_kind"]), (&json!("users list"), &json!("system")));
    assert_eq!(entry["detail"], json!({"operator": "command line", "why": "ticket 4711"}));
    let others = app.other.admin.get(path).await.expect(200);
    assert_eq!(others["items"], json!([]));
    app.process.stop().await;
}

#[tokio::test]
async fn tenants_are_listed_page_by_page_and_the_installation_is_none() {
    let app = TestApp::start().await;
    let tenants = switchboard(&app.database, &["tenants", "list", "-o", "json"]).await.expect(0).json();
    let slugs: Vec<_> = tenants.as_array().expect("tenants").iter().map(|one| one["slug"].clone()).collect();
    assert_eq!(slugs, ["acme", "other"]);
    let few =
        switchboard(&app.database, &["tenants", "list", "--limit", "1", "-o", "ndjson"]).await.expect(0);
    assert_eq!(few.lines().len(), 1);
    let one = switchboard(&app.database, &["tenants", "show", "acme", "-o", "json"]).await.expect(0).json();
    assert_eq!(one, tenants[0]);
    switchboard(&app.database, &["tenants", "suspend", "acme", "--why", "a test"]).await.ends(0);
    let again = switchboard(&app.database, &["tenants", "suspend", "acme"]).await.expect(4);
    assert!(again.err.contains("already"), "{again:#?}");
    app.process.stop().await;
}
