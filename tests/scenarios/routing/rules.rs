//! Routing rules: kept in order, decided by, previewed, and what waits because of them.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::routing::team;

pub const RULES: &str = "/api/v1/automation/routing-rules";
pub const ROUTE: &str = "/api/v1/automation/leads/route";
const PREVIEW: &str = "/api/v1/automation/leads/route/preview";
const QUEUES: &str = "/api/v1/automation/queues";

pub fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

pub async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PUT, path).json(body)).await
}

pub async fn rule(client: &Client, rule: &Value) -> Value {
    client.post(RULES, rule).await.expect(201)
}

pub async fn lead(client: &Client, fields: &Value) -> Value {
    let mut lead = json!({"email": format!("{}@example.com", uuid::Uuid::now_v7().simple())});
    lead.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    client.post("/api/v1/leads", &lead).await.expect(201)["id"].clone()
}

pub async fn set_status(client: &Client, agent: &Value, status: &str) {
    let path = format!("/api/v1/agents/{}", agent.as_str().expect("an id"));
    client.patch(&path, &json!({ "status": status })).await.expect(200);
}

#[tokio::test]
async fn rules_are_made_changed_by_version_ordered_and_deleted() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 5).await;
    let spec = |name: &str| json!({"name": name, "strategy": "longest_idle", "team_id": sales});
    let (first, second) = (rule(admin, &spec("first")).await, rule(admin, &spec("second")).await);
    assert_eq!((&first["version"], &first["enabled"]), (&json!(1), &json!(true)));
    assert_eq!(first["fallback"], json!({"to": "queue"}));
    let path = format!("{RULES}/{}", id(&first));
    let mut next = spec("first");
    next["conditions"] = json!({"source": ["referral"], "hours": {"from": "09:00", "to": "17:30"}});
    next["fallback"] = json!({"to": "team", "team_id": sales});
    assert_eq!(put(admin, &path, &next).await.problem(422), "invalid", "which version?");
    next["version"] = json!(1);
    let changed = put(admin, &path, &next).await.expect(200);
    assert_eq!((&changed["version"], &changed["fallback"]), (&json!(2), &next["fallback"]));
    assert_eq!(changed["conditions"]["hours"]["to"], "17:30");
    assert_eq!(put(admin, &path, &next).await.problem(409), "version-changed");
    assert_eq!(admin.get(&path).await.expect(200), changed);

    let order = format!("{RULES}/order");
    let half = json!({"rule_ids": [first["id"]]});
    assert_eq!(put(admin, &order, &half).await.problem(422), "invalid");
    let turned = json!({"rule_ids": [second["id"], first["id"]]});
    put(admin, &order, &turned).await.expect(200);
    let names: Vec<Value> = admin.all(RULES).await.iter().map(|rule| rule["name"].clone()).collect();
    assert_eq!(names, ["second", "first"]);
    let page = admin.get(&format!("{RULES}?limit=1")).await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let page = admin.get(&format!("{RULES}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(page["items"][0]["id"], first["id"]);

    let nobody = "00000000-0000-7000-8000-000000000000";
    for (body, pointer) in [
        (json!({"name": "x", "strategy": "round_robin"}), "/team_id"),
        (json!({"name": "x", "strategy": "direct", "agent_id": nobody}), "/agent_id"),
        (json!({"name": "x", "strategy": "direct", "agent_id": agents[0], "team_id": sales}), "/agent_id"),
        (json!({"name": "x", "strategy": "skill", "team_id": sales}), "/skill_id"),
        (json!({"name": "x", "strategy": "team", "team_id": sales, "min_level": 3}), "/min_level"),
        (json!({"name": "x", "strategy": "team", "team_id": sales, "version": 1}), "/version"),
        (
            json!({"name": "x", "strategy": "team", "team_id": sales, "conditions": {"score": {"min": 101}}}),
            "/conditions/score",
        ),
        (
            json!({"name": "x", "strategy": "team", "team_id": sales, "fallback": {"to": "team", "team_id": nobody}}),
            "/fallback/team_id",
        ),
    ] {
        let answer = admin.post(RULES, &body).await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}: {}", answer.body);
        assert_eq!(answer.problem(422), "invalid");
    }
    assert_eq!(app.other.admin.get(&path).await.problem(404), "not-found");
    assert!(app.other.admin.all(RULES).await.is_empty());
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.all(RULES).await.len(), 2);
    assert_eq!(supervisor.post(RULES, &spec("mine")).await.problem(403), "permission-missing");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn the_first_rule_that_fits_decides_and_a_preview_says_the_same_before() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, northern) = team(admin, "north", 2, 2).await;
    let (south, southern) = team(admin, "south", 1, 1).await;
    let named = rule(
        admin,
        &json!({"name": "named", "strategy": "direct", "agent_id": southern[0],
            "conditions": {"tags": ["vip"]}, "fallback": {"to": "next_rule"}}),
    )
    .await;
    let german = rule(
        admin,
        &json!({"name": "German", "strategy": "least_loaded", "team_id": north, "conditions": {"language": ["de"]}}),
    )
    .await;
    let off = json!({"name": "off", "strategy": "team", "team_id": south, "enabled": false});
    rule(admin, &off).await;

    let vip = json!({"tags": ["vip"], "language": "de-AT"});
    let mut seen = Vec::new();
    let plain = json!({"language": "de"});
    for fields in [&vip, &vip, &plain, &plain, &vip, &plain] {
        let lead = lead(admin, fields).await;
        let before = admin.all("/api/v1/leads").await;
        let preview = admin.post(PREVIEW, &json!({"lead_id": lead})).await.expect(200);
        assert_eq!(admin.all("/api/v1/leads").await, before, "a preview writes nothing");
        assert!(!preview["steps"].as_array().expect("steps").is_empty());
        let routed = admin.post(ROUTE, &json!({"lead_id": lead})).await.expect(200);
        for field in ["lead_id", "outcome", "owner_id", "team_id", "rule_id"] {
            assert_eq!(preview[field], routed[field], "{field}: {preview}");
        }
        seen.push((routed["outcome"].clone(), routed["owner_id"].clone(), routed["rule_id"].clone()));
    }
    let to = |agent: &Value, rule: &Value| (json!("assigned"), agent.clone(), rule["id"].clone());
    assert_eq!(seen[0], to(&southern[0], &named));
    assert_eq!(seen[1], to(&northern[0], &german), "the named agent is full: the next rule decides");
    assert_eq!(seen[2], to(&northern[1], &german));
    assert_eq!(seen[3], to(&northern[0], &german));
    assert_eq!(seen[4], to(&northern[1], &german));
    assert_eq!(seen[5], (json!("queued"), Value::Null, german["id"].clone()));

    // Nothing fits: it stays as it is, and whoever looks is told why.
    let other = lead(admin, &json!({"language": "fr"})).await;
    let preview = admin.post(PREVIEW, &json!({"lead_id": other})).await.expect(200);
    let because: Vec<&Value> =
        preview["steps"].as_array().expect("steps").iter().map(|step| &step["because"]).collect();
    assert_eq!(because, [&json!("unfit"), &json!("unfit"), &json!("no_rule")]);
    let routed = admin.post(ROUTE, &json!({"lead_id": other})).await.expect(200);
    assert_eq!((&routed["outcome"], &routed["team_id"]), (&json!("no_rule"), &Value::Null));
    let half = json!({"lead_id": other, "team_id": south});
    assert_eq!(admin.post(ROUTE, &half).await.problem(422), "invalid");
    assert_eq!(app.other.admin.post(PREVIEW, &json!({"lead_id": other})).await.problem(404), "not-found");

    let figures = admin.get("/api/v1/automation/metrics").await.expect(200);
    let counted = |outcome: &str, rule: &Value| {
        let all = figures["routings"].as_array().expect("routings");
        let found = all.iter().find(|row| row["outcome"] == outcome && row["rule_id"] == rule["id"]);
        found.map_or(0, |row| row["count"].as_i64().expect("a count"))
    };
    assert_eq!((counted("assigned", &german), counted("queued", &german)), (4, 1));
    assert_eq!((counted("assigned", &named), counted("no_rule", &Value::Null)), (1, 1));
    assert_eq!((&figures["waiting"]["assigned"], &figures["waiting"]["p50_s"]), (&json!(5), &json!(0.0)));
    assert_eq!(figures["scores"].as_array().expect("tenths").len(), 10);
    assert_eq!(figures["scores"][0]["conversion"], Value::Null, "no lead has a score");
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.get("/api/v1/automation/metrics").await.problem(403), "beyond-your-rights");
    app.process.stop().await;
}

#[tokio::test]
async fn what_waits_is_given_out_oldest_first_when_agents_come_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 2).await;
    set_status(admin, &agents[0], "break").await;
    rule(admin, &json!({"name": "all", "strategy": "direct", "agent_id": agents[0]})).await;
    let mut leads = Vec::new();
    for _ in 0..3 {
        let lead = lead(admin, &json!({})).await;
        let routed = admin.post(ROUTE, &json!({"lead_id": lead})).await.expect(200);
        assert_eq!((&routed["outcome"], &routed["team_id"]), (&json!("queued"), &sales));
        leads.push(lead);
    }
    let queue = admin.all(QUEUES).await;
    assert_eq!((&queue[0]["id"], &queue[0]["waiting"], &queue[0]["overdue"]), (&sales, &json!(3), &json!(0)));
    let path = format!("{QUEUES}/{}/leads", sales.as_str().expect("an id"));
    let page = admin.get(&format!("{path}?limit=2")).await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = admin.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"][0]["id"], leads[2]);

    let mut socket = Socket::open(admin, None).await;
    set_status(admin, &agents[0], "available").await;
    for lead in &leads[..2] {
        let told = socket.until("lead.assigned").await.pop().expect("an event");
        assert_eq!(told["subject"], format!("lead:{}", lead.as_str().expect("an id")));
        assert_eq!(told["data"]["owner_id"], agents[0]);
    }
    assert_eq!(admin.all(&path).await.len(), 1, "the agent's hands are full");
    let more = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.patch(&more, &json!({"capacity": 3})).await.expect(200);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", leads[2].as_str().expect("an id")));
    app.process.stop().await;
}

#[tokio::test]
async fn a_queue_that_is_asked_for_is_served_and_a_deleted_lead_makes_room() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (sales, agents) = team(admin, "sales", 1, 1).await;
    let mut socket = Socket::open(admin, None).await;
    let (first, second) = (lead(admin, &json!({})).await, lead(admin, &json!({})).await);
    for lead in [&first, &second] {
        let asked = json!({"lead_id": lead, "strategy": "team", "team_id": sales});
        assert_eq!(admin.post(ROUTE, &asked).await.expect(200)["outcome"], "queued");
    }
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", first.as_str().expect("an id")));
    assert_eq!(told["data"]["owner_id"], agents[0]);
    admin.delete(&format!("/api/v1/leads/{}", first.as_str().expect("an id"))).await.expect(204);
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", second.as_str().expect("an id")));
    app.process.stop().await;
}

#[tokio::test]
async fn what_waits_too_long_is_told_once_and_moves_on() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, northern) = team(admin, "north", 1, 5).await;
    let (south, southern) = team(admin, "south", 1, 1).await;
    set_status(admin, &northern[0], "break").await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    for (from, to) in [(&north, &south), (&south, &north)] {
        let uuid = |value: &Value| uuid::Uuid::try_parse(value.as_str().expect("an id")).expect("an id");
        sqlx::query(
            "update teams set sla_s = 60, overflow_team_id = $2, overflow_after_s = 120 where id = $1",
        )
        .bind(uuid(from))
        .bind(uuid(to))
        .execute(&mut conn)
        .await
        .expect("the team is changed");
    }
    let mut socket = Socket::open(admin, None).await;
    let mut leads = Vec::new();
    for _ in 0..2 {
        let lead = lead(admin, &json!({})).await;
        let asked = json!({"lead_id": lead, "strategy": "round_robin", "team_id": north});
        assert_eq!(admin.post(ROUTE, &asked).await.expect(200)["outcome"], "queued");
        leads.push(lead);
    }
    app.advance(TimeDelta::seconds(90)).await;
    for _ in 0..2 {
        let told = socket.until("lead.overdue").await.pop().expect("an event");
        assert_eq!(told["data"], json!({"team_id": north}));
    }
    app.advance(TimeDelta::seconds(90)).await;
    let told = socket.until("lead.assigned").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", leads[0].as_str().expect("an id")), "the oldest first");
    assert_eq!((&told["data"]["owner_id"], &told["data"]["team_id"]), (&southern[0], &south));
    let path = format!("{QUEUES}/{}/leads", south.as_str().expect("an id"));
    let there = admin.all(&path).await;
    assert_eq!(there.len(), 1, "the other one waits there, since it began to wait");
    assert_eq!(there[0]["id"], leads[1]);
    assert!(there[0]["waiting_since"].as_str() < there[0]["entered_at"].as_str(), "{}", there[0]);

    // It has been in the north: it does not go back, and it is not told again that it waits.
    app.advance(TimeDelta::seconds(130)).await;
    let mark = lead(admin, &json!({})).await;
    let asked = json!({"lead_id": mark, "strategy": "round_robin", "team_id": north});
    admin.post(ROUTE, &asked).await.expect(200);
    app.advance(TimeDelta::seconds(90)).await;
    let told = socket.until("lead.overdue").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("lead:{}", mark.as_str().expect("an id")));
    let still = admin.all(&path).await;
    assert!(still.iter().any(|waiting| waiting["id"] == leads[1]), "{still:?}");
    app.process.stop().await;
}
