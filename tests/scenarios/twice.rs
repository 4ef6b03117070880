//! What makes something and is sent twice under one key makes it once. The routes come from the description.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::upkeep;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard::process::Roles;
use switchboard_tests::{Answer, Client, TestApp};

use crate::{
    archive,
    exports::saved,
    leads::import,
    one_of_each::{campaign, ids},
    routing::rules::lead,
    sessions::again,
};

/// Whose answer shows a secret that is good once, so that it is of no use to be told of it again.
const SHOWN_ONCE: [&str; 2] = ["/api/v1/me/second-factor", "/api/v1/ws/tickets"];
/// Of operators, who have no tenant.
const OF_OPERATORS: &str = "/api/v1/tenants";

/// A body by which each route makes something, and the id of what it is under.
struct Wishes {
    bodies: BTreeMap<&'static str, Value>,
    ids: BTreeMap<&'static str, String>,
}

#[expect(clippy::too_many_lines, reason = "a list of bodies")]
async fn wishes(app: &TestApp) -> Wishes {
    let (admin, mut ids) = (&app.acme.admin, ids(&app.acme).await);
    let invited = json!({"name": "B", "email": "b@example.com", "role": "Agent"});
    let invited = admin.post("/api/v1/users", &invited).await.expect(201)["id"].clone();
    ids.insert("/api/v1/users", invited.as_str().expect("an id").to_owned());
    let other = lead(admin, &json!({"email": "other@example.com"})).await;
    let lead = lead(admin, &json!({})).await;
    // As many outcomes as it takes to learn from.
    let line = |at: usize| format!("o{at}@example.com,{}\n", if at < 60 { "converted" } else { "lost" });
    let file: String = std::iter::once("email,status\n".to_owned()).chain((0..120).map(line)).collect();
    import(admin, file).await.expect(201);
    let (provider, template) =
        (&ids["/api/v1/communication/providers"], &ids["/api/v1/communication/templates"]);
    let (team, message) = (&ids["/api/v1/teams"], json!({"name": "Ada"}));
    let agent = &ids["/api/v1/agents"];
    let input = json!({
        "lead_id": lead, "strategy": "team", "team_id": team, "provider_id": provider,
        "welcome_template_id": template, "follow_up_template_id": template,
    });
    let schedule = json!({"name": "again", "work": {"kind": "score_leads"}, "crontab": "@yearly"});
    let mail = json!({"name": "again", "channel": "email", "subject": "Hi", "text": "Hi"});
    let send = json!({
        "provider_id": provider, "template_id": template, "to": "ada@example.com", "variables": message,
    });
    let wish = json!({"channel": "email", "to": "again@example.com", "scope": "marketing"});
    let consent = json!({
        "lead_id": lead, "channel": "email", "purpose": "marketing", "granted": true, "source": "a form",
    });
    let many = json!({ "messages": [send.clone()] });
    // One that has not been started, and one for every year.
    let news = campaign(None, &json!(template));
    let draft = admin.post("/api/v1/campaigns", &news).await.expect(201)["id"].clone();
    let mut yearly = news.clone();
    yearly["schedule"] = json!({"crontab": "@yearly"});
    let bodies = BTreeMap::from([
        ("/api/v1/agents", json!({"name": "again", "capacity": 1})),
        ("/api/v1/analytics/export", json!({"what": "leads"})),
        ("/api/v1/analytics/reports", json!({"kind": "lead"})),
        (saved::REPORTS, json!({"name": "again", "kind": "lead", "span": "last_week", "format": "csv"})),
        ("/api/v1/api-keys", json!({"name": "again", "permissions": ["leads:read"]})),
        ("/api/v1/automation/leads/route", json!({"all": true, "strategy": "team", "team_id": team})),
        ("/api/v1/automation/leads/score", json!({"all": true})),
        (
            "/api/v1/automation/routing-rules",
            json!({"name": "again", "strategy": "round_robin", "team_id": team}),
        ),
        ("/api/v1/automation/schedule-campaign", json!({ "campaign": yearly })),
        ("/api/v1/automation/scoring-models", json!({})),
        ("/api/v1/automation/scoring-models/fit", json!({})),
        ("/api/v1/call-sources", json!({"name": "again"})),
        ("/api/v1/calls", json!({"direction": "outbound", "number": "+4930901821"})),
        ("/api/v1/campaigns", news),
        ("/api/v1/campaigns/{id}/test-send", json!({"to": "ada@example.com", "variables": message})),
        ("/api/v1/communication/messages", send),
        ("/api/v1/communication/messages/bulk", many),
        ("/api/v1/communication/providers", json!({"name": "again", "kind": "sandbox"})),
        ("/api/v1/communication/suppressions", wish),
        ("/api/v1/communication/templates", mail),
        (
            "/api/v1/communication/webhooks",
            json!({"name": "again", "url": "http://127.0.0.1:47011/", "types": ["scoring_model.published"]}),
        ),
        ("/api/v1/communication/webhooks/{id}/replay", json!({"since": 0})),
        ("/api/v1/compliance/audit-logs/archive", json!({})),
        ("/api/v1/compliance/gdpr/access", json!({ "lead_id": other })),
        ("/api/v1/compliance/gdpr/consent", consent),
        ("/api/v1/compliance/gdpr/deletion", json!({ "lead_id": lead })),
        (
            "/api/v1/compliance/gdpr/rectification",
            json!({"lead_id": lead, "reason": "checked", "change": {"name": "Ada"}}),
        ),
        ("/api/v1/compliance/gdpr/restriction", json!({"lead_id": other, "reason": "checked"})),
        (
            "/api/v1/compliance/legal-holds",
            json!({"lead_id": lead, "reason": "claim", "law": "GDPR Art. 17(3)(e)"}),
        ),
        ("/api/v1/compliance/keys/rotate", json!({"what": "kek"})),
        ("/api/v1/compliance/roles", json!({"name": "again", "permissions": ["leads:read"]})),
        ("/api/v1/gamification-advanced/badges", json!({"name": "again"})),
        ("/api/v1/gamification-advanced/badges/{id}/awards", json!({ "agent_id": agent })),
        (
            "/api/v1/gamification-advanced/challenges",
            json!({"name": "again", "period": "daily", "metric": "points", "target": 5}),
        ),
        ("/api/v1/gamification-advanced/competitions", json!({"name": "again", "metric": "points"})),
        ("/api/v1/gamification-advanced/points", json!({"agent_id": agent, "points": 5, "reason": "help"})),
        (
            "/api/v1/gamification-advanced/redeem",
            json!({"reward_id": ids["/api/v1/gamification-advanced/rewards"], "agent_id": agent}),
        ),
        ("/api/v1/gamification-advanced/rewards", json!({"name": "again", "price": 5})),
        (
            "/api/v1/gamification-advanced/rules",
            json!({"name": "again", "deed": "lead_created", "points": 1}),
        ),
        ("/api/v1/gamification-advanced/tiers", json!({"name": "again", "threshold": 500})),
        ("/api/v1/jobs/actions", json!({"action": "cancel", "filter": {"kind": "none_of_this"}})),
        ("/api/v1/leads", json!({"email": "again@example.com"})),
        (
            "/api/v1/leads/actions",
            json!({"action": {"kind": "set_source", "source": "manual"}, "filter": {"status": "lost"}}),
        ),
        ("/api/v1/leads/attributes", json!({"name": "again", "type": "text"})),
        ("/api/v1/leads/{id}/activities", json!({"kind": "call"})),
        ("/api/v1/schedules", schedule),
        ("/api/v1/sequences", json!({"name": "again", "definition": {"steps": []}})),
        ("/api/v1/sequences/{id}/enrolments", json!({ "lead_id": lead })),
        ("/api/v1/skills", json!({"name": "again"})),
        ("/api/v1/teams", json!({"name": "again"})),
        ("/api/v1/users", json!({"name": "C", "email": "c@example.com", "role": "Agent"})),
        ("/api/v1/workflows", json!({"workflow": "onboard_lead", "input": input})),
    ]);
    let mailed = admin.post(saved::REPORTS, &saved::weekly(&["a@example.com"])).await.expect(201);
    ids.insert(saved::REPORTS, mailed["id"].as_str().expect("an id").to_owned());
    ids.insert("/api/v1/campaigns", draft.as_str().expect("an id").to_owned());
    ids.insert(archive::ARCHIVES, archive::archived(app, &app.acme).await);
    Wishes { bodies, ids }
}

/// Status and Location: what is the same the second time.
fn said(answer: &Answer) -> (u16, String) {
    (answer.status, answer.location().expect("a Location").to_owned())
}

#[tokio::test]
async fn whatever_makes_something_is_answered_the_same_under_one_key_and_makes_it_once() {
    // Reports are sent with a link, which takes an address that the product is known by.
    let app = saved::open(Roles::ALL).await;
    let admin = &app.acme.admin;
    let Wishes { bodies, ids } = wishes(&app).await;
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let mut made = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        let post = &item["post"];
        let makes = ["201", "202"].iter().any(|status| post["responses"][*status].is_object());
        if !makes || path == OF_OPERATORS {
            continue;
        }
        let parameters = post["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let told = parameters.iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header");
        assert_eq!(told, !SHOWN_ONCE.contains(&path.as_str()), "{path}");
        if !told {
            continue;
        }
        let url = path
            .split_once("/{id}")
            .map_or_else(|| path.clone(), |(prefix, rest)| format!("{prefix}/{}{rest}", ids[prefix]));
        let send = || {
            let request = admin.request(Method::POST, &url).header("idempotency-key", path.as_str());
            admin.send(match bodies.get(path.as_str()) {
                Some(body) => request.json(body),
                None if path.ends_with("/imports") => {
                    request.header("content-type", "text/csv").body("email\nagain@example.org\n")
                }
                None => request,
            })
        };
        let first = send().await;
        assert!([201, 202].contains(&first.status), "give this test a body for {path}: {}", first.body);
        let second = send().await;
        assert_eq!(said(&second), said(&first), "{path}");
        assert!(!first.headers.contains_key("idempotent-replayed"), "{path}");
        assert_eq!(second.headers["idempotent-replayed"], "true", "{path}");
        assert_eq!(second.body, Value::Null, "{path}");
        made += 1;
    }
    assert!(made >= bodies.len() + 3, "{made}");
    let again = |things: Vec<Value>| things.iter().filter(|thing| thing["name"] == "again").count();
    let named = ["teams", "agents", "schedules", "call-sources", "communication/webhooks"]
        .map(|path| format!("/api/v1/{path}"));
    for path in &named {
        assert_eq!(again(admin.all(path).await), 1, "{path}");
    }
    assert_eq!(admin.all("/api/v1/leads?email=again@example.com").await.len(), 1);
    app.process.stop().await;
}

/// Those that make nothing stand in a list by their paths: each of it is an operation.
#[test]
fn commands_that_keep_a_key_say_so() {
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let posts = description["paths"].as_object().expect("paths").values().map(|item| &item["post"]);
    let keeps = |post: &&Value| {
        let parameters = post["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        parameters.iter().any(|one| one["name"] == "Idempotency-Key")
    };
    let makes = |post: &&Value| ["201", "202"].iter().any(|status| post["responses"][*status].is_object());
    assert_eq!(posts.filter(keeps).filter(|post| !makes(post)).count(), 18);
}

#[tokio::test]
async fn a_link_that_is_asked_for_twice_is_not_taken_back_by_the_second_time() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let user = json!({"name": "B", "email": "b@example.com", "role": "Agent"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    let path = format!("/api/v1/users/{}/password-links", user["id"].as_str().expect("an id"));
    let ask = || admin.send(admin.request(Method::POST, &path).header("idempotency-key", "link-1"));
    let link = ask().await.expect(201);
    assert_eq!(ask().await.expect(201), Value::Null, "it is shown once");
    let chosen = json!({"token": link["token"], "password": "correct horse battery"});
    admin.anonymous().post("/api/v1/auth/password", &chosen).await.expect(204);
    admin.anonymous().login("acme", "b@example.com", "correct horse battery").await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_key_is_known_for_a_week() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let call = json!({"direction": "outbound", "number": "+4930901821"});
    let ask = async |admin: &Client| {
        let request = admin.request(Method::POST, "/api/v1/calls").header("idempotency-key", "call-1");
        said(&admin.send(request.json(&call)).await)
    };
    let forget = async || {
        while upkeep::forget_some(&app.process.app.platform).await.expect("an answer") > 0 {}
    };
    let first = ask(&app.acme.admin).await;
    app.advance(TimeDelta::days(6)).await;
    forget().await;
    assert_eq!(ask(&again(&app).await).await, first);
    app.advance(TimeDelta::days(2)).await;
    forget().await;
    assert_ne!(ask(&again(&app).await).await, first, "it is of no use any more, and is made anew");
    app.process.stop().await;
}
