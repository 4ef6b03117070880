//! Campaigns and leads that are made one while a run goes on: nobody is missed by that, and nobody is written to twice.

use domain::campaigns::release::Turn;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    agents::at,
    campaigns::planned::{begun, plan, release},
    campaigns::told::becomes,
    campaigns::{by_mail, draft, recipients},
    rights::admitted,
    routing::rules::lead,
    sending::idle,
};

async fn merge(client: &Client, winner: &Value, loser: &Value) {
    let path = format!("{}/merge", at("/api/v1/leads", winner));
    client.post(&path, &json!({ "loser_id": loser })).await.expect(200);
}

/// What became of a lead.
async fn of(client: &Client, path: &str, who: &Value) -> Value {
    let all = recipients(client, path).await;
    all.into_iter().find(|one| one["lead_id"] == *who).expect("a recipient")
}

#[tokio::test]
async fn who_had_no_address_until_another_lead_was_merged_into_them_is_not_missed() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut content = by_mail(admin).await;
    let message = content["variants"][0]["messages"].clone();
    content["variants"] = json!([{"name": "a", "messages": message}, {"name": "b", "messages": message}]);
    let stays = lead(admin, &json!({"email": null, "phone": "+4930901820", "name": "Ada"})).await;
    let alone = lead(admin, &json!({"email": null, "phone": "+4930901821", "name": "Bea"})).await;
    let goes = lead(admin, &json!({"email": "ada@example.com", "name": "Ada"})).await;
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    let drawn = of(admin, &path, &goes).await["variant"].clone();
    assert_eq!(of(admin, &path, &stays).await["reason"], "no_address");
    merge(admin, &stays, &goes).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let one = of(admin, &path, &stays).await;
    assert_eq!((&one["status"], &one["reason"]), (&json!("queued"), &Value::Null), "{one}");
    assert_eq!((&one["channel"], &one["variant"]), (&json!("email"), &drawn), "{one}");
    assert_eq!(of(admin, &path, &goes).await["reason"], "merged");
    assert_eq!(of(admin, &path, &alone).await["reason"], "no_address");
    let messages = admin.all("/api/v1/communication/messages").await;
    assert_eq!((messages.len(), &messages[0]["to"]), (1, &json!("ada@example.com")));
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(progress["statuses"], json!({"queued": 1, "skipped": 2}), "they are counted where they are");
    app.process.stop().await;
}

#[tokio::test]
async fn who_was_written_to_as_another_lead_is_not_written_to_again_unless_that_came_to_nothing() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    let content = by_mail(admin).await;
    let mut pairs = Vec::new();
    for name in ["Ada", "Bea"] {
        let (goes, stays) =
            (lead(admin, &json!({"name": name})).await, lead(admin, &json!({"name": name})).await);
        pairs.push((goes, stays));
    }
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    // Those who stay are not due yet when the others are.
    for (_, stays) in &pairs {
        sqlx::query(
            "update campaign_recipients set due_at = due_at + interval '1 hour' where lead_id = $1::uuid",
        )
        .bind(stays.as_str().expect("an id"))
        .execute(&mut system)
        .await
        .expect("another time");
    }
    assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "two are to come");
    let [(ada, ada_stays), (bea, bea_stays)] = pairs.as_slice() else { panic!("two pairs") };
    let failed = of(admin, &path, bea).await["message_id"].clone();
    becomes(&mut system, failed.as_str().expect("an id"), "failed").await;
    for (goes, stays) in &pairs {
        merge(admin, stays, goes).await;
    }
    app.database.advance(3_601.0).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    for (who, status, reason) in [
        (ada, "queued", Value::Null),
        (ada_stays, "skipped", json!("duplicate")),
        (bea, "failed", json!("failed")),
        (bea_stays, "queued", Value::Null),
    ] {
        let one = of(admin, &path, who).await;
        assert_eq!((&one["status"], &one["reason"]), (&json!(status), &reason), "{one}");
    }
    app.process.stop().await;
}
