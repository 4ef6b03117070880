//! Jobs from the command line.

use serde_json::{Value, json};
use switchboard_tests::{TestApp, switchboard};

use crate::message::sandbox;

/// Three messages of acme that wait.
async fn waiting() -> TestApp {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    for _ in 0..3 {
        admin.post("/api/v1/communication/messages", &message).await.expect(202);
    }
    app
}

async fn states(app: &TestApp) -> Vec<Value> {
    let jobs = app.acme.admin.all("/api/v1/jobs?kind=send_message").await;
    jobs.iter().map(|job| job["state"].clone()).collect()
}

#[tokio::test]
async fn jobs_are_listed_in_every_form_and_shown_as_the_api_shows_them() {
    let app = waiting().await;
    let jobs = async |words: &[&str]| switchboard(&app.database, &[&["jobs"][..], words].concat()).await;
    let of_acme = ["list", "--tenant", "acme", "--queue", "messages"];
    let listed = jobs(&[&of_acme[..], &["-o", "json"]].concat()).await.expect(0).json();
    let lines = jobs(&[&of_acme[..], &["-o", "ndjson"]].concat()).await.expect(0).lines();
    assert_eq!((json!(lines), lines.len()), (listed.clone(), 3));
    let table = jobs(&of_acme).await.expect(0).out;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("ID ") && table.contains("send_message"), "{table}");
    let few = jobs(&[&of_acme[..], &["--limit", "2", "-o", "ndjson"]].concat()).await.expect(0);
    assert_eq!(few.lines(), listed.as_array().expect("jobs")[..2]);
    let others = jobs(&["list", "--tenant", "other", "--queue", "messages"]).await.expect(0);
    assert!(others.out.is_empty() && others.err.contains("nothing"), "{others:#?}");
    let all = jobs(&["list", "--queue", "messages", "-o", "ndjson"]).await.expect(0).lines();
    assert!(all.len() == 3 && all.iter().all(|job| job["tenant"] == "acme"), "{all:?}");

    let look = "/api/v1/compliance/audit-logs?action=look";
    let looks = app.other.admin.all(look).await.len();
    let full = jobs(&["list", "--queue", "messages", "--limit", "3", "-o", "ndjson"]).await.expect(0);
    assert_eq!(full.lines().len(), 3);
    assert_eq!(app.other.admin.all(look).await.len(), looks, "what is full looks into nobody else");

    let id = listed[0]["id"].as_str().expect("an id");
    let shown = jobs(&["show", "--tenant", "acme", id, "-o", "json"]).await.expect(0).json();
    let by_api = app.acme.admin.get(&format!("/api/v1/jobs/{id}")).await.expect(200);
    assert_eq!(shown, by_api);
    jobs(&["show", "--tenant", "other", id]).await.ends(3);
    app.process.stop().await;
}

#[tokio::test]
async fn named_jobs_are_acted_on_and_a_dry_run_changes_nothing() {
    let app = waiting().await;
    let jobs = async |words: &[&str]| switchboard(&app.database, &[&["jobs"][..], words].concat()).await;
    let id = app.acme.admin.all("/api/v1/jobs?kind=send_message").await[0]["id"].clone();
    let id = id.as_str().expect("an id");
    jobs(&["cancel", "--tenant", "acme", id, "--dry-run"]).await.ends(0);
    assert_eq!(states(&app).await, ["available"; 3]);
    let cancelled = jobs(&["cancel", "--tenant", "acme", id, "-o", "ndjson"]).await.expect(0).lines();
    assert_eq!(cancelled[0]["state"], "cancelled");
    let refused = jobs(&["discard", "--tenant", "acme", id]).await.expect(4);
    assert!(refused.err.contains("cancelled"), "{refused:#?}");
    jobs(&["cancel", "--tenant", "other", id]).await.ends(3);
    jobs(&["retry", "--tenant", "acme", id]).await.ends(0);
    assert_eq!(states(&app).await, ["available"; 3]);
    let both = jobs(&["retry", "--tenant", "acme", id, "--state", "available"]).await.expect(2);
    assert!(both.err.contains("not both"), "{both:#?}");
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_done_before_a_refusal_is_listed_and_told() {
    let app = waiting().await;
    let jobs = async |words: &[&str]| switchboard(&app.database, &[&["jobs"][..], words].concat()).await;
    let ids = app.acme.admin.all("/api/v1/jobs?kind=send_message").await;
    let ids: Vec<_> = ids.iter().map(|job| job["id"].as_str().expect("an id")).collect();
    jobs(&["cancel", "--tenant", "acme", ids[1]]).await.ends(0);
    let discard = ["discard", "--tenant", "acme", "-o", "json"];
    let half = jobs(&[&discard[..], &ids[..]].concat()).await.expect(1);
    assert_eq!((&half.json()[0]["id"], half.json().as_array().map(Vec::len)), (&json!(ids[0]), Some(1)));
    assert!(half.err.contains("cancelled") && half.err.contains("done before"), "{half:#?}");
    let none = jobs(&[&discard[..], &ids[1..]].concat()).await.expect(4);
    assert!(none.out.is_empty(), "{none:#?}");
    let nobodys = uuid::Uuid::now_v7().to_string();
    let look = jobs(&[&discard[..], &[ids[2], nobodys.as_str(), "--dry-run"]].concat()).await.expect(3);
    assert_eq!(look.json()[0]["id"], ids[2]);
    app.process.stop().await;
}

#[tokio::test]
async fn all_that_fit_a_filter_are_shown_first_and_then_acted_on() {
    let app = waiting().await;
    let discard = async |words: &[&str]| {
        let all = ["jobs", "discard", "--tenant", "acme", "-o", "json"];
        switchboard(&app.database, &[&all[..], words].concat()).await
    };
    let nothing_said = discard(&[]).await.expect(2);
    assert!(nothing_said.err.contains("kind"), "{nothing_said:#?}");
    let preview = discard(&["--kind", "send_message", "--dry-run"]).await.expect(0).json();
    assert_eq!((&preview["matched"], &preview["more"]), (&json!(3), &json!(false)));
    assert_eq!(preview["sample"].as_array().expect("jobs").len(), 3);
    assert_eq!(states(&app).await, ["available"; 3]);
    let done = discard(&["--kind", "send_message", "--state", "available"]).await.expect(0).json();
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["result"], json!({"changed": 3, "of": 3}));
    assert_eq!(states(&app).await, ["discarded"; 3]);
    app.process.stop().await;
}
