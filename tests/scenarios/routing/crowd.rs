//! Many leads at once: fair, never past capacity, nobody who is away, nothing lost.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{
    leads::import,
    routing::{held, team},
};

const AGENTS: usize = 20;
/// Requests under way at a time.
const AT_ONCE: usize = 100;

async fn leads(client: &Client, count: usize) -> Vec<Value> {
    let file: String = (0..count).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    import(client, file).await.expect(201);
    client.all("/api/v1/leads").await
}

/// Routes all of them in turn of the team; answers what became of each.
async fn route(client: &Client, leads: &[Value], team: &Value) -> Vec<Value> {
    let one = |lead: &Value| {
        let body = json!({"lead_id": lead["id"], "strategy": "round_robin", "team_id": team});
        async move { client.post("/api/v1/automation/leads/route", &body).await.expect(200) }
    };
    stream::iter(leads).map(one).buffer_unordered(AT_ONCE).collect().await
}

#[tokio::test]
async fn a_thousand_routes_over_twenty_agents_are_fair_and_each_lead_goes_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", AGENTS, 51).await;
    let leads = leads(admin, 1_030).await;

    let routed = route(admin, &leads[..1_010], &team).await;
    assert!(routed.iter().all(|routed| routed["outcome"] == "assigned"));
    let held_now = held(admin).await;
    let counts: Vec<usize> = agents.iter().map(|agent| held_now[agent]).collect();
    assert!(counts.iter().max().expect("some") - counts.iter().min().expect("some") <= 1, "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 1_010);

    let rest = route(admin, &leads[1_010..], &team).await;
    assert_eq!(rest.iter().filter(|routed| routed["outcome"] == "assigned").count(), 10);
    let held_now = held(admin).await;
    assert!(agents.iter().all(|agent| held_now[agent] == 51), "{held_now:?}");
    assert_eq!(held_now[&Value::Null], 10, "who finds nobody waits");

    let again = route(admin, &leads[..100], &team).await;
    let owned = again.iter().filter(|routed| routed["outcome"] == "unchanged").count();
    let waits = again.iter().filter(|routed| routed["outcome"] == "queued").count();
    assert_eq!(owned + waits, 100, "routing twice is harmless");
    assert_eq!(held(admin).await, held_now);
    app.process.stop().await;
}

#[tokio::test]
async fn agents_who_come_and_go_are_given_nothing_while_they_are_away_and_nothing_is_dropped() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", AGENTS, 45).await;
    let leads = leads(admin, 1_000).await;
    let mut socket = Socket::open(admin, Some(0)).await;

    let set = async |agent: &Value, status: &str| {
        let path = format!("/api/v1/agents/{}", agent.as_str().expect("an id"));
        admin.patch(&path, &json!({ "status": status })).await.expect(200);
    };
    // The numbers of a linear congruential generator: the same in each run.
    let coming_and_going = async {
        let mut dice: u64 = 6;
        for _ in 0..300 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let agent = usize::try_from((dice >> 33) % 20).expect("small");
            set(&agents[agent], if (dice >> 53).is_multiple_of(3) { "available" } else { "break" }).await;
        }
        // All are back in the end, each of them after having been away.
        for agent in &agents {
            set(agent, "break").await;
            set(agent, "available").await;
        }
    };
    let (routed, ()) = tokio::join!(route(admin, &leads, &team), coming_and_going);
    assert_eq!(routed.len(), 1_000);

    // What the log tells, in the order in which it happened.
    let mut away: HashSet<String> = HashSet::new();
    let mut given: HashMap<String, usize> = HashMap::new();
    let mut told: HashSet<String> = HashSet::new();
    while told.len() < AGENTS * 45 {
        let event = socket.event().await;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        match event["type"].as_str().expect("a type") {
            "switchboard.agent.status.v1" => {
                let agent = text(&event["subject"]).replace("agent:", "");
                if event["data"]["to"] == "available" {
                    away.remove(&agent)
                } else {
                    away.insert(agent)
                };
            }
            "switchboard.lead.assigned.v1" => {
                let owner = text(&event["data"]["owner_id"]);
                assert!(!away.contains(&owner), "{owner} is away and is given {event}");
                *given.entry(owner).or_default() += 1;
                assert!(told.insert(text(&event["subject"])), "given out twice: {event}");
            }
            _ => {}
        }
    }
    assert!(agents.iter().all(|agent| given[agent.as_str().expect("an id")] == 45), "{given:?}");
    let held_now = held(admin).await;
    assert!(agents.iter().all(|agent| held_now[agent] == 45), "{held_now:?}");
    assert_eq!(held_now[&Value::Null], 100, "the others wait, for all hands are full");
    let queues = admin.all("/api/v1/automation/queues").await;
    assert_eq!((&queues[0]["id"], &queues[0]["waiting"]), (&team, &json!(100)));
    app.process.stop().await;
}
