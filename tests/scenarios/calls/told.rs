//! Calls as they are told of late, in another order than they went, and of other agents than before: times, whoever was in
//! them, what is written down, and whether it was a word of the lead.

use chrono::{SubsecRound, TimeDelta};
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::{
    agents::person,
    call_webhook::{Pbx, only},
    calls::{CALLS, NUMBER, at, begun, lead, onboarding, reply, set, status_of, step},
    routing::team,
};

/// What stands in the audit log of calls, of one kind.
async fn written(admin: &Client, action: &str) -> Vec<Value> {
    admin.all(&format!("/api/v1/compliance/audit-logs?action={action}&resource=call")).await
}

#[tokio::test]
async fn times_are_those_that_were_told_in_whatever_order_they_come() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let pbx = Pbx::new(admin).await;
    let start = app.clock.now().trunc_subsecs(0) - TimeDelta::seconds(100);
    let steps = [("call.started", 0), ("call.answered", 10), ("call.ended", 70)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let name = order.map(|number| number.to_string()).concat();
        let external = format!("c-{name}");
        for number in order {
            let (kind, second) = steps[number];
            let facts = json!({"call_id": external, "agent_id": agents[0]});
            let when = (kind, Some(start + TimeDelta::seconds(second)));
            pbx.tell_late(&app, &format!("m-{name}-{number}"), when, facts).await;
        }
        let calls = admin.all(CALLS).await;
        let call = calls.iter().find(|call| call["external_id"] == external).expect("the call");
        assert_eq!((&call["status"], &call["started_at"]), (&json!("ended"), &json!(start)), "{order:?}");
        assert_eq!((&call["wait_s"], &call["talk_s"]), (&json!(10), &json!(60)), "{order:?}");
        assert_eq!(status_of(admin, &agents[0]).await, "available", "{order:?}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_was_in_a_call_is_free_again_whomever_its_end_names() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let pbx = Pbx::new(admin).await;
    pbx.tell(&app, "m-1", "call.answered", json!({"agent_id": agents[0]})).await;
    assert_eq!(status_of(admin, &agents[0]).await, "on_call");
    pbx.tell(&app, "m-2", "call.ended", json!({"agent_id": agents[1]})).await;
    let over = only(admin).await;
    assert_eq!((&over["status"], &over["agent_id"]), (&json!("ended"), &agents[1]));
    for agent in &agents {
        assert_eq!(status_of(admin, agent).await, "available");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_is_put_through_is_somebody_elses_and_whoever_had_it_hears_that() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 3, 10).await;
    let (has, third) = (person(&app, &agents[0]).await, person(&app, &agents[2]).await);
    let (mut has, mut third) = (Socket::open(&has, None).await, Socket::open(&third, None).await);
    let pbx = Pbx::new(admin).await;
    let before = app.clock.now();
    pbx.tell(&app, "m-1", "call.answered", json!({"agent_id": agents[0]})).await;
    let answered = only(admin).await["answered_at"].clone();
    app.advance(TimeDelta::seconds(60)).await;
    pbx.tell(&app, "m-2", "call.answered", json!({"agent_id": agents[1]})).await;
    let through = only(admin).await;
    assert_eq!((&through["agent_id"], &through["answered_at"]), (&agents[1], &answered));
    assert_eq!(status_of(admin, &agents[0]).await, "available");
    assert_eq!(status_of(admin, &agents[1]).await, "on_call");
    assert_eq!(has.until("call.answered").await.pop().expect("an event")["data"]["agent_id"], agents[0]);
    let told = has.until("call.answered").await.pop().expect("an event");
    assert_eq!((&told["data"]["agent_id"], &told["data"]["former_agent_id"]), (&agents[1], &agents[0]));

    // What is told late does not bring it back.
    pbx.tell_late(&app, "m-3", ("call.answered", Some(before)), json!({"agent_id": agents[0]})).await;
    assert_eq!(only(admin).await["agent_id"], agents[1]);
    pbx.tell(&app, "m-4", "call.ended", json!({})).await;
    let over = only(admin).await;
    assert!(over["talk_s"].as_i64().is_some_and(|seconds| seconds >= 60), "{over}");
    for agent in &agents {
        assert_eq!(status_of(admin, agent).await, "available");
    }
    set(admin, &agents[2], "break").await.expect(200);
    let own = format!("agent:{}", agents[2].as_str().expect("an id"));
    loop {
        let event = third.event().await;
        assert_eq!(event["type"], "switchboard.agent.status.v1", "it was never theirs");
        if event["subject"] == own {
            break;
        }
    }
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_a_phone_system_relieves_of_a_call_is_offered_what_waits() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    set(admin, &agents[1], "break").await.expect(200);
    let pbx = Pbx::new(admin).await;
    pbx.tell(&app, "m-1", "call.started", json!({"agent_id": agents[0]})).await;
    let waits = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": team})).await;
    assert_eq!(admin.get(&waits).await.expect(200)["status"], "queued");
    let mut socket = Socket::open(admin, None).await;
    pbx.tell(&app, "m-2", "call.ringing", json!({"agent_id": agents[1]})).await;
    let about =
        |event: &Value| at(CALLS, &json!(event["subject"].as_str().expect("text").replace("call:", "")));
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!(told["data"]["agent_id"], agents[1]);
    let told = socket.until("call.incoming").await.pop().expect("an event");
    assert_eq!((about(&told), &told["data"]["agent_id"]), (waits.clone(), &agents[0]));
    // That it was given out is written down, too.
    let rung = written(admin, "ring").await;
    assert_eq!((rung.len(), &rung[0]["detail"]["agent_id"]), (1, &agents[0]), "{rung:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn whatever_is_told_of_a_call_that_is_over_is_written_down() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let pbx = Pbx::new(admin).await;
    pbx.tell(&app, "m-1", "call.answered", json!({"agent_id": agents[0]})).await;
    pbx.tell(&app, "m-2", "call.ended", json!({})).await;
    let mut entries = written(admin, "update").await.len();
    for (id, facts, more) in [
        ("m-3", json!({"outcome": "interested"}), 1),
        ("m-4", json!({"recording": "https://pbx.example.com/1"}), 1),
        ("m-5", json!({"satisfaction": 4}), 1),
        ("m-6", json!({}), 0),
        ("m-7", json!({"outcome": "other"}), 0),
    ] {
        pbx.tell(&app, id, "call.ended", facts).await;
        entries += more;
        assert_eq!(written(admin, "update").await.len(), entries, "{id}");
    }
    let over = only(admin).await;
    assert_eq!((&over["outcome"], &over["satisfaction"]), (&json!("interested"), &json!(4)));
    let told = json!(written(admin, "update").await).to_string();
    assert!(told.contains("interested") && !told.contains("pbx.example.com"), "{told}");
    assert!(written(&app.other.admin, "update").await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn a_machine_that_answers_is_no_word_of_the_lead() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let lead = lead(admin).await;
    let run = onboarding(admin, &lead, &team).await;
    let call = json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]});
    let mut last = String::new();
    for outcome in ["voicemail", "no_answer", "busy", "wrong_number", "not_interested"] {
        last = begun(admin, &call).await;
        step(admin, &last, "answer", &json!({})).await.expect(200);
        step(admin, &last, "end", &json!({ "outcome": outcome })).await.expect(200);
    }
    let reply = reply(admin, &run, |reply| reply["outcome"] == "signalled").await;
    assert_eq!(at(CALLS, &reply["output"]["call_id"]), last, "the first in which somebody spoke");
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_that_was_lost_is_a_word_of_the_lead_once_somebody_says_so() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let lead = lead(admin).await;
    let run = onboarding(admin, &lead, &team).await;
    let path = begun(admin, &json!({"direction": "outbound", "lead_id": lead, "agent_id": agents[0]})).await;
    step(admin, &path, "answer", &json!({})).await.expect(200);
    app.advance(TimeDelta::hours(13)).await;
    let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let mut socket = Socket::open(&admin, Some(0)).await;
    assert_eq!(socket.until("call.completed").await.pop().expect("an event")["data"]["outcome"], "lost");
    let steps = admin.get(&run).await.expect(200)["steps"].clone();
    let waits = steps.as_array().expect("steps").iter().find(|step| step["name"] == "reply");
    assert_eq!(waits.expect("the step")["state"], "sleeping", "nobody knows whether they spoke");
    step(&admin, &path, "disposition", &json!({"outcome": "callback"})).await.expect(200);
    let reply = reply(&admin, &run, |reply| reply["outcome"] == "signalled").await;
    assert_eq!(at(CALLS, &reply["output"]["call_id"]), path);
    app.process.stop().await;
}
