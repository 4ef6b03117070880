//! Routing by what agents can do and when they work.

use chrono::Datelike;
use domain::ctx::Clock;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};

use crate::{
    leads::import,
    routing::rules::{ROUTE, RULES, id, lead, put, rule, set_status},
    routing::team,
};

/// Routes a new lead of no kind; answers what became of it.
async fn routed(client: &Client, asked: &Value) -> Value {
    let mut asked = asked.clone();
    asked["lead_id"] = lead(client, &json!({})).await;
    client.post(ROUTE, &asked).await.expect(200)
}

/// How often queues were to be swept: each time is told by its job, before the job has done anything.
async fn sweeps(client: &Client) -> usize {
    client.all("/api/v1/jobs?kind=sweep_team").await.len()
}

/// Puts one of an agent's lists: `skills` or `shifts`.
async fn put_list(client: &Client, agent: &Value, name: &str, list: &Value) {
    let path = format!("/api/v1/agents/{}/{name}", agent.as_str().expect("an id"));
    put(client, &path, &json!({ name: list })).await.expect(200);
}

#[tokio::test]
async fn a_skill_is_asked_for_by_its_level_and_waits_for_whoever_learns_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 3, 2).await;
    let french = admin.post("/api/v1/skills", &json!({"name": "French"})).await.expect(201)["id"].clone();
    for (agent, level) in [(&agents[0], 2), (&agents[1], 4)] {
        put_list(admin, agent, "skills", &json!([{"skill_id": french, "level": level}])).await;
    }
    let spec =
        json!({"name": "French", "strategy": "skill", "team_id": sales, "skill_id": french, "min_level": 3});
    let french_first = rule(admin, &spec).await;
    let mut socket = Socket::open(admin, None).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(routed(admin, &json!({})).await);
    }
    for given in &seen[..2] {
        assert_eq!((&given["owner_id"], &given["rule_id"]), (&agents[1], &french_first["id"]));
        socket.until("lead.assigned").await;
    }
    assert_eq!(
        (&seen[2]["outcome"], &seen[2]["team_id"]),
        (&json!("queued"), &sales),
        "the others have room"
    );

    put_list(admin, &agents[0], "skills", &json!([{"skill_id": french, "level": 3}])).await;
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", seen[2]["lead_id"].as_str().expect("an id")));
    assert_eq!(told["data"]["owner_id"], agents[0]);

    // What a rule asks for stays; what waits for a skill that goes waits for anybody.
    let skill = format!("/api/v1/skills/{}", french.as_str().expect("an id"));
    assert_eq!(admin.delete(&skill).await.problem(409), "skill-in-use");
    put_list(admin, &agents[0], "skills", &json!([])).await;
    let waits = routed(admin, &json!({})).await;
    assert_eq!(waits["outcome"], "queued");
    for agent in &agents {
        set_status(admin, agent, "break").await;
    }
    admin.delete(&format!("{RULES}/{}", id(&french_first))).await.expect(204);
    admin.delete(&skill).await.expect(204);
    set_status(admin, &agents[2], "available").await;
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", waits["lead_id"].as_str().expect("an id")));
    assert_eq!(told["data"]["owner_id"], agents[2]);
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_off_shift_is_given_nothing_until_they_work() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 2, 5).await;
    // A day that is today in no zone.
    let far = (app.clock.now().weekday().num_days_from_sunday() + 3) % 7;
    let shift = json!([{"weekday": far, "starts": "09:00", "ends": "17:00"}]);
    put_list(admin, &agents[0], "shifts", &shift).await;
    let asked = json!({"strategy": "round_robin", "team_id": sales});
    let mut socket = Socket::open(admin, None).await;
    for _ in 0..2 {
        assert_eq!(routed(admin, &asked).await["owner_id"], agents[1]);
        socket.until("lead.assigned").await;
    }
    put_list(admin, &agents[1], "shifts", &shift).await;
    let waits = routed(admin, &asked).await;
    assert_eq!((&waits["outcome"], &waits["owner_id"]), (&json!("queued"), &Value::Null));

    put_list(admin, &agents[0], "shifts", &json!([])).await;
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", waits["lead_id"].as_str().expect("an id")));
    assert_eq!(told["data"]["owner_id"], agents[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_skill_that_is_gone_keeps_no_lead_waiting() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 5).await;
    let skill = async |name: &str| {
        admin.post("/api/v1/skills", &json!({ "name": name })).await.expect(201)["id"].clone()
    };
    let (french, greek) = (skill("French").await, skill("Greek").await);
    let asked = json!({"strategy": "skill", "team_id": sales, "skill_id": french, "min_level": 2});
    let waits = routed(admin, &asked).await;
    assert_eq!(waits["outcome"], "queued");
    let queue = format!("/api/v1/automation/queues/{}/leads", sales.as_str().expect("an id"));
    let place = admin.all(&queue).await[0].clone();
    assert_eq!((&place["skill_id"], &place["min_level"]), (&french, &json!(2)));
    // As if it had gone while the lead was on its way into the queue.
    let mut conn = app.database.connect_as("switchboard_system").await;
    sqlx::query("delete from skills where id = $1")
        .bind(uuid::Uuid::try_parse(french.as_str().expect("an id")).expect("an id"))
        .execute(&mut conn)
        .await
        .expect("the skill is gone");
    let place = admin.all(&queue).await[0].clone();
    assert_eq!((&place["id"], &place["strategy"]), (&waits["lead_id"], &json!("skill")));
    assert_eq!((&place["skill_id"], &place["min_level"]), (&Value::Null, &Value::Null), "anybody will do");
    let mut socket = Socket::open(admin, None).await;
    set_status(admin, &agents[0], "break").await;
    set_status(admin, &agents[0], "available").await;
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", waits["lead_id"].as_str().expect("an id")));

    // A job that names a skill which goes before it runs puts nothing into a queue.
    let left = lead(admin, &json!({})).await;
    let queue = "/api/v1/queues/automation";
    admin.post(&format!("{queue}/pause"), &json!({})).await.expect(204);
    let all = json!({"all": true, "strategy": "skill", "team_id": sales, "skill_id": greek});
    let operation = admin.post(ROUTE, &all).await;
    admin.delete(&format!("/api/v1/skills/{}", greek.as_str().expect("an id"))).await.expect(204);
    admin.post(&format!("{queue}/resume"), &json!({})).await.expect(204);
    assert_eq!(admin.ended(operation).await["status"], "failed");
    let left = admin.get(&format!("/api/v1/leads/{}", left.as_str().expect("an id"))).await.expect(200);
    assert_eq!((&left["owner_id"], &left["team_id"]), (&Value::Null, &Value::Null));
    app.process.stop().await;
}

#[tokio::test]
async fn what_may_go_to_anybody_at_last_is_given_out_at_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ((north, _), (south, southern)) =
        (team(admin, "north", 1, 5).await, team(admin, "south", 1, 5).await);
    let french = admin.post("/api/v1/skills", &json!({"name": "French"})).await.expect(201)["id"].clone();
    let mut waits = Vec::new();
    for team in [&north, &south] {
        let asked = json!({"strategy": "skill", "team_id": team, "skill_id": french});
        let routed = routed(admin, &asked).await;
        assert_eq!(routed["outcome"], "queued");
        waits.push(routed["lead_id"].clone());
    }
    let mut socket = Socket::open(admin, None).await;
    let asked = json!({"lead_id": waits[0], "strategy": "team", "team_id": north});
    assert_eq!(admin.post(ROUTE, &asked).await.expect(200)["outcome"], "queued", "it stays where it is");
    let before = sweeps(admin).await;
    assert!(before > 0);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", waits[0].as_str().expect("an id")));

    admin.delete(&format!("/api/v1/skills/{}", french.as_str().expect("an id"))).await.expect(204);
    assert!(sweeps(admin).await > before);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", waits[1].as_str().expect("an id")));
    assert_eq!(told["data"]["owner_id"], southern[0]);
    app.process.stop().await;
}

#[tokio::test]
async fn leads_that_are_made_in_a_team_are_given_out() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 2, 5).await;
    set_status(admin, &agents[1], "break").await;
    let rights =
        ["leads:read", "leads:create", "leads:import", "imports:read", "agents:read", "personal:read"];
    let role = json!({"name": "Lead", "permissions": rights, "scope": "team"});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let user = json!({"name": "L", "email": "lead@acme.example.com", "password": PASSWORD, "role": "Lead"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    let own = format!("/api/v1/agents/{}", agents[1].as_str().expect("an id"));
    admin.patch(&own, &json!({"user_id": user["id"]})).await.expect(200);
    let client = admin.anonymous().login("acme", "lead@acme.example.com", PASSWORD).await;
    let mut socket = Socket::open(admin, None).await;
    let made = lead(&client, &json!({})).await;
    assert!(sweeps(admin).await > 0);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", made.as_str().expect("an id")));
    import(&client, "email\na@example.com\n").await.expect(201);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!((&told["data"]["owner_id"], &told["data"]["team_id"]), (&agents[0], &sales));
    app.process.stop().await;
}
