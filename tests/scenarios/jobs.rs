//! Jobs and queues steered over the API.

use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::message::sandbox;

#[tokio::test]
async fn a_queue_is_paused_its_job_cancelled_retried_and_run() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let queue = "/api/v1/queues/messages";
    let message = sandbox(admin).await;
    let empty = json!({});
    assert_eq!(admin.post("/api/v1/queues/nobodys/pause", &empty).await.problem(404), "not-found");
    admin.post(&format!("{queue}/pause"), &json!({"why": "the provider moves"})).await.expect(204);
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let jobs = admin.all("/api/v1/jobs?queue=messages").await;
    let path = format!("/api/v1/jobs/{}", jobs[0]["id"].as_str().expect("an id"));
    assert_eq!(jobs[0]["state"], "available");
    assert!(jobs[0]["paused_at"].is_string());
    let listed = admin.get("/api/v1/queues").await.expect(200);
    assert_eq!((&listed[0]["name"], &listed[0]["paused"]), (&json!("messages"), &json!(true)));

    let acted = |verb: &str| format!("{path}/{verb}");
    assert_eq!(admin.post(&acted("cancel"), &empty).await.expect(200)["state"], "cancelled");
    assert_eq!(admin.post(&acted("cancel"), &empty).await.expect(200)["state"], "cancelled", "as before");
    assert_eq!(admin.post(&acted("discard"), &empty).await.problem(409), "job-state");
    assert_eq!(admin.post(&acted("retry"), &empty).await.expect(200)["state"], "available");
    assert_eq!(admin.post(&acted("discard"), &empty).await.expect(200)["state"], "discarded");
    assert_eq!(admin.post(&acted("retry"), &empty).await.expect(200)["state"], "available");

    admin.post(&format!("{queue}/resume"), &empty).await.expect(204);
    assert_eq!(admin.post(&format!("{queue}/resume"), &empty).await.problem(409), "not-paused");
    let operation = format!("/api/v1/operations/{}", jobs[0]["id"].as_str().expect("an id"));
    let ended = async {
        while admin.get(&operation).await.expect(200)["status"] != "succeeded" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.expect("it runs");
    assert_eq!(admin.all("/api/v1/communication/sandbox/outbox").await.len(), 1);
}

#[tokio::test]
async fn limits_say_what_is_wrong_and_are_shown() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let put = |body: Value| {
        admin.send(admin.request(reqwest::Method::PUT, "/api/v1/queues/messages/limit").json(&body))
    };
    for (wrong, pointer) in [
        (json!({"max_running": 0}), "/max_running"),
        (json!({"rate_per_s": 0.0, "burst": 1}), "/rate_per_s"),
        (json!({"rate_per_s": 5.0}), "/burst"),
    ] {
        let problem = put(wrong).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    put(json!({"max_running": 7})).await.expect(204);
    let message = sandbox(admin).await;
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let queues = admin.get("/api/v1/queues").await.expect(200);
    assert_eq!(queues[0]["limits"][0]["max_running"], 7, "{queues}");
    assert_eq!(app.other.admin.get("/api/v1/queues").await.expect(200), json!([]), "the tenant's own");
    let nodes = admin.get("/api/v1/nodes").await.expect(200);
    assert!(
        nodes[0]["kinds"].as_array().is_some_and(|kinds| kinds.contains(&json!("send_message"))),
        "{nodes}"
    );
}

#[tokio::test]
async fn many_jobs_are_shown_first_and_then_acted_on_by_an_operation() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    for _ in 0..5 {
        admin.post("/api/v1/communication/messages", &message).await.expect(202);
    }
    let actions = "/api/v1/jobs/actions";
    let nothing = json!({"action": "cancel", "filter": {}});
    let refused = admin.post(actions, &nothing).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/filter", "{refused}");
    let unknown = json!({"action": "cancel", "filter": {"state": "asleep"}});
    assert_eq!(admin.post(actions, &unknown).await.expect(422)["errors"][0]["pointer"], "/filter/state");

    let ask = |action: &str, state: &str, dry_run: bool| json!({"action": action, "filter": {"queue": "messages", "state": state}, "dry_run": dry_run});
    let preview = admin.post(actions, &ask("cancel", "available", true)).await.expect(200);
    assert_eq!((&preview["matched"], &preview["more"]), (&json!(5), &json!(false)));
    assert_eq!(preview["sample"].as_array().map(Vec::len), Some(5));
    let other = app.other.admin.post(actions, &ask("cancel", "available", true)).await.expect(200);
    assert_eq!(other["matched"], 0, "not another tenant's");
    assert_eq!(admin.all("/api/v1/jobs?queue=messages&state=available").await.len(), 5, "nothing changed");

    let ended = admin.ended(admin.post(actions, &ask("cancel", "available", false)).await).await;
    assert_eq!(ended["result"], json!({"changed": 5, "of": 5}), "{ended}");
    assert_eq!(admin.all("/api/v1/jobs?queue=messages&state=cancelled").await.len(), 5);
    let ended = admin.ended(admin.post(actions, &ask("retry", "cancelled", false)).await).await;
    assert_eq!(ended["result"], json!({"changed": 5, "of": 5}), "{ended}");
    assert_eq!(admin.all("/api/v1/jobs?queue=messages&state=available").await.len(), 5);
}

/// The answer to a retry may be lost; asked again under its key, it must not run the job twice.
#[tokio::test]
async fn a_retry_that_is_sent_twice_happens_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let jobs = admin.all("/api/v1/jobs?queue=messages").await;
    let path = format!("/api/v1/jobs/{}", jobs[0]["id"].as_str().expect("an id"));
    let post = |verb: &str, key: &str| {
        let request = admin.request(reqwest::Method::POST, &format!("{path}/{verb}")).json(&json!({}));
        admin.send(request.header("Idempotency-Key", key))
    };
    post("discard", "one").await.expect(200);
    assert_eq!(post("retry", "two").await.expect(200)["state"], "available");
    admin.post(&format!("{path}/cancel"), &json!({})).await.expect(200);
    assert_eq!(post("retry", "two").await.expect(200)["state"], "cancelled", "it was retried once");
}
