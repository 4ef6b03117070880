//! Leads on their way that are one person, before somebody makes them one and as that is done.

use domain::{
    messages::{
        callback::Inbound,
        inbound::take,
        provider::{Account, Channel},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    calls::{NUMBER, begun, step},
    inbound::written,
    leads::actions::path,
    onboarding::until,
    rights::admitted,
    routing::rules::lead,
    routing::team,
    sending::PROVIDERS,
    sequences::{desk, enter, published, steps},
};

const SCORE: &str = "/api/v1/automation/leads/score";

/// How an enrolment stands, and why.
async fn stands(client: &Client, enrolment: &str) -> (Value, Value) {
    let one = client.get(enrolment).await.expect(200);
    (one["state"].clone(), one["reason"].clone())
}

fn goal(reason: &str) -> (Value, Value) {
    (json!("goal"), json!(reason))
}

fn waits() -> (Value, Value) {
    (json!("waiting"), Value::Null)
}

/// Lets three leads of one number enter, of which the oldest and the newest are closed, and one of another number.
async fn namesakes(client: &Client, sequence: &Value) -> Vec<String> {
    let mut ways = Vec::new();
    for fields in [
        json!({"phone": NUMBER, "status": "lost"}),
        json!({"phone": NUMBER}),
        json!({"phone": NUMBER, "status": "lost"}),
        json!({"phone": "+14155550101"}),
    ] {
        ways.push(enter(client, sequence, &lead(client, &fields).await).await);
    }
    ways
}

async fn merge(client: &Client, winner: &Value, loser: &Value) {
    client.post(&format!("{}/merge", path(winner)), &json!({ "loser_id": loser })).await.expect(200);
}

#[tokio::test]
async fn whoever_writes_has_replied_as_each_lead_of_their_number() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["first"]).await;
    let mut definition = steps(&[("first", 60)]);
    definition["goals"] = json!([{"kind": "replied"}]);
    let sequence = published(admin, "s", &definition).await;
    let ways = namesakes(admin, &sequence).await;
    written(&app, &app.acme, provider.as_str().expect("an id")).await;
    for way in &ways[..3] {
        assert_eq!(stands(admin, way).await, goal("replied"));
    }
    assert_eq!(stands(admin, &ways[3]).await, waits());
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_is_spoken_with_has_replied_though_no_open_lead_has_their_number() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let mut definition = steps(&[("first", 60)]);
    definition["goals"] = json!([{"kind": "replied"}]);
    let sequence = published(admin, "s", &definition).await;
    let way = enter(admin, &sequence, &lead(admin, &json!({"phone": NUMBER, "status": "lost"})).await).await;
    let call = json!({"direction": "outbound", "number": NUMBER, "agent_id": agents[0]});
    let call = begun(admin, &call).await;
    assert_eq!(admin.get(&call).await.expect(200)["lead_id"], Value::Null);
    step(admin, &call, "answer", &json!({})).await.expect(200);
    step(admin, &call, "end", &json!({})).await.expect(200);
    assert_eq!(stands(admin, &way).await, goal("replied"));
    app.process.stop().await;
}

#[tokio::test]
async fn a_stop_is_the_word_of_each_lead_of_the_number() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let sms = json!({"name": "sms", "kind": "sandbox", "channel": "sms"});
    let provider = admin.post(PROVIDERS, &sms).await.expect(201)["id"].clone();
    let text = json!({"name": "text", "channel": "sms", "text": "Hello"});
    admin.post("/api/v1/communication/templates", &text).await.expect(201);
    let mut definition = steps(&[("text", 60)]);
    definition["goals"] = json!([{"kind": "opted_out"}]);
    let sequence = published(admin, "s", &definition).await;
    let ways = namesakes(admin, &sequence).await;
    let ctx = admitted(&app, admin).await;
    let id = ProviderId(provider.as_str().expect("an id").parse().expect("an id"));
    let account = Account { id, channel: Channel::Sms, credentials: Vec::new().into(), version: 1 };
    let stop = Inbound { provider_message_id: "in-1".into(), from: NUMBER.into(), body: "STOP".into() };
    take(&ctx, &account, stop).await.expect("it is taken in");
    for way in &ways[..3] {
        assert_eq!(stands(admin, way).await, goal("opted_out"));
    }
    assert_eq!(stands(admin, &ways[3]).await, waits());
    app.process.stop().await;
}

#[tokio::test]
async fn a_score_that_comes_after_entry_is_what_later_ones_are_compared_with() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    desk(admin, &["first"]).await;
    let mut definition = steps(&[("first", 60)]);
    definition["goals"] = json!([{"kind": "score_changed_by", "points": 1}]);
    let sequence = published(admin, "s", &definition).await;
    let who = lead(admin, &json!({"source": "manual"})).await;
    let way = enter(admin, &sequence, &who).await;
    admin.post(SCORE, &json!({ "lead_id": who })).await.expect(200);
    assert_eq!(stands(admin, &way).await, waits(), "the first score is no change");
    admin.patch(&path(&who), &json!({"status": "qualified"})).await.expect(200);
    let one = until(admin, &way, |one| one["state"] != "waiting").await;
    assert_eq!((&one["state"], &one["reason"]), (&json!("goal"), &json!("score")));
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_goes_on_as_another_lead_is_looked_at_as_that_one() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let provider = desk(admin, &["first"]).await;
    let mut sequences = Vec::new();
    for (name, condition) in [
        ("converted", json!({"kind": "converted"})),
        ("replied", json!({"kind": "replied"})),
        ("falls", json!({"kind": "score_changed_by", "points": -10})),
    ] {
        let mut definition = steps(&[("first", 60)]);
        definition["goals"] = json!([condition]);
        sequences.push(published(admin, name, &definition).await);
    }
    let [buys, replies, falls] = &sequences[..] else { panic!("three") };

    let bought = lead(admin, &json!({"status": "converted"})).await;
    let same = lead(admin, &json!({})).await;
    let way = enter(admin, buys, &same).await;
    merge(admin, &bought, &same).await;
    assert_eq!(stands(admin, &way).await, goal("converted"));

    let (silent, speaks) = (lead(admin, &json!({})).await, lead(admin, &json!({"phone": NUMBER})).await);
    let (way, other) = (enter(admin, replies, &silent).await, enter(admin, replies, &speaks).await);
    written(&app, &app.acme, provider.as_str().expect("an id")).await;
    assert_eq!((stands(admin, &other).await, stands(admin, &way).await), (goal("replied"), waits()));
    merge(admin, &silent, &speaks).await;
    assert_eq!(stands(admin, &way).await, goal("replied"));

    // That another lead is worth less than it was is no change of either.
    let (high, low) =
        (lead(admin, &json!({"source": "referral"})).await, lead(admin, &json!({"source": "manual"})).await);
    for who in [&high, &low] {
        admin.post(SCORE, &json!({ "lead_id": who })).await.expect(200);
    }
    let way = enter(admin, falls, &high).await;
    merge(admin, &low, &high).await;
    assert_eq!(stands(admin, &way).await, waits());
    app.process.stop().await;
}
