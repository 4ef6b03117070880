//! Leads that are asked for by an id that they had before they were made one with another.

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{
    agents::{at, person},
    calls::{CALLS, begun, onboarding},
    message::sandbox,
    routing::rules::{ROUTE, lead},
    routing::team,
};

const LEADS: &str = "/api/v1/leads";
const MESSAGES: &str = "/api/v1/communication/messages";
const NUMBER: &str = "+14155550100";

async fn merge(client: &Client, winner: &Value, loser: &Value) {
    client.post(&format!("{}/merge", at(LEADS, winner)), &json!({ "loser_id": loser })).await.expect(200);
}

/// Three leads that are one by now: the first was merged into the second, and that one into the last.
async fn chain(client: &Client) -> [Value; 3] {
    let first = lead(client, &json!({ "phone": NUMBER })).await;
    let (second, last) = (lead(client, &json!({})).await, lead(client, &json!({})).await);
    merge(client, &second, &first).await;
    merge(client, &last, &second).await;
    [first, second, last]
}

#[tokio::test]
async fn whoever_asks_for_a_lead_that_was_merged_is_led_to_what_it_is_by_now() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let [first, second, last] = chain(admin).await;
    for gone in [&first, &second] {
        let answer = admin.get(&at(LEADS, gone)).await;
        assert_eq!(answer.location(), Some(at(LEADS, &last).as_str()));
        let there = admin.get(answer.location().expect("a Location")).await.expect(200);
        assert_eq!((&there["id"], &there["phone"]), (&last, &json!(NUMBER)));
        assert_eq!(answer.expect(308), json!({ "id": last }));
        // What was asked for of it is asked for there.
        let part = admin.get(&format!("{}?fields=status", at(LEADS, gone))).await;
        let there = admin.get(part.location().expect("a Location")).await.expect(200);
        assert_eq!(there, json!({"id": last, "status": "new"}));
        assert_eq!(admin.get(&format!("{}?fields=nothing", at(LEADS, gone))).await.problem(422), "invalid");
        // Nobody changes or deletes another lead than the one they name.
        let change = json!({"status": "lost"});
        assert_eq!(admin.patch(&at(LEADS, gone), &change).await.problem(404), "not-found");
        assert_eq!(admin.delete(&at(LEADS, gone)).await.problem(404), "not-found");
        assert_eq!(app.other.admin.get(&at(LEADS, gone)).await.problem(404), "not-found");
    }
    assert_eq!(admin.get(&at(LEADS, &last)).await.expect(200)["status"], "new");
    admin.delete(&at(LEADS, &last)).await.expect(204);
    for gone in [&first, &second, &last] {
        assert_eq!(admin.get(&at(LEADS, gone)).await.problem(404), "not-found", "it is nothing any more");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_or_a_message_goes_to_what_a_lead_is_by_now() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let [first, second, last] = chain(admin).await;
    let message = sandbox(admin).await;
    let address = admin.get(&at(LEADS, &last)).await.expect(200)["email"].clone();
    for gone in [&first, &second] {
        let call = begun(admin, &json!({"direction": "outbound", "lead_id": gone})).await;
        let call = admin.get(&call).await.expect(200);
        assert_eq!((&call["lead_id"], &call["number"]), (&last, &json!(NUMBER)));
        let mut to_lead = message.clone();
        to_lead["lead_id"] = gone.clone();
        to_lead.as_object_mut().expect("an object").remove("to");
        let sent = admin.post(MESSAGES, &to_lead).await.expect(202);
        let sent = admin.get(&at(MESSAGES, &sent["id"])).await.expect(200);
        assert_eq!((&sent["lead_id"], &sent["to"]), (&last, &address));
    }
    // By a number of its own, it is about the lead all the same.
    let other = json!({"direction": "outbound", "lead_id": first, "number": "+14155550177"});
    let other = admin.get(&begun(admin, &other).await).await.expect(200);
    assert_eq!((&other["lead_id"], &other["number"]), (&last, &json!("+14155550177")));

    let call = json!({"direction": "outbound", "lead_id": first});
    let theirs = app.other.admin.post(CALLS, &call).await;
    assert_eq!(theirs.body["errors"][0]["pointer"], "/lead_id");
    assert_eq!(theirs.problem(422), "invalid");
    admin.delete(&at(LEADS, &last)).await.expect(204);
    assert_eq!(admin.post(CALLS, &call).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_was_merged_is_onboarded_as_what_it_is_by_now() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 10).await;
    let [first, _, last] = chain(admin).await;
    let run = admin.get(&onboarding(admin, &first, &sales).await).await.expect(200);
    let mut steps = run["steps"].as_array().expect("steps").iter();
    let routed = steps.find(|step| step["name"] == "route").expect("it is routed");
    assert_eq!(routed["output"]["lead_id"], last, "{run}");
    assert_eq!(admin.get(&at(LEADS, &last)).await.expect(200)["owner_id"], agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_run_that_went_on_for_another_lead_is_not_begun_again() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, _) = team(admin, "sales", 1, 10).await;
    let (first, last) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    let input = admin.get(&onboarding(admin, &first, &sales).await).await.expect(200)["input"].clone();
    merge(admin, &last, &first).await;
    for same in [&first, &last] {
        let mut input = input.clone();
        input["lead_id"] = same.clone();
        let again = json!({"workflow": "onboard_lead", "input": input});
        assert_eq!(admin.post("/api/v1/workflows", &again).await.problem(409), "workflow-running");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_is_led_to_a_lead_that_they_do_not_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let [first, _, last] = chain(admin).await;
    let direct = json!({"lead_id": last, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let (own, colleague) = (person(&app, &agents[0]).await, person(&app, &agents[1]).await);
    let call = json!({"direction": "outbound", "lead_id": first});
    assert_eq!(colleague.get(&at(LEADS, &first)).await.problem(404), "not-found");
    assert_eq!(colleague.post(CALLS, &call).await.problem(422), "invalid");
    assert_eq!(own.get(&at(LEADS, &first)).await.expect(308), json!({ "id": last }));
    let called = own.get(&begun(&own, &call).await).await.expect(200);
    assert_eq!((&called["lead_id"], &called["agent_id"]), (&last, &agents[0]));
    app.process.stop().await;
}
