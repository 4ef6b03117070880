//! Instants of years that no database keeps are refused, and say so.

use serde_json::json;
use switchboard_tests::{Answer, TestApp};

use crate::{call_webhook::Pbx, routing::rules::lead};

const FAR: [&str; 3] = ["-9999-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00"];

fn refused(answer: Answer, pointer: &str) {
    let told = answer.body["errors"][0]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains("years 1970 to 9999"), "{}: {}", answer.asked, answer.body);
    assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.asked);
    assert_eq!(answer.problem(422), "invalid");
}

#[tokio::test]
async fn queries_and_bodies_name_instants_that_can_be_kept() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, &json!({})).await;
    let done = format!("/api/v1/leads/{}/activities", lead.as_str().expect("an id"));
    let plan = json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "@yearly"});
    let schedule = admin.post("/api/v1/schedules", &plan).await.expect(201)["id"].clone();
    let ticks = format!("/api/v1/schedules/{}/ticks", schedule.as_str().expect("an id"));
    for far in FAR {
        for query in [
            format!("/api/v1/calls?from={far}"),
            format!("/api/v1/calls?to={far}"),
            format!("/api/v1/automation/metrics?to={far}"),
            format!("/api/v1/compliance/audit-logs?from={far}"),
            format!("/api/v1/compliance/security-events?to={far}"),
            format!("/api/v1/compliance/audit-summary?to={far}"),
            format!("/api/v1/compliance/audit-logs/export?from={far}"),
            format!("/api/v1/compliance/report?to={far}"),
            format!("{ticks}?before={far}"),
        ] {
            refused(admin.get(&query).await, "?");
        }
        for (path, body, pointer) in [
            (done.as_str(), json!({"kind": "note", "note": "x", "at": far}), "/at"),
            ("/api/v1/api-keys", json!({"name": "k", "permissions": [], "expires_at": far}), "/expires_at"),
            ("/api/v1/schedules/preview", json!({ "at": far }), "/at"),
        ] {
            refused(admin.post(path, &body).await, pointer);
        }
    }
    for (query, found) in
        [("from=1970-01-01T00:00:00Z", 200), ("to=9999-12-31T23:59:59Z", 200), ("from=then", 422)]
    {
        assert_eq!(admin.get(&format!("/api/v1/calls?{query}")).await.status, found, "{query}");
    }
    admin.post(&done, &json!({"kind": "note", "note": "x", "at": "1970-01-01T00:00:00Z"})).await.expect(201);
    app.process.stop().await;
}

#[tokio::test]
async fn a_phone_system_tells_of_instants_that_can_be_kept() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let pbx = Pbx::new(admin).await;
    let told = |at: &str| {
        let data = json!({"call_id": "c-1", "number": "+14155550100"});
        json!({"type": "call.ended", "timestamp": at, "data": data})
    };
    for far in FAR {
        refused(pbx.send(&app, "m-1", 0, &told(far)).await, "");
    }
    assert!(admin.all("/api/v1/calls").await.is_empty());
    pbx.send(&app, "m-1", 0, &told("2020-01-01T00:00:00Z")).await.expect(204);
    assert_eq!(admin.all("/api/v1/calls").await.len(), 1);
    app.process.stop().await;
}
