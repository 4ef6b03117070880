//! Agents and teams: what they are doing, what they can do, when they work, and how they go.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use domain::ctx::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, PASSWORD, Socket, TestApp};
use tokio::time::{Duration, Instant, sleep};

use crate::routing::team;

const AGENTS: &str = "/api/v1/agents";
const TEAMS: &str = "/api/v1/teams";
const SKILLS: &str = "/api/v1/skills";
const LEADS: &str = "/api/v1/leads";
const ROUTE: &str = "/api/v1/automation/leads/route";
const RULES: &str = "/api/v1/automation/routing-rules";
const QUEUES: &str = "/api/v1/automation/queues";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PUT, path).json(body)).await
}

fn at(prefix: &str, id: &Value) -> String {
    format!("{prefix}/{}", id.as_str().expect("an id"))
}

async fn set(client: &Client, agent: &Value, status: &str) -> Answer {
    put(client, &format!("{}/status", at(AGENTS, agent)), &json!({ "status": status })).await
}

/// Looks again and again until all jobs of a kind have ended, and there are so many.
pub async fn ended(client: &Client, kind: &str, count: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let jobs = client.all(&format!("/api/v1/jobs?kind={kind}")).await;
        if jobs.len() == count && jobs.iter().all(|job| job["state"] == "completed") {
            return;
        }
        assert!(Instant::now() < until, "not {count} of {kind} have ended: {jobs:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A user with the role of an agent, linked to one.
pub async fn person(app: &TestApp, agent: &Value) -> Client {
    let admin = &app.acme.admin;
    let email = format!("p{}@acme.example.com", app.process.app.platform.chance.id());
    let user = json!({"name": "P", "email": email, "password": PASSWORD, "role": "Agent"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    admin.patch(&at(AGENTS, agent), &json!({"user_id": user["id"]})).await.expect(200);
    admin.anonymous().login("acme", &email, PASSWORD).await
}

fn pointer(answer: Answer) -> String {
    let pointer = answer.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.problem(422), "invalid");
    pointer
}

#[tokio::test]
async fn a_status_is_set_by_hand_and_told_but_calls_are_not() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let mut socket = Socket::open(admin, None).await;
    let before = admin.get(&at(AGENTS, &agents[0])).await.expect(200);
    assert_eq!((&before["is_free"], &before["on_shift"]), (&json!(true), &json!(true)));
    let resting = set(admin, &agents[0], "break").await.expect(200);
    assert_eq!((&resting["status"], &resting["is_free"]), (&json!("break"), &json!(false)));
    assert_ne!(resting["status_since"], before["status_since"]);
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["data"], json!({"from": "available", "to": "break", "why": "by_hand"}));
    assert_eq!(told["subject"], format!("agent:{}", agents[0].as_str().expect("an id")));
    let again = set(admin, &agents[0], "break").await.expect(200);
    assert_eq!(again["version"], resting["version"], "what is there already changes nothing");
    let back = set(admin, &agents[0], "available").await.expect(200);
    assert_ne!(back["idle_since"], before["idle_since"]);

    assert_eq!(pointer(set(admin, &agents[0], "on_call").await), "/status");
    assert_eq!(pointer(set(admin, &agents[0], "asleep").await), "/status");
    assert_eq!(set(admin, &json!(NOBODY), "break").await.problem(404), "not-found");
    assert_eq!(set(&app.other.admin, &agents[0], "break").await.problem(404), "not-found");
    for status in ["on_call", "wrap_up"] {
        let new = json!({"name": "a", "capacity": 1, "status": status});
        assert_eq!(pointer(admin.post(AGENTS, &new).await), "/status");
    }
    // Agents say it of themselves, and of nobody else.
    let own = person(&app, &agents[0]).await;
    set(&own, &agents[0], "break").await.expect(200);
    assert_eq!(set(&own, &agents[1], "break").await.problem(403), "beyond-your-rights");
    app.process.stop().await;
}

#[tokio::test]
async fn a_wrap_up_ends_by_itself_unless_something_else_has_begun() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let endless = set(admin, &agents[0], "wrap_up").await.expect(200);
    assert_eq!(endless["wrap_up_until"], Value::Null, "the team says nothing");
    set(admin, &agents[0], "available").await.expect(200);
    admin.patch(&at(TEAMS, &team), &json!({"wrap_up_s": 60})).await.expect(200);

    let mut socket = Socket::open(admin, None).await;
    for agent in &agents {
        let writing = set(admin, agent, "wrap_up").await.expect(200);
        assert!(writing["wrap_up_until"].is_string(), "{writing}");
        socket.until("agent.status").await;
    }
    // The second one rests, and writes up once more: only the later end counts for them.
    set(admin, &agents[1], "break").await.expect(200);
    app.advance(TimeDelta::seconds(30)).await;
    set(admin, &agents[1], "wrap_up").await.expect(200);
    for _ in 0..2 {
        socket.until("agent.status").await;
    }
    app.advance(TimeDelta::seconds(31)).await;
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("agent:{}", agents[0].as_str().expect("an id")));
    assert_eq!(told["data"], json!({"from": "wrap_up", "to": "available", "why": "wrap_up_over"}));
    let ready = admin.get(&at(AGENTS, &agents[0])).await.expect(200);
    assert_eq!((&ready["status"], &ready["wrap_up_until"]), (&json!("available"), &Value::Null));
    assert_eq!(admin.get(&at(AGENTS, &agents[1])).await.expect(200)["status"], "wrap_up");
    app.advance(TimeDelta::seconds(30)).await;
    let told = socket.until("agent.status").await.pop().expect("an event");
    assert_eq!(told["subject"], format!("agent:{}", agents[1].as_str().expect("an id")));
    ended(admin, "end_wrap_up", 3).await;
    assert_eq!(admin.get(&at(AGENTS, &agents[1])).await.expect(200)["status"], "available");
    app.process.stop().await;
}

#[tokio::test]
async fn agents_are_changed_and_found() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 2, 10).await;
    let (south, others) = team(admin, "south", 1, 10).await;
    let path = at(AGENTS, &agents[0]);
    let change = json!({"name": "Grace Hopper", "weight": 7, "zone": "Europe/Berlin", "capacity": 3});
    let changed = admin.patch(&path, &change).await.expect(200);
    for field in ["name", "weight", "zone", "capacity"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(admin.patch(&path, &json!({"zone": null})).await.expect(200)["zone"], Value::Null);
    for (wrong, place) in [
        (json!({"weight": 0}), "/weight"),
        (json!({"weight": 101}), "/weight"),
        (json!({"zone": "Mars/Olympus"}), "/zone"),
        (json!({"name": " "}), "/name"),
        (json!({"capacity": -1}), "/capacity"),
    ] {
        assert_eq!(pointer(admin.patch(&path, &wrong).await), place, "{wrong}");
    }
    let stale = json!({"weight": 2, "version": changed["version"]});
    assert_eq!(admin.patch(&path, &stale).await.problem(409), "version-changed");

    set(admin, &agents[1], "break").await.expect(200);
    let found = async |query: &str| {
        let mut ids: Vec<Value> =
            admin.all(&format!("{AGENTS}?{query}")).await.iter().map(|agent| agent["id"].clone()).collect();
        ids.sort_by_key(ToString::to_string);
        ids
    };
    let text = |id: &Value| id.as_str().expect("an id").to_owned();
    assert_eq!(found(&format!("team_id={}", text(&north))).await, agents);
    assert_eq!(found(&format!("team_id={}", text(&south))).await, others);
    assert_eq!(found("status=break").await, [agents[1].clone()]);
    assert!(found(&format!("team_id={}&status=break", text(&south))).await.is_empty());
    assert_eq!(admin.get(&format!("{AGENTS}?status=asleep")).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn skills_are_kept_given_and_taken_away() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 2, 10).await;
    let skill =
        async |name: &str| admin.post(SKILLS, &json!({ "name": name })).await.expect(201)["id"].clone();
    let (french, invoices) = (skill("French").await, skill("invoices").await);
    assert_eq!(admin.post(SKILLS, &json!({"name": "French"})).await.problem(409), "name-taken");
    let taken = put(admin, &at(SKILLS, &invoices), &json!({"name": "French"})).await;
    assert_eq!(taken.problem(409), "name-taken");
    let bills = put(admin, &at(SKILLS, &invoices), &json!({"name": "bills"})).await.expect(200);
    assert_eq!(bills["name"], "bills");

    let path = format!("{}/skills", at(AGENTS, &agents[0]));
    let level = |skill: &Value, level: i64| json!({"skill_id": skill, "level": level});
    let both = json!({"skills": [level(&french, 5), level(&invoices, 1)]});
    let given = put(admin, &path, &both).await.expect(200);
    assert_eq!(given["skills"].as_array().map(Vec::len), Some(2));
    assert_eq!(admin.get(&path).await.expect(200), given);
    assert_eq!(admin.get(&at(SKILLS, &french)).await.expect(200)["agents"], 1);
    let having = admin.all(&format!("{AGENTS}?skill_id={}", french.as_str().expect("an id"))).await;
    assert_eq!(having.iter().map(|agent| &agent["id"]).collect::<Vec<_>>(), [&agents[0]]);
    for (wrong, place) in [
        (vec![level(&french, 0)], "/skills/0/level"),
        (vec![level(&french, 1), level(&invoices, 6)], "/skills/1/level"),
        (vec![level(&french, 1), level(&french, 2)], "/skills/1/skill_id"),
        (vec![level(&json!(NOBODY), 1)], "/skills/0/skill_id"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "skills": wrong })).await), place);
    }
    assert_eq!(admin.get(&path).await.expect(200), given, "what was refused changed nothing");

    let own = person(&app, &agents[0]).await;
    assert_eq!(own.all(SKILLS).await.len(), 2);
    assert_eq!(put(&own, &path, &both).await.problem(403), "permission-missing");
    admin.delete(&at(SKILLS, &french)).await.expect(204);
    assert_eq!(admin.delete(&at(SKILLS, &french)).await.problem(404), "not-found");
    let left = admin.get(&path).await.expect(200);
    assert_eq!(left["skills"], json!([level(&invoices, 1)]));
    app.process.stop().await;
}

#[tokio::test]
async fn capacities_are_said_by_channel() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let path = format!("{}/capacities", at(AGENTS, &agents[0]));
    assert_eq!(admin.get(&path).await.expect(200), json!({"capacities": []}));
    let most = |channel: &str, most: i64| json!({"channel": channel, "most": most});
    let new = json!({"capacities": [most("email", 5), most("voice", 1)]});
    assert_eq!(put(admin, &path, &new).await.expect(200), new);
    assert_eq!(admin.get(&path).await.expect(200), new);
    for (wrong, place) in [
        (vec![most("voice", 1), most("voice", 2)], "/capacities/1/channel"),
        (vec![most("voice", -1)], "/capacities/0/most"),
        (vec![most("pigeon", 1)], "/capacities/0/channel"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "capacities": wrong })).await), place);
    }
    assert_eq!(put(admin, &path, &json!({"capacities": []})).await.expect(200), json!({"capacities": []}));
    app.process.stop().await;
}

/// The last Sunday of March, when Europe's clocks jump at 1:00 UTC, of the next year.
fn jump(now: DateTime<Utc>) -> DateTime<Utc> {
    let end = NaiveDate::from_ymd_opt(now.year() + 1, 3, 31).expect("a date");
    let sunday = end - TimeDelta::days(end.weekday().num_days_from_sunday().into());
    sunday.and_hms_opt(1, 0, 0).expect("a time").and_utc()
}

#[tokio::test]
async fn shifts_say_who_is_at_work_also_where_the_clock_jumps() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let agent = at(AGENTS, &agents[0]);
    let path = format!("{agent}/shifts");
    let shift =
        |weekday: u32, starts: &str, ends: &str| json!({"weekday": weekday, "starts": starts, "ends": ends});
    let at_work = async |client: &Client| {
        let agent = client.get(&agent).await.expect(200);
        assert_eq!(agent["is_free"], agent["on_shift"], "{agent}");
        agent["on_shift"].as_bool().expect("yes or no")
    };
    assert!(at_work(admin).await, "who has no shifts always works");
    let far = (app.clock.now().weekday().num_days_from_sunday() + 3) % 7;
    let other_day = json!({"shifts": [shift(far, "09:00", "17:00")]});
    assert_eq!(put(admin, &path, &other_day).await.expect(200), other_day);
    assert_eq!(admin.get(&path).await.expect(200), other_day);
    assert!(!at_work(admin).await);
    let always = (0..7).map(|weekday| shift(weekday, "00:00", "00:00")).collect::<Vec<_>>();
    put(admin, &path, &json!({ "shifts": always })).await.expect(200);
    assert!(at_work(admin).await);
    for (wrong, place) in [
        (vec![shift(7, "09:00", "17:00")], "/shifts/0/weekday"),
        (vec![shift(1, "25:00", "17:00")], "/shifts/0/starts"),
        (vec![shift(1, "09:00", "17:00"), shift(1, "09:00", "12:00")], "/shifts/1/starts"),
    ] {
        assert_eq!(pointer(put(admin, &path, &json!({ "shifts": wrong })).await), place);
    }

    // In Berlin 2:30 is jumped over on that Sunday, so the shift begins at the jump.
    admin.patch(&agent, &json!({"zone": "Europe/Berlin"})).await.expect(200);
    put(admin, &path, &json!({"shifts": [shift(0, "02:30", "08:00")]})).await.expect(200);
    let jump = jump(app.clock.now());
    for (minutes, works) in [(-5, false), (5, true), (4 * 60 + 55, true), (5 * 60 + 5, false)] {
        app.clock.advance(jump + TimeDelta::minutes(minutes) - app.clock.now());
        let admin = admin.anonymous().login("acme", "admin@acme.example.com", PASSWORD).await;
        assert_eq!(at_work(&admin).await, works, "{minutes} minutes after the jump");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn teams_are_changed_and_go_when_nothing_needs_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 1, 10).await;
    let (south, _) = team(admin, "south", 0, 10).await;
    let path = at(TEAMS, &north);
    let change = json!({"name": "the north", "wrap_up_s": 30, "sla_s": 20, "overflow_team_id": south,
        "overflow_after_s": 120});
    let changed = admin.patch(&path, &change).await.expect(200);
    for field in ["name", "wrap_up_s", "sla_s", "overflow_team_id", "overflow_after_s"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(changed["version"], 2);
    assert_eq!(admin.get(&path).await.expect(200), changed);
    for (wrong, place) in [
        (json!({"wrap_up_s": -1}), "/wrap_up_s"),
        (json!({"sla_s": 0}), "/sla_s"),
        (json!({"overflow_after_s": 0}), "/overflow_after_s"),
        (json!({"overflow_team_id": north}), "/overflow_team_id"),
        (json!({"overflow_team_id": NOBODY}), "/overflow_team_id"),
    ] {
        assert_eq!(pointer(admin.patch(&path, &wrong).await), place, "{wrong}");
    }
    assert_eq!(admin.patch(&path, &json!({"name": "south"})).await.problem(409), "name-taken");
    assert_eq!(admin.patch(&path, &json!({"version": 1})).await.problem(409), "version-changed");
    assert_eq!(app.other.admin.patch(&path, &json!({"name": "x"})).await.problem(404), "not-found");

    // The south is needed by the north's overflow, the north by its agent, by a lead in its queue and by a rule.
    let refused = async |team: &Value| {
        let answer = admin.delete(&at(TEAMS, team)).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.problem(409), "team-in-use");
        detail
    };
    assert!(refused(&south).await.contains("overflow"));
    assert!(refused(&north).await.contains("agents"));
    let lead = admin.post(LEADS, &json!({"email": "l@example.com"})).await.expect(201)["id"].clone();
    let queue = json!({"lead_id": lead, "strategy": "team", "team_id": north});
    admin.post(ROUTE, &queue).await.expect(200);
    admin.patch(&at(AGENTS, &agents[0]), &json!({"team_id": south})).await.expect(200);
    assert!(refused(&north).await.contains("leads"));
    let rule = json!({"name": "r", "strategy": "round_robin", "team_id": north});
    let rule = admin.post(RULES, &rule).await.expect(201);
    admin.patch(&at(LEADS, &lead), &json!({"status": "lost"})).await.expect(200);
    assert!(refused(&north).await.contains("rule"));
    admin.delete(&at(RULES, &rule["id"])).await.expect(204);
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    assert_eq!(admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.all(TEAMS).await.len(), 1);
    assert_eq!(admin.get(&at(LEADS, &lead)).await.expect(200)["team_id"], north, "what is closed stays");
    assert_eq!(pointer(admin.patch(&at(AGENTS, &agents[0]), &json!({"team_id": north})).await), "/team_id");
    let other = admin.post(LEADS, &json!({"email": "m@example.com"})).await.expect(201)["id"].clone();
    let gone = json!({"lead_id": other, "strategy": "team", "team_id": north});
    assert_eq!(pointer(admin.post(ROUTE, &gone).await), "/team_id");
    admin.post(TEAMS, &json!({"name": "the north"})).await.expect(201);
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_goes_and_their_open_leads_go_back() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (team, agents) = team(admin, "sales", 2, 10).await;
    let path = at(AGENTS, &agents[0]);
    let mut leads = Vec::new();
    for number in 0..3 {
        let lead = json!({"email": format!("l{number}@example.com")});
        let lead = admin.post(LEADS, &lead).await.expect(201)["id"].clone();
        let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
        admin.post(ROUTE, &direct).await.expect(200);
        leads.push(lead);
    }
    admin.patch(&at(LEADS, &leads[2]), &json!({"status": "converted"})).await.expect(200);
    let own = person(&app, &agents[0]).await;
    assert_eq!(own.delete(&path).await.problem(403), "permission-missing");
    assert_eq!(app.other.admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.delete(&path).await.problem(409), "agent-has-leads");
    assert_eq!(admin.delete(&format!("{path}?requeue=false")).await.problem(409), "agent-has-leads");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "available", "a refusal changes nothing");

    let user = admin.get(&path).await.expect(200)["user_id"].clone();
    set(admin, &agents[1], "break").await.expect(200);
    admin.delete(&format!("{path}?requeue=true")).await.expect(204);
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    assert_eq!(admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.all(AGENTS).await.len(), 1);
    for (lead, owner) in [(0, &Value::Null), (1, &Value::Null), (2, &agents[0])] {
        let lead = admin.get(&at(LEADS, &leads[lead])).await.expect(200);
        assert_eq!((&lead["owner_id"], &lead["team_id"]), (owner, &team), "{lead}");
    }
    let direct = json!({"lead_id": leads[0], "strategy": "direct", "agent_id": agents[0]});
    assert_eq!(pointer(admin.post(ROUTE, &direct).await), "/agent_id");
    // They wait in the queue, and go to whoever comes back.
    let waiting = admin.all(&format!("{}/leads", at(QUEUES, &team))).await;
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|lead| leads[..2].contains(&lead["id"])), "{waiting:?}");
    let mut socket = Socket::open(admin, None).await;
    set(admin, &agents[1], "available").await.expect(200);
    for _ in 0..2 {
        let told = socket.until("lead.assigned").await.pop().expect("an event");
        assert_eq!(told["data"]["owner_id"], agents[1]);
    }
    assert!(own.all(LEADS).await.is_empty(), "they are no agent any more");
    // Their user may be another agent now.
    admin.patch(&at(AGENTS, &agents[1]), &json!({ "user_id": user })).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_whom_a_rule_names_stays() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 10).await;
    let path = at(AGENTS, &agents[0]);
    let lead = admin.post(LEADS, &json!({"email": "l@example.com"})).await.expect(201)["id"].clone();
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let rule = json!({"name": "r", "strategy": "direct", "agent_id": agents[0]});
    let made = admin.post(RULES, &rule).await.expect(201);
    assert_eq!(admin.delete(&format!("{path}?requeue=true")).await.problem(409), "agent-in-use");
    assert_eq!(admin.get(&path).await.expect(200)["status"], "available", "a refusal changes nothing");
    assert_eq!(admin.get(&at(LEADS, &lead)).await.expect(200)["owner_id"], agents[0]);
    admin.patch(&at(LEADS, &lead), &json!({"status": "converted"})).await.expect(200);
    assert_eq!(admin.delete(&path).await.problem(409), "agent-in-use");
    admin.delete(&at(RULES, &made["id"])).await.expect(204);
    admin.delete(&path).await.expect(204);
    assert_eq!(pointer(admin.post(RULES, &rule).await), "/agent_id");
    app.process.stop().await;
}
