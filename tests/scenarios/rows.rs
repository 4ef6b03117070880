//! Whose leads somebody sees, and how much of them.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Client, PASSWORD, TestApp};
use tokio::time::{Duration, Instant, sleep};

use crate::message::sandbox;

const MESSAGES: &str = "/api/v1/communication/messages";
const OUTBOX: &str = "/api/v1/communication/sandbox/outbox";
const LEADS: &str = "/api/v1/leads";

pub fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

pub async fn until_sent(client: &Client, message: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while client.get(&format!("{MESSAGES}/{message}")).await.expect(200)["status"] != "sent" {
        assert!(Instant::now() < until, "it is not sent");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Two teams: Nina, Nils and their supervisor Sara in the north, Sven in the south. One lead for each of the agents,
/// one in the north's queue, one of nobody.
pub struct House {
    pub app: TestApp,
    message: Value,
    north: String,
    pub south: String,
    pub agents: Vec<String>,
    pub leads: Vec<String>,
}

impl House {
    pub async fn open() -> Self {
        let app = TestApp::start().await;
        let admin = &app.acme.admin;
        let message = sandbox(admin).await;
        let rights = [
            "leads:read",
            "leads:create",
            "leads:write",
            "leads:delete",
            "leads:score",
            "leads:route",
            "messages:read",
            "messages:send",
            "deliveries:read",
            "agents:read",
            "agents:status",
            "agents:write",
            "personal:read",
            "api_keys:create",
            "jobs:read",
            "jobs:retry",
            "jobs:bulk",
            "workflows:read",
            "schedules:write",
            "workflows:start",
            "roles:write",
            "events:read",
        ];
        for scope in ["own", "team"] {
            let role = json!({"name": scope, "permissions": rights, "scope": scope});
            assert_eq!(admin.post("/api/v1/compliance/roles", &role).await.expect(201)["scope"], scope);
        }
        let team =
            async |name: &str| id(&admin.post("/api/v1/teams", &json!({ "name": name })).await.expect(201));
        let (north, south) = (team("north").await, team("south").await);
        let mut agents = Vec::new();
        // Nobody has room for what waits in the north's queue, so it waits.
        for (name, role, team, capacity) in [
            ("nina", "own", &north, 1),
            ("nils", "own", &north, 1),
            ("sara", "team", &north, 0),
            ("sven", "own", &south, 1),
        ] {
            let user = json!({"name": name, "email": format!("{name}@acme.example.com"), "password": PASSWORD, "role": role});
            let user = id(&admin.post("/api/v1/users", &user).await.expect(201));
            let agent = json!({"name": format!("Agent {name}"), "capacity": capacity, "status": "available", "team_id": team, "user_id": user});
            agents.push(id(&admin.post("/api/v1/agents", &agent).await.expect(201)));
        }
        let mut leads = Vec::new();
        for number in 0..5 {
            let lead = json!({"name": "Ada Lovelace", "email": format!("ada{number}@people.example.com"),
                "phone": "+4915112345603", "attributes": {"plan": "secret plan"}});
            leads.push(id(&admin.post(LEADS, &lead).await.expect(201)));
        }
        let house = Self { app, message, north, south, agents, leads };
        for (lead, agent) in [(0, 0), (1, 1), (3, 3)] {
            let direct =
                json!({"lead_id": house.leads[lead], "strategy": "direct", "agent_id": house.agents[agent]});
            house.app.acme.admin.post("/api/v1/automation/leads/route", &direct).await.expect(200);
        }
        let queued = json!({"lead_id": house.leads[2], "strategy": "team", "team_id": house.north});
        house.app.acme.admin.post("/api/v1/automation/leads/route", &queued).await.expect(200);
        house
    }

    pub async fn login(&self, name: &str) -> Client {
        self.app.acme.admin.anonymous().login("acme", &format!("{name}@acme.example.com"), PASSWORD).await
    }

    /// The numbers of the leads that a client is shown.
    async fn seen(&self, client: &Client) -> Vec<usize> {
        let listed = client.all(LEADS).await;
        let number = |lead: &Value| self.leads.iter().position(|known| *known == id(lead));
        let mut seen: Vec<usize> = listed.iter().map(|lead| number(lead).unwrap_or(99)).collect();
        seen.sort_unstable();
        seen
    }

    pub fn to(&self, lead: usize) -> Value {
        let mut message = self.message.clone();
        message["lead_id"] = json!(self.leads[lead]);
        message
    }
}

#[tokio::test]
async fn everybody_sees_and_changes_leads_as_far_as_their_role_says() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let (nina, sara, sven) =
        (house.login("nina").await, house.login("sara").await, house.login("sven").await);
    let key = json!({"name": "k", "permissions": ["leads:read", "leads:write"]});
    let key = nina.post("/api/v1/api-keys", &key).await.expect(201);
    let key = nina.with_bearer(key["key"].as_str().expect("a key"));
    for (client, sees) in [
        (admin, vec![0, 1, 2, 3, 4]),
        (&nina, vec![0]),
        (&key, vec![0]),
        (&sara, vec![0, 1, 2]),
        (&sven, vec![3]),
    ] {
        assert_eq!(house.seen(client).await, sees);
        for (number, lead) in house.leads.iter().enumerate() {
            let path = format!("{LEADS}/{lead}");
            let status = if sees.contains(&number) { 200 } else { 404 };
            assert_eq!(client.get(&path).await.status, status, "{number}");
            assert_eq!(client.patch(&path, &json!({"region": "x"})).await.status, status, "{number}");
        }
    }
    for (client, beyond) in [(&nina, 1), (&sara, 3), (&sven, 4)] {
        let lead = &house.leads[beyond];
        let one = json!({ "lead_id": lead });
        assert_eq!(client.post("/api/v1/automation/leads/score", &one).await.problem(404), "not-found");
        let route = json!({"lead_id": lead, "strategy": "team", "team_id": house.north});
        assert_eq!(client.post("/api/v1/automation/leads/route", &route).await.problem(404), "not-found");
        assert_eq!(client.delete(&format!("{LEADS}/{lead}")).await.problem(404), "not-found");
        let refused = client.post(MESSAGES, &house.to(beyond)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/lead_id");
        assert_eq!(refused.problem(422), "invalid");
        assert_eq!(client.post(MESSAGES, &house.message).await.problem(403), "beyond-your-rights");
    }
    let score = json!({"lead_id": house.leads[0]});
    nina.post("/api/v1/automation/leads/score", &score).await.expect(200);
    // A lead that somebody makes is one that they see.
    let own = id(&nina.post(LEADS, &json!({"email": "own@example.com"})).await.expect(201));
    let made = nina.get(&format!("{LEADS}/{own}")).await.expect(200);
    assert_eq!((&made["owner_id"], &made["team_id"]), (&json!(house.agents[0]), &json!(house.north)));
    sara.delete(&format!("{LEADS}/{own}")).await.expect(204);
    let of_team = id(&sara.post(LEADS, &json!({"email": "team@example.com"})).await.expect(201));
    assert_eq!(sara.get(&format!("{LEADS}/{of_team}")).await.expect(200)["team_id"], house.north);
    house.app.process.stop().await;
}

#[tokio::test]
async fn messages_are_seen_with_their_lead() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let (nina, sara) = (house.login("nina").await, house.login("sara").await);
    let mut sent = Vec::new();
    for message in [house.to(0), house.to(1), house.to(3), house.message.clone()] {
        sent.push(id(&admin.post(MESSAGES, &message).await.expect(202)));
    }
    for message in &sent {
        until_sent(admin, message).await;
    }
    for (client, sees) in [(&nina, 1), (&sara, 2), (admin, 4)] {
        assert_eq!(client.all(MESSAGES).await.len(), sees);
        assert_eq!(client.all(OUTBOX).await.len(), sees);
        for (number, message) in sent.iter().enumerate() {
            let status = if number < sees { 200 } else { 404 };
            assert_eq!(client.get(&format!("{MESSAGES}/{message}")).await.status, status, "{number}");
        }
        let of_lead = format!("{MESSAGES}?lead_id={}", house.leads[3]);
        assert_eq!(client.all(&of_lead).await.len(), usize::from(sees == 4));
    }
    house.app.process.stop().await;
}

#[tokio::test]
async fn whoever_sees_only_some_leads_acts_on_none_of_the_others_and_sees_no_more_by_it() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let (nina, sara) = (house.login("nina").await, house.login("sara").await);
    let plan = json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "@yearly"});
    let wider = json!({"name": "wider", "permissions": ["leads:read"], "scope": "all"});
    let moved = json!({ "team_id": house.south });
    let agent = |number: usize| format!("/api/v1/agents/{}", house.agents[number]);
    let away =
        json!({"lead_id": house.leads[0], "strategy": "team", "team_id": house.south, "reroute": true});
    for client in [&nina, &sara] {
        for (path, body) in [
            ("/api/v1/automation/leads/score", json!({"all": true})),
            ("/api/v1/schedules", plan.clone()),
            ("/api/v1/compliance/roles", wider.clone()),
            ("/api/v1/automation/leads/route", away.clone()),
            ("/api/v1/agents", json!({"name": "x", "capacity": 1})),
            ("/api/v1/jobs/actions", json!({"action": "retry", "filter": {"kind": "score_leads"}})),
        ] {
            let refused = client.post(path, &body).await;
            assert_eq!(refused.problem(403), "beyond-your-rights", "{path}");
        }
        assert_eq!(client.patch(&agent(0), &moved).await.problem(403), "beyond-your-rights");
        assert_eq!(
            client.patch(&agent(3), &json!({"status": "break"})).await.problem(403),
            "beyond-your-rights"
        );
        client.patch(&agent(0), &json!({"status": "break"})).await.expect(200);
    }
    assert_eq!(nina.patch(&agent(1), &json!({"status": "break"})).await.problem(403), "beyond-your-rights");
    sara.patch(&agent(1), &json!({"status": "break"})).await.expect(200);
    assert_eq!(admin.get(&format!("{LEADS}/{}", house.leads[0])).await.expect(200)["team_id"], house.north);
    let told = admin.all("/api/v1/compliance/audit-logs?action=access").await;
    assert!(told.len() >= 10, "refusals are written down: {}", told.len());

    // Sara moves to the south, and sees the south's leads at once.
    admin.patch(&agent(2), &moved).await.expect(200);
    assert_eq!(house.seen(&sara).await, [3]);
    admin.patch(&agent(2), &json!({"user_id": null})).await.expect(200);
    let nobody = house.login("sara").await;
    assert!(house.seen(&nobody).await.is_empty(), "no agent, no leads");
    assert_eq!(
        nobody.post(LEADS, &json!({"email": "x@example.com"})).await.problem(403),
        "beyond-your-rights"
    );

    let user = admin.get(&agent(0)).await.expect(200)["user_id"].clone();
    assert_eq!(admin.patch(&agent(2), &json!({ "user_id": user })).await.problem(409), "user-is-agent");
    let unknown = json!({"user_id": uuid::Uuid::nil()});
    assert_eq!(admin.patch(&agent(2), &unknown).await.problem(422), "invalid");
    let twice = json!({"name": "x", "capacity": 1, "user_id": user});
    assert_eq!(admin.post("/api/v1/agents", &twice).await.problem(409), "user-is-agent");
    house.app.process.stop().await;
}

#[tokio::test]
async fn whoever_may_not_see_personal_data_sees_none_of_it_anywhere() {
    let house = House::open().await;
    let admin = &house.app.acme.admin;
    let sent = id(&admin.post(MESSAGES, &house.to(0)).await.expect(202));
    until_sent(admin, &sent).await;
    let me = admin.get("/api/v1/me").await.expect(200);
    let all =
        me["permissions"].as_array().expect("permissions").iter().filter(|name| **name != "personal:read");
    let role = json!({"name": "Blind", "permissions": all.collect::<Vec<_>>()});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let blind = house.app.user(&house.app.acme, "Blind").await;
    let lead = format!("{LEADS}/{}", house.leads[0]);
    let shown = blind.get(&lead).await.expect(200);
    assert_eq!(
        (&shown["name"], &shown["phone"], &shown["email"], &shown["attributes"]),
        (&json!("A••• L•••"), &json!("•••03"), &json!("a•••@people.example.com"), &Value::Null)
    );
    let changed = blind.patch(&lead, &json!({"email": "neu@people.example.com"})).await.expect(200);
    assert_eq!(changed["email"], "n•••@people.example.com");
    let users = format!("/api/v1/users/{}/sessions", me["id"].as_str().expect("an id"));
    for path in
        [LEADS, MESSAGES, OUTBOX, "/api/v1/agents", "/api/v1/users", &users, &format!("{MESSAGES}/{sent}")]
    {
        let text = blind.get(path).await.expect(200).to_string();
        for plain in
            ["Lovelace", "ada@", "ada0@", "15112345603", "secret plan", "Agent n", "admin@acme", "127.0.0.1"]
        {
            assert!(!text.contains(plain), "{path} shows {plain}: {text}");
        }
        assert!(admin.get(path).await.expect(200).to_string().len() > 60, "{path} has something to show");
    }
    for filter in ["email=ada1@people.example.com", "phone=%2B4915112345603"] {
        let refused = blind.send(blind.request(Method::GET, &format!("{LEADS}?{filter}"))).await;
        assert_eq!(refused.problem(403), "permission-missing", "what is found tells the value");
    }
    let own = blind.get("/api/v1/me").await.expect(200);
    let own = blind.get(&format!("/api/v1/users/{}", own["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(own["name"], "Blind", "everybody sees themselves");
    house.app.process.stop().await;
}
