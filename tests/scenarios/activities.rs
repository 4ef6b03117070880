//! What was done with a lead: written down by hand and by the product, counted by scores, gone with the lead.

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{message::sandbox, routing::rules::lead};

pub async fn timeline(client: &Client, lead: &Value) -> Vec<Value> {
    client.all(&format!("/api/v1/leads/{}/activities", lead.as_str().expect("an id"))).await
}

async fn score(client: &Client, lead: &Value) -> Value {
    client.post("/api/v1/automation/leads/score", &json!({ "lead_id": lead })).await.expect(200)
}

#[tokio::test]
async fn what_is_done_with_a_lead_stands_in_its_timeline_and_counts() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, &json!({})).await;
    let path = format!("/api/v1/leads/{}", lead.as_str().expect("an id"));
    let done = format!("{path}/activities");
    assert_eq!(score(admin, &lead).await["engagement_score"], 0);
    let call = json!({"kind": "call", "note": "Ada wants a quote\nby Friday"});
    let made = admin.post(&done, &call).await.expect(201);
    let earlier = json!({"kind": "meeting", "at": "2020-01-01T10:00:00Z"});
    admin.post(&done, &earlier).await.expect(201);
    admin.patch(&path, &json!({"status": "contacted"})).await.expect(200);
    admin.patch(&path, &json!({"status": "contacted"})).await.expect(200);
    let shown = timeline(admin, &lead).await;
    let kinds: Vec<&str> = shown.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["status", "call", "meeting"], "by time, and a status once");
    assert_eq!(shown[0]["status"], "contacted");
    assert_eq!((&shown[1]["id"], &shown[1]["note"]), (&made["id"], &call["note"]));
    let me = admin.get("/api/v1/me").await.expect(200);
    assert_eq!((&shown[1]["actor_kind"], &shown[1]["actor_id"]), (&json!("user"), &me["id"]));
    let first = admin.get(&format!("{done}?limit=1")).await.expect(200);
    let next = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(admin.get(&format!("{done}?limit=1&cursor={next}")).await.expect(200)["items"][0], shown[1]);
    assert!(score(admin, &lead).await["engagement_score"].as_i64().expect("a score") > 0);
    let told = Socket::open(admin, Some(0)).await.until("lead.activity").await.pop().expect("an event");
    let whose = json!({"activity_id": made["id"], "kind": "call", "owner_id": null, "team_id": null});
    assert_eq!(told["data"], whose);

    let later = app.process.app.platform.clock.now() + chrono::TimeDelta::hours(1);
    for (body, pointer) in [
        (json!({"kind": "status"}), "/kind"),
        (json!({"kind": "note", "note": " "}), "/note"),
        (json!({"kind": "note", "at": later}), "/at"),
    ] {
        let refused = admin.post(&done, &body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        assert_eq!(refused.problem(422), "invalid");
    }
    let mut system = app.database.connect_as("switchboard_system").await;
    let counted: (i32, i64) = sqlx::query_as(
        "select (select activities from leads where id = $1),
                (select count(*) from lead_activities where encode(note_sealed, 'escape') ~ 'Ada')",
    )
    .bind(lead.as_str().expect("an id").parse::<uuid::Uuid>().expect("an id"))
    .fetch_one(&mut system)
    .await
    .expect("an answer");
    assert_eq!(counted, (2, 0), "a status is no dealing with the person, and no note lies plain");
    admin.delete(&path).await.expect(204);
    let left: i64 = sqlx::query_scalar("select count(*) from lead_activities")
        .fetch_one(&mut system)
        .await
        .expect("an answer");
    assert_eq!(left, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn a_message_that_was_sent_stands_there_too_and_notes_are_for_whoever_sees_people() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, &json!({})).await;
    let mut message = sandbox(admin).await;
    message["lead_id"] = lead.clone();
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    Socket::open(admin, Some(0)).await.until("lead.activity").await;
    let shown = timeline(admin, &lead).await;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["ref_kind"], &shown[0]["ref_id"]),
        (&json!("message"), &json!("message"), &sent["id"])
    );
    let done = format!("/api/v1/leads/{}/activities", lead.as_str().expect("an id"));
    admin.post(&done, &json!({"kind": "note", "note": "secret"})).await.expect(201);
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert!(timeline(&blind, &lead).await.iter().all(|one| one["note"].is_null()));
    assert_eq!(blind.post(&done, &json!({"kind": "note"})).await.problem(403), "permission-missing");
    // Whoever does not see the lead sees nothing of what was done with it.
    let agent = app.user(&app.acme, "Agent").await;
    assert_eq!(agent.get(&done).await.problem(404), "not-found");
    assert_eq!(agent.post(&done, &json!({"kind": "note"})).await.problem(404), "not-found");
    app.process.stop().await;
}
