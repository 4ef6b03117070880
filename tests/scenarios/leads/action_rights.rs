//! Who may act on many leads, and what is refused before anything begins.

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{agents::person, routing::rules::lead, routing::team};

const ACTIONS: &str = "/api/v1/leads/actions";

async fn key(client: &Client, permissions: &[&str]) -> Client {
    let key = json!({"name": "k", "permissions": permissions});
    let key = client.post("/api/v1/api-keys", &key).await.expect(201);
    client.with_bearer(key["key"].as_str().expect("a key"))
}

/// Both what would be touched and the action itself are refused.
async fn refused(client: &Client, action: &Value, filter: &Value) -> String {
    let dry = json!({"action": action, "filter": filter, "dry_run": true});
    let why = client.post(ACTIONS, &dry).await.problem(403);
    let real = json!({"action": action, "filter": filter});
    assert_eq!(client.post(ACTIONS, &real).await.problem(403), why);
    why
}

#[tokio::test]
async fn each_action_needs_its_own_permission_and_sight_of_all_leads() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "north", 1, 5).await;
    let one = lead(admin, &json!({"email": "ada@example.com"})).await;
    let lose = json!({"kind": "set_status", "status": "lost"});
    let (own, delete) = (json!({"kind": "set_owner", "agent_id": agents[0]}), json!({"kind": "delete"}));
    let new = json!({"status": "new"});

    let writer = key(admin, &["leads:read", "leads:write"]).await;
    for action in [&own, &json!({"kind": "clear_owner"}), &delete] {
        assert_eq!(refused(&writer, action, &new).await, "permission-missing", "{action}");
    }
    for filter in [json!({"email": "ada@example.com"}), json!({"phone": "+14155550100"}), json!({"q": "ada"})]
    {
        assert_eq!(refused(&writer, &lose, &filter).await, "permission-missing", "what is found tells it");
    }
    let reader = key(admin, &["leads:read", "leads:delete"]).await;
    assert_eq!(refused(&reader, &delete, &new).await, "permission-missing");
    let agent = person(&app, &agents[0]).await;
    assert_eq!(refused(&agent, &lose, &new).await, "beyond-your-rights");
    assert_eq!(refused(&agent, &delete, &new).await, "permission-missing");
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(refused(&supervisor, &lose, &new).await, "beyond-your-rights");
    let stored = admin.get(&format!("/api/v1/leads/{}", one.as_str().expect("an id"))).await.expect(200);
    assert_eq!((&stored["status"], &stored["version"]), (&json!("new"), &json!(1)));
    assert!(admin.all("/api/v1/jobs?kind=update_leads").await.is_empty(), "nothing was begun");

    let manager = app.user(&app.acme, "Manager").await;
    let accepted = manager.post(ACTIONS, &json!({"action": delete, "filter": new})).await;
    assert_eq!(admin.ended(accepted).await["result"]["changed"], 1);
    app.process.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_place() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lose = json!({"kind": "set_status", "status": "lost"});
    let new = json!({"status": "new"});
    let many: Vec<String> = (0..51).map(|number| format!("t{number}")).collect();
    for (action, filter, pointer) in [
        (lose.clone(), json!({}), "/filter"),
        (lose.clone(), json!({"attributes": {}}), "/filter"),
        (lose.clone(), json!({"attributes": {"none": "1"}}), "/filter/attributes/none"),
        (lose.clone(), json!({"q": "--"}), "/filter/q"),
        (lose.clone(), json!({"email": "ada"}), "/filter/email"),
        (lose.clone(), json!({"score": 1}), "/filter/score"),
        (json!({"kind": "set_value", "value_cents": -1}), new.clone(), "/action/value_cents"),
        (json!({"kind": "add_tags", "tags": []}), new.clone(), "/action/tags"),
        (json!({"kind": "remove_tags", "tags": many}), new.clone(), "/action/tags"),
        (json!({"kind": "set_owner", "agent_id": uuid::Uuid::nil()}), new.clone(), "/action/agent_id"),
    ] {
        for dry_run in [true, false] {
            let body = json!({"action": action, "filter": filter, "dry_run": dry_run});
            let answer = admin.post(ACTIONS, &body).await;
            assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}: {}", answer.body);
            assert_eq!(answer.problem(422), "invalid");
        }
    }
    for action in [json!({"kind": "clone"}), json!({"kind": "set_status", "status": "gone"}), json!("delete")]
    {
        let body = json!({"action": action, "filter": new});
        assert_eq!(admin.post(ACTIONS, &body).await.problem(422), "invalid", "{action}");
    }
    let names = json!({"action": lose, "filter": {"q": "ada"}});
    assert_eq!(admin.post(ACTIONS, &names).await.problem(409), "names-not-searched");
    app.process.stop().await;
}

#[tokio::test]
async fn an_action_that_is_asked_for_twice_under_one_key_is_one_operation() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({})).await;
    let body = json!({"action": {"kind": "add_tags", "tags": ["a"]}, "filter": {"status": "new"}});
    let post = || {
        let request = admin.request(reqwest::Method::POST, ACTIONS).json(&body);
        admin.send(request.header("idempotency-key", "one"))
    };
    let first = post().await;
    let again = post().await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.location(), first.location());
    assert_eq!(admin.ended(first).await["result"]["changed"], 1);
    assert_eq!(admin.all("/api/v1/jobs?kind=update_leads").await.len(), 1);
    app.process.stop().await;
}
