//! What campaigns cost: parts of texts as they really left, and whatever a provider took.

use domain::{
    campaigns::release::Turn,
    messages::provider::{Refusal, Route},
};
use serde_json::{Value, json};
use switchboard_tests::scripted::refused;

use crate::{
    campaigns::draft,
    campaigns::planned::{begun, plan, release},
    campaigns::told::{becomes, by_both, messages, people, taken},
    routing::rules::lead,
    sending::{begin, end, go},
};

/// The same by SMS alone, a part for ten cents.
pub fn by_text(mut content: Value, template: &str) -> Value {
    content["channels"] = json!([{"channel": "sms", "cost_micros": 10_000_000}]);
    content["variants"][0]["messages"] = json!([{"channel": "sms", "template": template}]);
    content
}

#[tokio::test]
async fn what_failed_after_it_was_taken_is_paid_for_also_if_nothing_else_is_tried() {
    let (app, ctx, content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    people(admin, 3).await;
    let path = draft(admin, &by_text(content, "text"), &json!({"limits": {"breaker": null}})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let all = messages(admin, &path).await;
    end(&ctx, go(begin(&ctx, &all[0]).await), refused(Refusal::Permanent, None)).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    for message in &all[1..] {
        taken(&ctx, message).await;
        becomes(&mut system, message, "failed").await;
    }
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["statuses"], &progress["cost_cents"]), (&json!({"failed": 3}), &json!(20)));
    // It arrived after all: nobody pays twice.
    becomes(&mut system, &all[2], "delivered").await;
    assert_eq!(release(&ctx, run).await, Turn::Over);
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    let statuses = json!({"failed": 2, "delivered": 1});
    assert_eq!((&progress["statuses"], &progress["cost_cents"]), (&statuses, &json!(20)));
    assert_eq!(progress["variants"][0]["cost_cents"], 20);
    app.process.stop().await;
}

#[tokio::test]
async fn each_part_of_a_text_costs_and_nothing_leaves_that_cannot_be_paid() {
    let (app, ctx, mut content) = by_both(Route::Echoes).await;
    let admin = &app.acme.admin;
    let long = json!({"name": "long", "channel": "sms", "text": "{{name}}: {{news}}"});
    admin.post("/api/v1/communication/templates", &long).await.expect(201);
    content["variables"] = json!({"news": "x".repeat(150)});
    // Two parts of seven bits a letter, and three of sixteen.
    for (phone, name) in [("+4930901820", "Ada of London and Paris"), ("+4930901821", "Zoë")] {
        lead(admin, &json!({"phone": phone, "name": name})).await;
    }
    let limits = json!({"limits": {"budget_cents": 45}});
    let path = draft(admin, &by_text(content, "long"), &limits).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "the other one is too dear");
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!(
        (&progress["statuses"], &progress["cost_cents"]),
        (&json!({"planned": 1, "queued": 1}), &json!(0))
    );
    let first = messages(admin, &path).await.remove(0);
    let parts = taken(&ctx, &first).await;
    release(&ctx, run).await;
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["run_status"], &progress["pause_code"]), (&json!("paused"), &json!("budget")));
    assert_eq!(progress["cost_cents"], parts * 10, "{progress}");
    admin.post(&format!("{path}/resume"), &json!({"budget_cents": 50})).await.expect(200);
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    let second = messages(admin, &path).await.into_iter().find(|message| *message != first);
    assert_eq!(parts + taken(&ctx, &second.expect("another")).await, 5);
    assert_eq!(release(&ctx, run).await, Turn::Over);
    let progress = admin.get(&format!("{path}/progress")).await.expect(200);
    assert_eq!((&progress["statuses"], &progress["cost_cents"]), (&json!({"sent": 2}), &json!(50)));
    app.process.stop().await;
}
