//! A request has its month, and nobody is given anything before it is known who asks.

use chrono::TimeDelta;
use domain::ctx::Clock as _;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use super::{ACCESS, EXPORT, id};
use crate::routing::rules::lead;

#[tokio::test]
async fn a_request_waits_for_who_asks_may_be_extended_once_and_is_found_when_it_is_late() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ada = lead(admin, &json!({"name": "Ada"})).await;
    let now = app.clock.now();
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"lead_id": ada, "email": "a@example.com"}), ""),
        (json!({"lead_id": uuid::Uuid::nil()}), "/lead_id"),
        (json!({"user_id": ada}), "/user_id"),
        (json!({"lead_id": ada, "received_at": now + TimeDelta::hours(1)}), "/received_at"),
    ] {
        let refused = admin.post(ACCESS, &body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(refused.problem(422), "invalid");
    }
    let asked = admin.post(ACCESS, &json!({"lead_id": ada, "received_at": "2025-01-31T09:00:00Z"})).await;
    let asked = asked.expect(201);
    assert_eq!(asked["due_at"], "2025-02-28T09:00:00Z", "the last day of a month that is shorter");
    assert_eq!(asked["overdue"], true);
    let path = format!("{ACCESS}/{}", id(&asked));
    let late = admin.post(&format!("{path}/extension"), &json!({"reason": "many"})).await;
    assert_eq!(late.problem(409), "overdue", "the person had to be told in time");
    let early = admin.post(&format!("{path}/export"), &json!({})).await;
    assert_eq!(early.problem(409), "request-status", "nobody knows who asks");
    assert_eq!(
        admin.get(&format!("{EXPORT}?request_id={}", id(&asked))).await.expect(200)["url"],
        Value::Null
    );

    let fresh = admin.post(ACCESS, &json!({"lead_id": ada})).await.expect(201);
    let fresh_path = format!("{ACCESS}/{}", id(&fresh));
    let more = admin.post(&format!("{fresh_path}/extension"), &json!({"reason": "many"})).await.expect(200);
    assert!(more["due_at"].as_str() > fresh["due_at"].as_str(), "{more:#}");
    let twice = admin.post(&format!("{fresh_path}/extension"), &json!({"reason": "more"})).await;
    assert_eq!(twice.problem(409), "extended-before");

    let lists = |overdue: bool| format!("{ACCESS}?overdue={overdue}");
    let found: Vec<String> = admin.all(&lists(true)).await.iter().map(id).collect();
    assert_eq!(found, [id(&asked)]);
    let found: Vec<String> = admin.all(&lists(false)).await.iter().map(id).collect();
    assert_eq!(found, [id(&fresh)]);

    let refused =
        admin.post(&format!("{path}/refusal"), &json!({"reason": "nobody answered"})).await.expect(200);
    assert_eq!((&refused["status"], &refused["overdue"]), (&json!("refused"), &json!(false)));
    let known = admin.post(&format!("{path}/identity"), &json!({"method": "m"})).await;
    assert_eq!(known.problem(409), "request-status", "what was refused stays so");
    let history = admin.get(&path).await.expect(200)["history"].clone();
    let done: Vec<&str> =
        history.as_array().expect("a list").iter().filter_map(|s| s["what"].as_str()).collect();
    assert_eq!(done, ["asked", "refused"]);
    app.process.stop().await;
}

#[tokio::test]
async fn whose_number_it_is_must_be_known_where_several_have_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for name in ["Ada", "Augusta"] {
        lead(admin, &json!({"name": name, "phone": "+14155550199"})).await;
    }
    let refused = admin.post(ACCESS, &json!({"phone": "+14155550199"})).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/phone");
    assert_eq!(refused.problem(422), "invalid");
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(agent.get(ACCESS).await.problem(403), "permission-missing");
    app.process.stop().await;
}
