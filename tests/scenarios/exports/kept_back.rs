//! What is kept back: people, from whoever may not see them, and all of it, from whoever may not take it out or sees only some
//! leads.

use chrono::TimeDelta;
use domain::ctx::Clock as _;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, TestApp};

use super::{EXPORT, EXPORTS, at, column, file, key, made};
use crate::{
    calls::{begun, step},
    message::sandbox,
    routing::rules::lead,
    routing::team,
};

#[tokio::test]
async fn a_file_of_calls_messages_or_a_report_that_is_masked_shows_nobody() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 50).await;
    let call = json!({"direction": "outbound", "number": "+14155550123", "agent_id": agents[0]});
    let call = begun(admin, &call).await;
    step(admin, &call, "answer", &json!({})).await.expect(200);
    let said = json!({
        "outcome": "interested", "notes": "Mrs Kanari calls back", "recording": "https://pbx.example.com/kanari",
    });
    step(admin, &call, "end", &said).await.expect(200);
    admin.post("/api/v1/communication/messages", &sandbox(admin).await).await.expect(202);
    let blind = key(admin, &["analytics:export", "analytics:read", "calls:read", "messages:read"]).await;
    for (what, name, full, masked) in [
        ("calls", "number", "+14155550123", "•••23"),
        ("calls", "notes", "Mrs Kanari calls back", ""),
        ("calls", "recording", "https://pbx.example.com/kanari", ""),
        ("messages", "to", "ada@example.com", "a•••@example.com"),
    ] {
        let wanted = json!({"what": what, "columns": [name]});
        assert_eq!(column(&file(admin, &wanted).await, name), [full], "{what}.{name}");
        assert_eq!(column(&file(&blind, &wanted).await, name), [masked], "{what}.{name}");
    }
    // A report names agents to whoever may see names.
    let today = app.clock.now().date_naive();
    let (from, to) = (today - TimeDelta::days(1), today + TimeDelta::days(2));
    for format in ["csv", "json", "ndjson"] {
        let report = json!({"kind": "agent", "from": from, "to": to});
        let wanted = json!({"what": "report", "format": format, "report": report});
        assert!(file(admin, &wanted).await.contains("Agent 0"), "{format}");
        let text = file(&blind, &wanted).await;
        assert!(!text.contains("Agent 0") && text.contains("A••• 0•••"), "{format}: {text}");
    }
    app.process.stop().await;
}

/// What a request is answered, one with a body if there is one.
async fn status(client: &Client, path: &str, body: Option<&Value>) -> u16 {
    match body {
        Some(body) => client.post(path, body).await.status,
        None => client.get(path).await.status,
    }
}

#[tokio::test]
async fn figures_are_not_files_and_neither_is_for_whoever_sees_only_some_leads() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada"})).await;
    let leads = json!({"what": "leads"});
    let export = made(admin, &leads).await;
    let (one, link) = (at(&export["id"]), format!("{}/link", at(&export["id"])));
    let days =
        json!({"what": "report", "report": {"kind": "lead", "from": "2026-01-01", "to": "2026-01-08"}});
    // Whoever reads figures, and leads, takes nothing out by that.
    let reader = key(admin, &["analytics:read", "leads:read", "personal:read"]).await;
    reader.get("/api/v1/analytics/metrics?measures=lead.count").await.expect(200);
    for (path, body) in [(EXPORT, &leads), (EXPORT, &days), (link.as_str(), &json!({}))] {
        assert_eq!(reader.post(path, body).await.problem(403), "permission-missing", "{path} {body}");
    }
    for path in [EXPORTS, one.as_str()] {
        assert_eq!(reader.get(path).await.problem(403), "permission-missing", "{path}");
    }
    assert_eq!(reader.delete(&one).await.problem(403), "permission-missing");

    // Whoever may do all of that, but with their own leads.
    let report = admin.post("/api/v1/analytics/reports", &json!({"kind": "lead"})).await;
    let kept = format!("/api/v1/analytics/reports/{}", report.body["id"].as_str().expect("an id"));
    admin.ended(report).await;
    for scope in ["own", "team"] {
        let held = [
            "analytics:read",
            "analytics:rebuild",
            "analytics:export",
            "leads:read",
            "personal:read",
            "saved_reports:write",
        ];
        let role = json!({"name": scope, "permissions": held, "scope": scope});
        admin.post("/api/v1/compliance/roles", &role).await.expect(201);
        let email = format!("{scope}@acme.example.com");
        let user = json!({"name": "N", "email": email, "password": PASSWORD, "role": scope});
        admin.post("/api/v1/users", &user).await.expect(201);
        let narrow = admin.anonymous().login("acme", &email, PASSWORD).await;
        let (nothing, kind) = (json!({}), json!({"kind": "lead"}));
        let saved = json!({"name": "r", "kind": "lead", "span": "yesterday", "format": "csv"});
        for (path, body) in [
            ("/api/v1/analytics/metrics?measures=lead.count", None),
            ("/api/v1/analytics/trends?measure=lead.count", None),
            ("/api/v1/analytics/reports", None),
            (kept.as_str(), None),
            ("/api/v1/analytics/saved-reports", None),
            (EXPORTS, None),
            (one.as_str(), None),
            ("/api/v1/analytics/reports", Some(&kind)),
            ("/api/v1/analytics/rebuild", Some(&nothing)),
            ("/api/v1/analytics/saved-reports", Some(&saved)),
            (EXPORT, Some(&leads)),
            (EXPORT, Some(&days)),
            (link.as_str(), Some(&nothing)),
        ] {
            assert_eq!(status(&narrow, path, body).await, 403, "{scope} {path} {body:?}");
        }
    }
    app.process.stop().await;
}
