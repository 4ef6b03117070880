//! What becomes of deliveries that wait while their endpoint, or their job, becomes another or goes.

use chrono::TimeDelta;
use domain::upkeep;
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use super::{DELIVERIES, Hook, Receiver, is, lead, program};

/// More than the wait between the first attempt and the second.
const NEXT: TimeDelta = TimeDelta::seconds(7);

fn tried_once(delivery: &Value) -> bool {
    delivery["attempts"] == 1 && is("pending")(delivery)
}

async fn change(client: &Client, hook: &Hook, what: &Value) {
    client.patch(&hook.path(), what).await.expect(200);
}

fn replay(delivery: &Value) -> String {
    format!("{DELIVERIES}/{}/replay", delivery["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn what_waits_goes_to_the_new_address() {
    let app = TestApp::start().await;
    let client = program(&app).await;
    let (old, new) = (Receiver::start(500).await, Receiver::start(200).await);
    let hook = Hook::new(&client, &old, &["lead.created"]).await;
    lead(&client, "ada").await;
    hook.only(&client, tried_once).await;
    change(&client, &hook, &json!({"url": new.url})).await;
    app.advance(NEXT).await;
    hook.only(&client, is("succeeded")).await;
    let (first, second) = (old.heard(), new.heard());
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!((first[0].id(), &first[0].body), (second[0].id(), &second[0].body));
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_not_asked_for_any_more_is_not_sent_until_it_is_asked_for_again() {
    let app = TestApp::start().await;
    let (client, receiver) = (program(&app).await, Receiver::start(500).await);
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    lead(&client, "ada").await;
    hook.only(&client, tried_once).await;
    receiver.answer(200);
    change(&client, &hook, &json!({"types": ["lead.deleted"]})).await;
    app.advance(NEXT).await;
    let cancelled = hook.only(&client, is("cancelled")).await;
    assert_eq!((&cancelled["error_code"], &cancelled["attempts"]), (&json!("unsubscribed"), &json!(1)));
    assert_eq!(receiver.heard().len(), 1);
    let refused = client.post(&replay(&cancelled), &json!({})).await;
    assert_eq!(refused.problem(409), "webhook-unsubscribed");
    change(&client, &hook, &json!({"types": ["lead.created"]})).await;
    client.post(&replay(&cancelled), &json!({})).await.expect(202);
    hook.only(&client, is("succeeded")).await;
    assert_eq!(receiver.heard().len(), 2);
    app.process.stop().await;
}

/// Whoever may not see what an endpoint is told does not get it by sending elsewhere what waits.
#[tokio::test]
async fn what_waits_is_not_sent_to_whoever_may_not_see_it() {
    let app = TestApp::start().await;
    let (admin, client) = (&app.acme.admin, program(&app).await);
    let (theirs, elsewhere) = (Receiver::start(500).await, Receiver::start(200).await);
    let hook = Hook::new(admin, &theirs, &["suppression.added"]).await;
    let wish = json!({"channel": "email", "to": "ada@example.com", "scope": "all"});
    admin.post("/api/v1/communication/suppressions", &wish).await.expect(201);
    hook.only(admin, tried_once).await;
    let both = json!({"url": elsewhere.url, "types": ["lead.created"]});
    let _ = client.patch(&hook.path(), &both).await.problem(403);
    change(&client, &hook, &json!({"types": ["lead.created"]})).await;
    change(&client, &hook, &json!({"url": elsewhere.url})).await;
    app.advance(NEXT).await;
    let cancelled = hook.only(&client, is("cancelled")).await;
    assert_eq!(cancelled["error_code"], "unsubscribed");
    assert_eq!((theirs.heard().len(), elsewhere.heard().len()), (1, 0));
    app.process.stop().await;
}

#[tokio::test]
async fn a_delivery_whose_job_was_taken_away_is_ended_by_the_upkeep_and_no_other() {
    let app = TestApp::start().await;
    let (admin, client) = (&app.acme.admin, program(&app).await);
    let receiver = Receiver::start(500).await;
    let hook = Hook::new(&client, &receiver, &["lead.created"]).await;
    for name in ["ada", "eve"] {
        lead(&client, name).await;
    }
    hook.until(&client, |all| all.len() == 2 && all.iter().all(tried_once)).await;
    let job = admin.all("/api/v1/jobs?kind=deliver_webhook").await[0]["id"].clone();
    let path = format!("/api/v1/jobs/{}/cancel", job.as_str().expect("an id"));
    admin.post(&path, &json!({})).await.expect(200);
    let platform = &app.process.app.platform;
    while upkeep::forget_some(platform).await.expect("an answer") > 0 {}
    assert!(hook.deliveries(&client).await.iter().all(is("pending")), "its job may be about to end");

    app.advance(TimeDelta::minutes(6)).await;
    while upkeep::forget_some(platform).await.expect("an answer") > 0 {}
    let all = hook.deliveries(&client).await;
    let (ended, waits): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|one| is("failed")(one));
    assert_eq!((ended.len(), waits.len()), (1, 1), "{all:?}");
    assert_eq!((&ended[0]["error_code"], &waits[0]["state"]), (&json!("lost"), &json!("pending")));
    // It can be sent again.
    receiver.answer(200);
    client.post(&replay(ended[0]), &json!({})).await.expect(202);
    hook.until(&client, |all| all.iter().any(|one| one["id"] == ended[0]["id"] && is("succeeded")(one)))
        .await;
    app.process.stop().await;
}
