//! Routing: fair in the round, never past capacity, each lead once.

mod crowd;
mod people;
pub mod rules;

use std::collections::HashMap;

use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::leads::import;

pub async fn team(client: &Client, name: &str, agents: usize, capacity: i64) -> (Value, Vec<Value>) {
    let team = client.post("/api/v1/teams", &json!({"name": name})).await.expect(201)["id"].clone();
    let mut ids = Vec::new();
    for at in 0..agents {
        let agent = json!({"name": format!("Agent {at}"), "team_id": team, "status": "available", "capacity": capacity});
        ids.push(client.post("/api/v1/agents", &agent).await.expect(201)["id"].clone());
    }
    (team, ids)
}

/// How many leads each owner has; null are those without.
pub async fn held(client: &Client) -> HashMap<Value, usize> {
    let mut held = HashMap::new();
    for lead in client.all("/api/v1/leads").await {
        *held.entry(lead["owner_id"].clone()).or_default() += 1;
    }
    held
}

#[tokio::test]
async fn parallel_routes_are_fair_and_never_past_capacity() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 7, 20).await;
    let file: String = (0..150).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    import(admin, file).await.expect(201);
    let leads = admin.all("/api/v1/leads").await;
    let route = |lead: &Value| {
        let body = json!({"lead_id": lead["id"], "strategy": "round_robin", "team_id": team});
        let admin = admin.clone();
        async move { admin.post("/api/v1/automation/leads/route", &body).await.expect(200) }
    };
    // Each lead twice at once: routing twice is harmless.
    let twice = leads.iter().take(100).flat_map(|lead| [route(lead), route(lead)]);
    let routed = futures::future::join_all(twice).await;
    assert_eq!(routed.iter().filter(|routed| routed["outcome"] == "assigned").count(), 100);
    let held_now = held(admin).await;
    let counts: Vec<usize> = agents.iter().map(|agent| held_now[agent]).collect();
    assert!(counts.iter().max().expect("some") - counts.iter().min().expect("some") <= 1, "{counts:?}");

    let rest = futures::future::join_all(leads.iter().skip(100).map(route)).await;
    assert_eq!(
        rest.iter().filter(|routed| routed["outcome"] == "queued").count(),
        10,
        "7 × 20 hands are full"
    );
    let held_now = held(admin).await;
    assert!(agents.iter().all(|agent| held_now[agent] == 20), "{held_now:?}");
    assert_eq!(held_now[&Value::Null], 10);

    // A full agent is refused; a closed lead frees a hand, and the oldest of those that wait is given to it.
    let owned = admin.all(&format!("/api/v1/leads?owner_id={}", agents[0].as_str().expect("an id"))).await;
    let waiting = rest.iter().find(|routed| routed["outcome"] == "queued").expect("one")["lead_id"].clone();
    let direct = json!({"lead_id": waiting, "strategy": "direct", "agent_id": agents[0]});
    let full = admin.post("/api/v1/automation/leads/route", &direct).await;
    assert_eq!(full.problem(409), "agent-not-free");
    let closed = format!("/api/v1/leads/{}", owned[0]["id"].as_str().expect("an id"));
    let queue = format!("/api/v1/automation/queues/{}/leads", team.as_str().expect("an id"));
    let queued = admin.all(&queue).await;
    assert_eq!(queued.len(), 10);
    let mut socket = Socket::open(admin, None).await;
    admin.patch(&closed, &json!({"status": "converted"})).await.expect(200);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["data"]["owner_id"], agents[0]);
    assert_eq!(told["subject"], format!("lead:{}", queued[0]["id"].as_str().expect("an id")));
    assert_eq!(admin.all(&queue).await.len(), 9);
    let named = json!({"lead_id": queued[0]["id"], "strategy": "direct", "agent_id": agents[0]});
    let given = admin.post("/api/v1/automation/leads/route", &named).await.expect(200);
    assert_eq!((&given["outcome"], &given["owner_id"]), (&json!("unchanged"), &agents[0]));
    app.process.stop().await;
}

#[tokio::test]
async fn only_available_agents_are_given_leads_and_bad_targets_are_named() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let away = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    let user = json!({"name": "A", "email": "a@acme.example.com", "password": PASSWORD, "role": "Agent"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    admin.patch(&away, &json!({"user_id": user["id"]})).await.expect(200);
    let agent = admin.anonymous().login("acme", "a@acme.example.com", PASSWORD).await;
    agent.patch(&away, &json!({"status": "break"})).await.expect(200);
    assert_eq!(agent.patch(&away, &json!({"capacity": 99})).await.problem(403), "permission-missing");
    import(admin, "email\na@example.com\nb@example.com\n").await.expect(201);
    let all = json!({"all": true, "strategy": "round_robin", "team_id": team});
    let operation = admin.ended(admin.post("/api/v1/automation/leads/route", &all).await).await;
    assert_eq!(operation["result"], json!({"assigned": 2, "queued": 0, "left": 0}));
    assert_eq!(held(admin).await[&agents[1]], 2);
    let nobody = "00000000-0000-7000-8000-000000000000";
    let lead = admin.all("/api/v1/leads").await[0]["id"].clone();
    for (body, pointer) in [
        (json!({"lead_id": lead, "strategy": "round_robin"}), "/team_id"),
        (json!({"lead_id": lead, "strategy": "round_robin", "team_id": nobody}), "/team_id"),
        (json!({"lead_id": lead, "strategy": "direct", "agent_id": nobody}), "/agent_id"),
        (json!({"lead_id": lead, "strategy": "direct", "team_id": team}), "/agent_id"),
        (json!({"lead_id": lead, "strategy": "dice"}), "/strategy"),
    ] {
        let answer = admin.post("/api/v1/automation/leads/route", &body).await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(answer.problem(422), "invalid");
    }
    // Another tenant's team and agent are unknown here.
    let (theirs, _) = crate::routing::team(&app.other.admin, "sales", 1, 1).await;
    let foreign = json!({"lead_id": lead, "strategy": "team", "team_id": theirs});
    assert_eq!(admin.post("/api/v1/automation/leads/route", &foreign).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn open_leads_are_counted_without_walking_past_closed_ones() {
    let app = TestApp::start().await;
    let (_, agents) = team(&app.acme.admin, "sales", 1, 10).await;
    let agent = uuid::Uuid::try_parse(agents[0].as_str().expect("an id")).expect("an id");
    let mut conn = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "insert into leads (tenant_id, id, owner_id, team_id, status, source)
         select tenant_id, gen_random_uuid(), id, team_id, case when number <= 5 then 'new' else 'lost' end, 'manual'
           from agents, generate_series(1, 5000) as number where id = $1",
    )
    .bind(agent)
    .execute(&mut conn)
    .await
    .expect("leads");
    let plan: Vec<String> = sqlx::query_scalar(
        "explain select (select count(*) from leads l where l.tenant_id = a.tenant_id and l.owner_id = a.id
             and l.owner_id is not null and l.status not in ('converted', 'lost'))
           from agents a where a.id = $1",
    )
    .bind(agent)
    .fetch_all(&mut conn)
    .await
    .expect("a plan");
    assert!(plan.iter().any(|line| line.contains("leads_held_idx")), "{plan:#?}");
    let shown = app.acme.admin.get(&format!("/api/v1/agents/{agent}")).await.expect(200);
    assert_eq!(shown["open_leads"], 5);
    app.process.stop().await;
}

#[tokio::test]
async fn a_lead_that_is_routed_anew_takes_no_room_from_itself() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 1, 1).await;
    let lead = async |number: usize| {
        let lead = json!({"email": format!("l{number}@example.com")});
        admin.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
    };
    let (first, second) = (lead(1).await, lead(2).await);
    let direct =
        |lead: &Value| json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0], "reroute": true});
    let round = json!({"lead_id": first, "strategy": "round_robin", "team_id": team, "reroute": true});
    let path = "/api/v1/automation/leads/route";
    for asked in [direct(&first), direct(&first), round] {
        let routed = admin.post(path, &asked).await.expect(200);
        assert_eq!((&routed["outcome"], &routed["owner_id"]), (&json!("assigned"), &agents[0]), "{asked}");
    }
    assert_eq!(admin.post(path, &direct(&second)).await.problem(409), "agent-not-free");
    // A closed lead takes no room, so it gives none.
    let closed = format!("/api/v1/leads/{}", first.as_str().expect("an id"));
    admin.patch(&closed, &json!({"status": "lost"})).await.expect(200);
    admin.post(path, &direct(&second)).await.expect(200);
    assert_eq!(admin.post(path, &direct(&first)).await.problem(409), "agent-not-free");
    app.process.stop().await;
}
