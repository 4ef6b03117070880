//! Calls of whoever sees only some: what they read, what they may say of whom, and what they hear of what they lose.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use switchboard_tests::{Client, PASSWORD, Socket, TestApp};
use uuid::Uuid;

use crate::{
    agents::{at, person},
    calls::{CALLS, NUMBER, begun, lead, set},
    routing::team,
};

const ROUTE: &str = "/api/v1/automation/leads/route";
const STRANGER: &str = "+14155550199";

/// A supervisor in a team, who takes no calls.
async fn supervisor(app: &TestApp, team: &Value) -> Client {
    let admin = &app.acme.admin;
    let email = format!("s{}@acme.example.com", app.process.app.platform.chance.id());
    let user = json!({"name": "S", "email": email, "password": PASSWORD, "role": "Supervisor"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    let agent = json!({"name": "S", "capacity": 1, "team_id": team, "user_id": user["id"]});
    admin.post("/api/v1/agents", &agent).await.expect(201);
    admin.anonymous().login("acme", &email, PASSWORD).await
}

/// The calls that somebody is shown, a page for each.
async fn shown(client: &Client, query: &str) -> Vec<String> {
    let (mut paths, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{CALLS}?limit=1{query}{cursor}")).await.expect(200);
        paths.extend(page["items"].as_array().expect("items").iter().map(|call| at(CALLS, &call["id"])));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return paths,
        }
    }
}

#[tokio::test]
async fn everybody_reads_the_calls_that_they_see_once_and_in_order() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 2, 10).await;
    let (south, southern) = team(admin, "south", 1, 10).await;
    let lead = lead(admin).await;
    let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let own = person(&app, &agents[0]).await;
    let colleague = person(&app, &agents[1]).await;
    let far = person(&app, &southern[0]).await;
    let (of_north, of_south) = (supervisor(&app, &north).await, supervisor(&app, &south).await);

    let to_lead = |agent: &Value| json!({"direction": "outbound", "lead_id": lead, "agent_id": agent});
    let to_stranger = |agent: &Value| json!({"direction": "outbound", "number": STRANGER, "agent_id": agent});
    let mut calls = Vec::new();
    for call in [
        to_lead(&agents[0]),
        to_lead(&southern[0]),
        to_stranger(&agents[0]),
        to_stranger(&agents[1]),
        to_stranger(&southern[0]),
        json!({"direction": "outbound", "number": STRANGER}),
    ] {
        calls.push(begun(admin, &call).await);
    }
    let these = |numbers: &[usize]| numbers.iter().map(|at| calls[*at].clone()).collect::<Vec<_>>();
    for (client, numbers) in [
        (admin, vec![5, 4, 3, 2, 1, 0]),
        (&own, vec![2, 1, 0]),
        (&colleague, vec![3]),
        (&far, vec![4, 1]),
        (&of_north, vec![3, 2, 1, 0]),
        (&of_south, vec![4, 1]),
        (&app.other.admin, vec![]),
    ] {
        assert_eq!(shown(client, "").await, these(&numbers));
        assert_eq!(shown(client, "&status=queued").await, these(&numbers));
        assert!(shown(client, "&status=ringing").await.is_empty());
        for (number, call) in calls.iter().enumerate() {
            let status = client.get(call).await.status;
            assert_eq!(status, if numbers.contains(&number) { 200 } else { 404 }, "{number} of {numbers:?}");
        }
    }
    let id = |value: &Value| value.as_str().expect("an id").to_owned();
    let (of_lead, of_far) = (format!("&lead_id={}", id(&lead)), format!("&agent_id={}", id(&southern[0])));
    for (client, leads, fars) in [
        (admin, vec![1, 0], vec![4, 1]),
        (&own, vec![1, 0], vec![1]),
        (&colleague, vec![], vec![]),
        (&of_north, vec![1, 0], vec![1]),
        (&of_south, vec![1], vec![4, 1]),
    ] {
        assert_eq!(shown(client, &of_lead).await, these(&leads));
        assert_eq!(shown(client, &of_far).await, these(&fars));
        assert_eq!(shown(client, "&number=%2B14155550100").await, these(&leads));
        assert!(shown(client, "&to=2000-01-01T00:00:00Z").await.is_empty());
    }
    app.process.stop().await;
}

/// How Postgres would answer.
pub async fn plan(conn: &mut PgConnection, query: &str) -> String {
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("explain {query}"))).fetch_all(conn).await.expect("a plan");
    lines.join("\n")
}

#[tokio::test]
async fn a_page_of_calls_is_found_without_walking_past_those_of_others() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let ((north, _), (south, _)) = (team(admin, "north", 0, 10).await, team(admin, "south", 0, 10).await);
    let [north, south]: [Uuid; 2] =
        [&north, &south].map(|team| team.as_str().expect("an id").parse().expect("an id"));
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "insert into calls (tenant_id, id, direction, status, team_id, subject_id, number_sealed, number_index,
                started_at, entered_at, ended_at)
         select $1, gen_random_uuid(), 'outbound', case when n <= 500 then 'ringing' else 'missed' end,
                case when n % 1000 = 0 then $3::uuid else $2::uuid end, gen_random_uuid(), ''::bytea, ''::bytea, now(), now(),
                case when n > 500 then now() end
           from generate_series(1, 10000) as n",
    )
    .bind(app.acme.id.0)
    .bind(north)
    .bind(south)
    .execute(&mut system)
    .await
    .expect("calls");
    let mut owner = app.database.connect_as("none").await;
    sqlx::raw_sql("analyze calls").execute(&mut owner).await.expect("they are counted");

    let mut walled = app.database.connect_as("switchboard_app").await;
    sqlx::query("select set_config('app.tenant', $1, false)")
        .bind(app.acme.id.to_string())
        .execute(&mut walled)
        .await
        .expect("a tenant is set");
    let (tenant, end) = (app.acme.id, Uuid::max());
    let page = "order by c.id desc limit 50";
    let live = format!(
        "select c.id from calls c where c.tenant_id = '{tenant}' and c.id < '{end}' and c.status = 'ringing' {page}"
    );
    let of_team = format!(
        "select c.id from calls c where c.tenant_id = '{tenant}' and c.team_id = '{south}' and c.id < '{end}' {page}"
    );
    let of_leads = format!(
        "select k.id from leads l cross join lateral (
           select c.id from calls c
            where c.tenant_id = '{tenant}' and c.lead_id = l.id and c.id < '{end}' {page}) k
          where l.tenant_id = '{tenant}' and l.team_id = '{south}' order by k.id desc limit 50"
    );
    for (query, index) in
        [(live, "calls_going_on_idx"), (of_team, "calls_team_idx"), (of_leads, "calls_lead_idx")]
    {
        let plan = plan(&mut walled, &query).await;
        assert!(plan.contains(index), "{index}: {plan}");
        assert!(!plan.contains("Seq Scan on calls"), "{plan}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_call_is_put_upon_no_team_whose_calls_one_does_not_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (north, agents) = team(admin, "north", 1, 10).await;
    let (south, _) = team(admin, "south", 1, 10).await;
    let (theirs, _) = team(&app.other.admin, "theirs", 1, 10).await;
    let (agent, supervisor) = (person(&app, &agents[0]).await, supervisor(&app, &north).await);
    let call =
        |direction: &str, team: &Value| json!({"direction": direction, "number": NUMBER, "team_id": team});
    for client in [&agent, &supervisor] {
        for team in [&south, &theirs] {
            for direction in ["inbound", "outbound"] {
                let refused = client.post(CALLS, &call(direction, team)).await;
                assert_eq!(refused.body["errors"][0]["pointer"], "/team_id", "{direction}");
                assert_eq!(refused.problem(403), "beyond-your-rights");
            }
        }
    }
    assert_eq!(admin.post(CALLS, &call("inbound", &theirs)).await.problem(422), "invalid");
    assert!(admin.all(CALLS).await.is_empty());
    begun(&agent, &call("inbound", &north)).await;
    begun(&supervisor, &call("inbound", &north)).await;
    begun(admin, &call("inbound", &south)).await;
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_loses_a_lead_hears_who_has_it_and_nobody_else_does() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 3, 10).await;
    let lead = lead(admin).await;
    let mut sockets = Vec::new();
    for agent in &agents {
        sockets.push(Socket::open(&person(&app, agent).await, None).await);
    }
    for agent in &agents[..2] {
        let direct = json!({"lead_id": lead, "strategy": "direct", "agent_id": agent, "reroute": true});
        admin.post(ROUTE, &direct).await.expect(200);
    }
    let about = format!("lead:{}", lead.as_str().expect("an id"));
    let first = sockets[0].until("lead.assigned").await.pop().expect("an event");
    assert_eq!((&first["data"]["owner_id"], &first["data"]["former_agent_id"]), (&agents[0], &Value::Null));
    for socket in &mut sockets[..2] {
        let told = socket.until("lead.assigned").await.pop().expect("an event");
        assert_eq!((&told["subject"], &told["data"]["owner_id"]), (&json!(about), &agents[1]));
        assert_eq!(told["data"]["former_agent_id"], agents[0]);
    }
    set(admin, &agents[2], "break").await.expect(200);
    let heard = sockets[2].until("agent.status").await;
    assert!(!heard.iter().any(|event| event["subject"] == about), "{heard:?}");

    let take = json!({"action": {"kind": "clear_owner"}, "filter": {"owner_id": agents[1]}});
    let taken = admin.ended(admin.post("/api/v1/leads/actions", &take).await).await;
    assert_eq!(taken["status"], "succeeded", "{taken}");
    let told = sockets[1].until("lead.queued").await.pop().expect("an event");
    assert_eq!((&told["data"]["owner_id"], &told["data"]["former_agent_id"]), (&Value::Null, &agents[1]));
    app.process.stop().await;
}
