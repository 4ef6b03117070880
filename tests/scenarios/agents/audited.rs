//! What agents are doing, as the audit log has it: every change of it once, by whoever caused it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{
    agents::at,
    call_webhook::Pbx,
    calls::{NUMBER, begun, set, step},
    routing::team,
};

const LOG: &str = "/api/v1/compliance/audit-logs?resource=agent";

/// What was done with an agent since they were made: the action, its detail and who did it, the oldest first.
async fn written(client: &Client, agent: &Value) -> Vec<(Value, Value, Value)> {
    let entries = client.all(&format!("{LOG}&resource_id={}", agent.as_str().expect("an id"))).await;
    let what =
        |entry: &Value| (entry["action"].clone(), entry["detail"].clone(), entry["actor_kind"].clone());
    entries.iter().rev().map(what).filter(|(action, ..)| action != "create").collect()
}

/// Waits until it is told that somebody's status has changed for this reason.
async fn heard(socket: &mut Socket, why: &str) {
    while socket.until("agent.status").await.pop().expect("an event")["data"]["why"] != why {}
}

/// A change of status, as it is to be written down.
fn became(status: &str, why: &str, by: &str) -> (Value, Value, Value) {
    (json!("update"), json!({"status": status, "why": why}), json!(by))
}

#[tokio::test]
async fn each_status_is_written_down_once_by_whoever_caused_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 10).await;
    let agent = &agents[0];
    admin.patch(&at("/api/v1/teams", &team), &json!({"wrap_up_s": 60})).await.expect(200);
    let call = json!({"direction": "outbound", "number": NUMBER, "agent_id": agent});
    let path = begun(admin, &call).await;
    step(admin, &path, "ring", &json!({})).await.expect(200);
    assert!(written(admin, agent).await.is_empty(), "a call that rings changes nothing");
    step(admin, &path, "answer", &json!({})).await.expect(200);
    step(admin, &path, "end", &json!({})).await.expect(200);
    let mut socket = Socket::open(admin, None).await;
    app.advance(TimeDelta::seconds(61)).await;
    heard(&mut socket, "wrap_up_over").await;
    // What is there already changes nothing, and what is refused neither.
    for status in ["break", "break", "available"] {
        set(admin, agent, status).await.expect(200);
    }
    assert_eq!(set(admin, agent, "on_call").await.problem(422), "invalid");
    admin.patch(&at("/api/v1/agents", agent), &json!({"status": "offline", "weight": 2})).await.expect(200);
    let mut wanted = vec![
        became("on_call", "call_answered", "user"),
        became("wrap_up", "call_ended", "user"),
        became("available", "wrap_up_over", "system"),
        became("break", "by_hand", "user"),
        became("available", "by_hand", "user"),
        (json!("update"), json!({}), json!("user")),
        became("offline", "by_hand", "user"),
    ];
    assert_eq!(written(admin, agent).await, wanted);

    set(admin, agent, "available").await.expect(200);
    admin.delete(&at("/api/v1/agents", agent)).await.expect(204);
    wanted.push(became("available", "by_hand", "user"));
    wanted.push(became("offline", "deleted", "user"));
    wanted.push((json!("delete"), json!({}), json!("user")));
    assert_eq!(written(admin, agent).await, wanted);
    assert!(app.other.admin.all(LOG).await.is_empty());
    app.process.stop().await;
}

#[tokio::test]
async fn what_a_phone_system_tells_and_what_time_brings_is_the_products_own_doing() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let pbx = Pbx::new(admin).await;
    pbx.tell(&app, "m-1", "call.answered", json!({"agent_id": agents[0]})).await;
    app.advance(TimeDelta::seconds(1)).await;
    pbx.tell(&app, "m-2", "call.answered", json!({"agent_id": agents[1]})).await;
    pbx.tell(&app, "m-3", "call.ended", json!({})).await;
    // The same once more changes nothing.
    pbx.tell(&app, "m-3", "call.ended", json!({})).await;
    for agent in &agents {
        let wanted =
            [became("on_call", "call_answered", "system"), became("available", "call_ended", "system")];
        assert_eq!(written(admin, agent).await, wanted, "the first was put through to the second");
    }

    // Three calls ring in vain at the only one who is there.
    set(admin, &agents[1], "offline").await.expect(200);
    admin.patch(&at("/api/v1/teams", &team), &json!({"ring_s": 10})).await.expect(200);
    let mut socket = Socket::open(admin, None).await;
    for _ in 0..3 {
        begun(admin, &json!({"direction": "inbound", "number": NUMBER, "team_id": team})).await;
        app.advance(TimeDelta::seconds(11)).await;
        socket.until("call.rerouted").await;
    }
    heard(&mut socket, "not_answering").await;
    let last = written(admin, &agents[0]).await.pop();
    assert_eq!(last, Some(became("break", "not_answering", "system")), "though a user began the calls");
    app.process.stop().await;
}
