//! Calls that ring in vain, at whom they ring next, and those whose end nobody tells.

use chrono::TimeDelta;
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::{
    agents::person,
    call_webhook::Pbx,
    calls::{CALLS, NUMBER, at, begun, set, status_of, step},
    routing::team,
};

const AGENTS: &str = "/api/v1/agents";

/// A little longer than a call rings at one agent.
const RING: TimeDelta = TimeDelta::seconds(21);

async fn shown(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200)
}

/// The next event of a kind, as it says what it is about.
async fn told(socket: &mut Socket, kind: &str) -> Value {
    socket.until(kind).await.pop().expect("an event")
}

fn is_about(event: &Value, path: &str) -> bool {
    event["subject"] == format!("call:{}", path.rsplit('/').next().expect("an id"))
}

#[tokio::test]
async fn a_call_that_nobody_takes_goes_on_to_the_next_and_waits_again_where_it_stood() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let people = [person(&app, &agents[0]).await, person(&app, &agents[1]).await];
    let mut sockets = [Socket::open(&people[0], None).await, Socket::open(&people[1], None).await];
    let mut all = Socket::open(admin, None).await;
    let path = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": team})).await;
    let new = shown(admin, &path).await;
    assert_eq!((&new["status"], new["ring_until"].is_string()), (&json!("ringing"), true));
    let first = usize::from(new["agent_id"] != agents[0]);
    let second = 1 - first;
    assert!(is_about(&told(&mut sockets[first], "call.incoming").await, &path));

    app.advance(RING).await;
    let next = told(&mut sockets[second], "call.incoming").await;
    assert_eq!((is_about(&next, &path), &next["data"]["agent_id"]), (true, &agents[second]));
    let gone = told(&mut sockets[first], "call.rerouted").await;
    assert_eq!((is_about(&gone, &path), &gone["data"]["why"]), (true, &json!("not_answered")));
    assert_eq!(
        (&gone["data"]["from_agent_id"], &gone["data"]["agent_id"]),
        (&agents[first], &agents[second])
    );
    assert!(!gone.to_string().contains("4155550100"), "no personal data in events");
    assert_eq!(people[first].get(&path).await.problem(404), "not-found", "it is somebody else's now");
    assert_eq!(status_of(admin, &agents[first]).await, "available", "once proves nothing");

    // A later call comes in behind it, and is taken by whoever has not missed it.
    app.advance(RING).await;
    assert!(is_about(&told(&mut all, "call.queued").await, &path));
    let waits = shown(admin, &path).await;
    assert_eq!((&waits["status"], &waits["agent_id"]), (&json!("queued"), &Value::Null));
    assert_eq!((&waits["started_at"], &waits["team_id"]), (&new["started_at"], &team));
    let queue = format!("{}/calls", at("/api/v1/automation/queues", &team));
    assert_eq!(admin.all(&queue).await[0]["missed"], 2);
    for agent in &agents {
        set(admin, agent, "break").await.expect(200);
    }
    let later = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": team})).await;
    let order: Vec<String> =
        admin.all(&queue).await.iter().map(|call| at("/api/v1/calls", &call["id"])).collect();
    assert_eq!(order, [path.clone(), later.clone()], "it stands where it stood");
    let mut all = Socket::open(admin, None).await;
    set(admin, &agents[0], "available").await.expect(200);
    assert!(is_about(&told(&mut all, "call.incoming").await, &later), "the same one is not asked again yet");
    step(admin, &later, "end", &json!({})).await.expect(200);

    // After a while they are.
    app.advance(TimeDelta::seconds(121)).await;
    let again = told(&mut all, "call.incoming").await;
    assert_eq!((is_about(&again, &path), &again["data"]["agent_id"]), (true, &agents[0]));
    step(&people[0], &path, "answer", &json!({})).await.expect(200);
    assert_eq!(shown(admin, &path).await["ring_until"], Value::Null);
    app.process.stop().await;
}

#[tokio::test]
async fn who_takes_none_of_three_calls_is_not_offered_a_fourth() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    admin.patch(&at("/api/v1/teams", &team), &json!({"ring_s": 10})).await.expect(200);
    let incoming = json!({"direction": "inbound", "number": NUMBER, "team_id": team});
    let mut socket = Socket::open(admin, None).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        assert_eq!(status_of(admin, &agents[0]).await, "available");
        let path = begun(admin, &incoming).await;
        assert_eq!(shown(admin, &path).await["agent_id"], agents[0]);
        app.advance(TimeDelta::seconds(11)).await;
        assert!(is_about(&told(&mut socket, "call.queued").await, &path));
        calls.push(path);
    }
    let away = told(&mut socket, "agent.status").await;
    assert_eq!(away["data"], json!({"from": "available", "to": "break", "why": "not_answering"}));
    let fourth = begun(admin, &incoming).await;
    assert_eq!(shown(admin, &fourth).await["status"], "queued");
    let entries = admin.all("/api/v1/compliance/audit-logs?action=update&resource=agent").await;
    assert!(entries.iter().any(|entry| entry["detail"]["why"] == "not_answering"), "{entries:?}");

    // Back at the desk they begin anew, with what they have not missed.
    set(admin, &agents[0], "available").await.expect(200);
    assert!(is_about(&told(&mut socket, "call.incoming").await, &fourth));
    app.advance(TimeDelta::seconds(11)).await;
    assert!(is_about(&told(&mut socket, "call.queued").await, &fourth));
    assert_eq!(status_of(admin, &agents[0]).await, "available");
    app.process.stop().await;
}

#[tokio::test]
async fn a_ringing_call_is_handed_over_and_keeps_its_agent_in_the_house_until_then() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let path = begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": team})).await;
    let first = usize::from(shown(admin, &path).await["agent_id"] != agents[0]);
    let (has, takes) = (&agents[first], &agents[1 - first]);
    for asked in ["", "?requeue=true"] {
        let refused = admin.delete(&format!("{}{asked}", at(AGENTS, has))).await;
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("ring it to")));
        assert_eq!(refused.problem(409), "agent-in-call");
    }
    assert_eq!(status_of(admin, has).await, "available", "a refusal changes nothing");
    let to = json!({ "agent_id": takes });
    assert_eq!(step(&app.other.admin, &path, "ring", &to).await.problem(404), "not-found");
    assert_eq!(step(admin, &path, "ring", &json!({"agent_id": has})).await.problem(409), "call-state");
    let mut socket = Socket::open(admin, None).await;
    step(admin, &path, "ring", &to).await.expect(200);
    let told = socket.until("call.incoming").await;
    assert!(told.iter().any(|event| event["data"]["why"] == "handed_over"), "{told:?}");
    assert_eq!(&told.last().expect("an event")["data"]["agent_id"], takes);
    admin.delete(&at(AGENTS, has)).await.expect(204);
    assert_eq!(step(admin, &path, "ring", &json!({"agent_id": has})).await.problem(422), "invalid");

    step(admin, &path, "answer", &json!({})).await.expect(200);
    assert_eq!(admin.delete(&at(AGENTS, takes)).await.problem(409), "agent-in-call");
    step(admin, &path, "end", &json!({})).await.expect(200);
    // One that is being dialled is theirs as well.
    let dialled = begun(admin, &json!({"direction": "outbound", "number": NUMBER, "agent_id": takes})).await;
    assert_eq!(admin.delete(&at(AGENTS, takes)).await.problem(409), "agent-in-call");
    step(admin, &dialled, "end", &json!({})).await.expect(200);
    admin.delete(&at(AGENTS, takes)).await.expect(204);
    app.process.stop().await;
}

#[tokio::test]
async fn a_phone_system_that_rings_agents_itself_says_how_long_and_whom_next() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let pbx = Pbx::new(admin).await;
    pbx.tell(&app, "m-1", "call.started", json!({"agent_id": agents[0]})).await;
    let path = at(CALLS, &admin.all(CALLS).await[0]["id"]);
    let rings = shown(admin, &path).await;
    assert_eq!((&rings["status"], &rings["ring_until"]), (&json!("ringing"), &Value::Null));
    let before = app.clock.now();
    app.advance(TimeDelta::seconds(60)).await;
    let mut socket = Socket::open(admin, None).await;
    pbx.tell(&app, "m-2", "call.ringing", json!({"agent_id": agents[1]})).await;
    let told = told(&mut socket, "call.rerouted").await;
    assert_eq!((&told["data"]["from_agent_id"], &told["data"]["agent_id"]), (&agents[0], &agents[1]));
    assert!(admin.all("/api/v1/jobs?kind=mind_call").await.is_empty(), "nothing is due of it by itself");
    // What is told late does not bring it back.
    let late = json!({"call_id": "c-1", "agent_id": agents[0]});
    let late = json!({"type": "call.ringing", "timestamp": before, "data": late});
    pbx.send(&app, "m-3", 0, &late).await.expect(204);
    assert_eq!(shown(admin, &path).await["agent_id"], agents[1]);
    // Somebody else picked it up: whoever it rang at hears of it.
    pbx.tell(&app, "m-4", "call.answered", json!({"agent_id": agents[0]})).await;
    let told = socket.until("call.answered").await;
    assert!(told.iter().any(|event| event["data"]["why"] == "answered_elsewhere"), "{told:?}");
    assert_eq!(status_of(admin, &agents[0]).await, "on_call");
    assert_eq!(status_of(admin, &agents[1]).await, "available");
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_whose_end_nobody_tells_is_lost_at_last() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let call = |agent: usize| json!({"direction": "outbound", "number": NUMBER, "agent_id": agents[agent]});
    let (talked, rang) = (begun(admin, &call(0)).await, begun(admin, &call(1)).await);
    step(admin, &talked, "answer", &json!({})).await.expect(200);
    step(admin, &rang, "ring", &json!({})).await.expect(200);
    app.advance(TimeDelta::hours(11)).await;
    let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let recent = begun(&admin, &call(1)).await;
    app.advance(TimeDelta::hours(2)).await;
    let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
    let mut socket = Socket::open(&admin, Some(0)).await;
    for _ in 0..2 {
        assert_eq!(told(&mut socket, "call.completed").await["data"]["outcome"], "lost");
    }
    let over = shown(&admin, &talked).await;
    assert_eq!((&over["status"], &over["outcome"]), (&json!("ended"), &json!("lost")));
    assert_eq!(over["talk_s"], 0, "silence is no conversation");
    assert_eq!(status_of(&admin, &agents[0]).await, "available");
    assert_eq!(shown(&admin, &rang).await["status"], "missed");
    assert_eq!(shown(&admin, &recent).await["status"], "queued");
    let entries = admin.all("/api/v1/compliance/audit-logs?action=end&resource=call").await;
    assert_eq!(entries.iter().filter(|entry| entry["detail"]["outcome"] == "lost").count(), 2);
    // Whoever knows better says so; nobody says by hand what the product itself says.
    let lost = json!({"outcome": "lost"});
    assert_eq!(step(&admin, &talked, "disposition", &lost).await.problem(422), "invalid");
    let known = step(&admin, &talked, "disposition", &json!({"outcome": "interested"})).await.expect(200);
    assert_eq!(known["outcome"], "interested");
    app.process.stop().await;
}
