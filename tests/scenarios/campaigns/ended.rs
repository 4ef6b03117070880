//! Campaigns that end although something was amiss, and those that do not wait for themselves.

use domain::{campaigns::release::Turn, messages::provider::Answer};
use serde_json::{Value, json};
use sqlx::PgConnection;
use switchboard_tests::{Client, TestApp};

use crate::{
    campaigns::planned::{begun, plan, release},
    campaigns::told::messages,
    campaigns::{by_mail, draft, people},
    rights::admitted,
    sending::{begin, end, go, idle},
};

/// As many failures as stop a campaign that says nothing of its breaker.
const ENOUGH: usize = 100;

fn taken() -> Answer {
    Answer::Accepted { provider_message_id: Some("taken".into()) }
}

/// Has all messages fail that wait to be sent.
async fn fail(system: &mut PgConnection) {
    sqlx::query("update messages set status = 'failed' where status = 'queued'")
        .execute(system)
        .await
        .expect("they failed");
}

async fn progress(client: &Client, path: &str) -> Value {
    client.get(&format!("{path}/progress")).await.expect(200)
}

#[tokio::test]
async fn a_campaign_of_which_the_last_message_failed_is_over_and_waits_for_nobody() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    let content = by_mail(admin).await;
    people(admin, ENOUGH).await;
    let path = draft(admin, &content, &json!({})).await;
    let run = begun(admin, &path).await;
    plan(&ctx, run).await;
    assert_eq!(release(&ctx, run).await, Turn::Settling);
    fail(&mut system).await;
    assert_eq!(release(&ctx, run).await, Turn::Over);
    let came = progress(admin, &path).await;
    assert_eq!((&came["status"], &came["run_status"]), (&json!("finished"), &json!("finished")));
    assert_eq!(came["statuses"], json!({"failed": ENOUGH}));
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_that_failures_or_people_have_paused_is_over_with_the_last_message_that_was_on_its_way() {
    let app = TestApp::with(idle).await;
    let (admin, ctx) = (&app.acme.admin, admitted(&app, &app.acme.admin).await);
    let mut system = app.database.connect_as("switchboard_system").await;
    let content = by_mail(admin).await;
    people(admin, ENOUGH + 1).await;
    for code in ["breaker", "by_hand"] {
        let path = draft(admin, &content, &json!({})).await;
        let run = begun(admin, &path).await;
        plan(&ctx, run).await;
        assert_eq!(release(&ctx, run).await, Turn::Settling);
        let last = go(begin(&ctx, &messages(admin, &path).await[0]).await);
        if code == "by_hand" {
            admin.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        }
        fail(&mut system).await;
        assert!(matches!(release(&ctx, run).await, Turn::Wait(_)), "one is on its way");
        let paused = progress(admin, &path).await;
        assert_eq!((&paused["run_status"], &paused["pause_code"]), (&json!("paused"), &json!(code)));
        assert_eq!(paused["open"], 1);
        end(&ctx, last, taken()).await;
        assert_eq!(release(&ctx, run).await, Turn::Over, "{code}");
        let came = progress(admin, &path).await;
        assert_eq!((&came["status"], &came["run_status"]), (&json!("finished"), &json!("finished")));
        assert_eq!(came["statuses"], json!({"sent": 1, "failed": ENOUGH}));
    }
    app.process.stop().await;
}
