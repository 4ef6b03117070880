//! Points, and what comes of points.
//!
//! - [`points`] what deeds are worth, caps, what is taken back; [`boards`] who leads
//! - [`challenges`], [`competitions`], [`badges`], [`rewards`] as their names say; [`ends`] where games begin and end;
//!   [`undone`] what is taken back; [`rights`] who may do what

mod badges;
mod boards;
mod challenges;
mod competitions;
mod ends;
mod points;
mod rewards;
mod rights;
mod undone;

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client};

use crate::calls::{NUMBER, begun, step};
pub use crate::{onboarding::until, sessions::again};

/// Where something of this part is.
pub fn game(path: &str) -> String {
    format!("/api/v1/gamification-advanced/{path}")
}

/// Has nothing closed, until it is to go on: a test is in no hurry.
pub async fn hold(client: &Client, is_held: bool) {
    let what = if is_held { "pause" } else { "resume" };
    let answer = client.post(&format!("/api/v1/queues/automation/{what}"), &json!({})).await;
    assert!([200, 204].contains(&answer.status), "{}", answer.body);
}

/// Makes something, and answers its id.
pub async fn made(client: &Client, path: &str, body: &Value) -> Value {
    client.post(&game(path), body).await.expect(201)["id"].clone()
}

pub async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PUT, &game(path)).json(body)).await
}

/// A rule that gives so many points for a deed.
pub async fn rule(client: &Client, deed: &str, points: i64) -> Value {
    made(client, "rules", &json!({"name": format!("{deed} {points}"), "deed": deed, "points": points})).await
}

/// How an agent stands.
pub async fn standing(client: &Client, agent: &Value) -> Value {
    let path = game(&format!("stats?agent_id={}", agent.as_str().expect("an id")));
    client.get(&path).await.expect(200)["agent"].clone()
}

/// Waits until an agent has ever earned so many points.
pub async fn has(client: &Client, agent: &Value, points: i64) -> Value {
    let path = game(&format!("stats?agent_id={}", agent.as_str().expect("an id")));
    until(client, &path, |stats| stats["agent"]["lifetime_points"] == points).await["agent"].clone()
}

/// Gives points by hand.
pub async fn give(client: &Client, agent: &Value, points: i64) -> Value {
    let body = json!({"agent_id": agent, "points": points, "reason": "recognition"});
    client.post(&game("points"), &body).await.expect(201)
}

/// The same for what was at an instant.
pub async fn give_at(client: &Client, agent: &Value, points: i64, at: &str) -> Value {
    let body = json!({"agent_id": agent, "points": points, "reason": "recognition", "occurred_at": at});
    client.post(&game("points"), &body).await.expect(201)
}

/// An agent has a call that came to this; answers the call's id.
pub async fn call(client: &Client, agent: &Value, outcome: &Value) -> String {
    let path = begun(client, &json!({"direction": "outbound", "number": NUMBER, "agent_id": agent})).await;
    step(client, &path, "answer", &json!({})).await.expect(200);
    step(client, &path, "end", outcome).await.expect(200);
    path.rsplit('/').next().expect("an id").to_owned()
}

/// A lead of an agent.
pub async fn lead_of(client: &Client, agent: &Value) -> Value {
    let lead = crate::routing::rules::lead(client, &json!({})).await;
    let path = "/api/v1/automation/leads/route";
    let route = json!({"lead_id": lead, "strategy": "direct", "agent_id": agent});
    assert_eq!(client.post(path, &route).await.expect(200)["outcome"], "assigned");
    lead
}

pub async fn becomes(client: &Client, lead: &Value, status: &str) {
    let path = format!("/api/v1/leads/{}", lead.as_str().expect("an id"));
    client.patch(&path, &json!({ "status": status })).await.expect(200);
}

/// A path below something of an id.
pub fn of(what: &str, id: &Value, below: &str) -> String {
    game(&format!("{what}/{}{below}", id.as_str().expect("an id")))
}
