//! Teams: how they are changed, and how they go when nothing needs them.

use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::{
    agents::{AGENTS, NOBODY, TEAMS, at, pointer},
    routing::rules::{ROUTE, RULES},
    routing::team,
};

const LEADS: &str = "/api/v1/leads";

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
