//! The ranked list: without gaps, by every filter, for whoever sees the leads.

use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};
use uuid::Uuid;

use crate::{
    leads::import,
    scoring::{id, number},
};

const SCORE: &str = "/api/v1/automation/leads/score";
const RANKED: &str = "/api/v1/automation/leads/ranked";

/// All pages of the ranked list, small ones.
async fn ranked(client: &Client, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{RANKED}?limit=37{query}{cursor}")).await.expect(200);
        ids.extend(page["items"].as_array().expect("items").iter().map(id));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

fn rank(lead: &Value) -> (i64, String) {
    (number(&lead["score"]["total"]), id(lead))
}

#[tokio::test]
async fn leads_are_ranked_without_gaps_by_every_filter_for_whoever_sees_them() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let sources = ["referral", "organic", "campaign", "manual"];
    let status = ["new", "contacted", "proposal", "lost"];
    let file = (0..230).fold("name;email;source;status\n".to_owned(), |file, at| {
        format!("{file}Ada {at};l{at}@example.com;{};{}\n", sources[at % 4], status[at / 4 % 4])
    });
    let asked = json!({"import_id": id(&import(admin, file).await.expect(201))});
    admin.post("/api/v1/leads", &json!({"email": "unscored@other.example.com"})).await.expect(201);
    let supervisor = app.user(&app.acme, "Supervisor").await;
    let user = supervisor.get("/api/v1/me").await.expect(200)["id"].clone();
    let team = id(&admin.post("/api/v1/teams", &json!({"name": "north"})).await.expect(201));
    let agent = json!({"name": "Nina", "capacity": 10, "team_id": team, "user_id": user});
    let agent = id(&admin.post("/api/v1/agents", &agent).await.expect(201));
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query(
        "update leads set team_id = $2, owner_id = case when get_byte(uuid_send(id), 15) % 3 = 0 then $3 end
          where tenant_id = $1 and import_id is not null and get_byte(uuid_send(id), 15) % 2 = 0",
    )
    .bind(app.acme.id.0)
    .bind(team.parse::<Uuid>().expect("an id"))
    .bind(agent.parse::<Uuid>().expect("an id"))
    .execute(&mut system)
    .await
    .expect("leads are given");
    admin.ended(admin.post(SCORE, &asked).await).await;

    let mut leads = admin.all("/api/v1/leads").await;
    leads.retain(|lead| lead["score"].is_object());
    assert_eq!(leads.len(), 230);
    leads.sort_by_key(|lead| std::cmp::Reverse(rank(lead)));
    let expected = |wanted: &dyn Fn(&Value) -> bool| -> Vec<String> {
        leads.iter().filter(|lead| wanted(lead)).map(id).collect()
    };
    let in_team = |lead: &Value| lead["team_id"] == *team;
    let owned = |lead: &Value| lead["owner_id"] == *agent;
    let lost = |lead: &Value| lead["status"] == "lost";
    assert_eq!(ranked(admin, "").await, expected(&|_| true), "those without a score are not ranked");
    assert_eq!(ranked(admin, "&status=lost").await, expected(&lost));
    assert_eq!(ranked(admin, &format!("&team_id={team}")).await, expected(&in_team));
    assert_eq!(ranked(admin, &format!("&owner_id={agent}")).await, expected(&owned));
    let both = expected(&|lead| in_team(lead) && lost(lead));
    assert!(!both.is_empty() && both.len() < 100, "{}", both.len());
    assert_eq!(ranked(admin, &format!("&team_id={team}&status=lost")).await, both);
    let all = format!("&team_id={team}&owner_id={agent}&status=lost");
    assert_eq!(ranked(admin, &all).await, expected(&|lead| owned(lead) && lost(lead)));
    assert_eq!(ranked(&supervisor, "").await, expected(&in_team), "of the team, and no others");
    assert!(ranked(&supervisor, &format!("&team_id={}", Uuid::nil())).await.is_empty());

    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    let (shown, masked) = (admin.get(RANKED).await.expect(200), blind.get(RANKED).await.expect(200));
    assert!(shown["items"][0]["name"].as_str().is_some_and(|name| name.starts_with("Ada ")), "{shown}");
    assert!(masked["items"][0]["name"].as_str().is_some_and(|name| name.starts_with("A•••")), "{masked}");
    assert!(ranked(&app.other.admin, "").await.is_empty());
    assert_eq!(admin.get(&format!("{RANKED}?cursor=abc")).await.problem(422), "invalid");
    app.process.stop().await;
}
