//! Conditional requests: what is known is not sent again, and what was read is what is changed.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::{Answer, Client, TestApp};

use crate::{archive, inbound, one_of_each::ids, routing::rules::lead, routing::team};

/// No version of anything.
const STALE: &str = "\"999999-0000000000000000\"";

fn tag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().expect("text").to_owned()
}

fn at(prefix: &str, id: &Value) -> String {
    format!("/api/v1/{prefix}/{}", id.as_str().expect("an id"))
}

async fn change(client: &Client, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    client.send(client.request(method, path).header("if-match", tag).json(body)).await
}

async fn look(client: &Client, path: &str, known: &str) -> Answer {
    client.send(client.request(Method::GET, path).header("if-none-match", known)).await
}

#[tokio::test]
async fn of_many_who_have_read_the_same_one_wins() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = at("leads", &lead(admin, &json!({})).await);
    let read = tag(&admin.get(&path).await);
    let wishes: Vec<Value> = (0..8).map(|number| json!({ "region": number.to_string() })).collect();
    let writes = wishes.iter().map(|wish| change(admin, "patch", &path, &read, wish));
    let mut winners = Vec::new();
    for answer in futures::future::join_all(writes).await {
        if answer.status == 200 {
            winners.push((tag(&answer), answer.body));
        } else {
            assert_eq!(answer.problem(412), "version-outdated");
        }
    }
    let [(written, winner)] = &winners[..] else { panic!("one wins: {winners:?}") };
    let now = admin.get(&path).await;
    assert_eq!(
        (&tag(&now), &now.body["version"], &now.body["region"]),
        (written, &json!(2), &winner["region"])
    );
    let lost = change(admin, "delete", &path, &read, &Value::Null).await;
    assert_eq!(lost.problem(412), "version-outdated");
    // Two tags, one of them right; and any.
    let either = format!("{read}, {written}");
    change(admin, "patch", &path, &either, &json!({"region": "x"})).await.expect(200);
    change(admin, "patch", &path, "*", &json!({"region": "y"})).await.expect(200);
    // As before without one, and the version of the body counts on its own.
    admin.patch(&path, &json!({"region": "z"})).await.expect(200);
    let both = change(admin, "patch", &path, "*", &json!({"region": "x", "version": 1})).await;
    assert_eq!(both.problem(409), "version-changed");
    let newest = tag(&admin.get(&path).await);
    change(admin, "delete", &path, &newest, &Value::Null).await.expect(204);
    assert_eq!(change(admin, "delete", &path, "*", &Value::Null).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_worked_out_is_sent_again_but_stands_in_nobodys_way() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let id = lead(admin, &json!({"name": "Ada Lovelace"})).await;
    let path = at("leads", &id);
    let read = tag(&admin.get(&path).await);
    let same = look(admin, &path, &read).await;
    assert_eq!((tag(&same), same.headers.contains_key("content-type")), (read.clone(), false));
    assert_eq!(same.expect(304), Value::Null);
    admin.post("/api/v1/automation/leads/score", &json!({ "lead_id": id })).await.expect(200);
    let scored = look(admin, &path, &read).await;
    assert_ne!(tag(&scored), read);
    assert!(scored.expect(200)["score"]["total"].is_i64());
    change(admin, "patch", &path, &read, &json!({"status": "contacted"})).await.expect(200);
    // A part of it has a tag of its own, by which all of it is changed.
    let part = admin.get(&format!("{path}?fields=status")).await;
    look(admin, &format!("{path}?fields=status"), &tag(&part)).await.expect(304);
    look(admin, &path, &tag(&part)).await.expect(200);
    change(admin, "patch", &path, &tag(&part), &json!({"status": "qualified"})).await.expect(200);
    // Whoever sees less is not told that they have what somebody else was sent.
    let whole = tag(&admin.get(&path).await);
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let masked = admin.with_bearer(key["key"].as_str().expect("a key"));
    let less = look(&masked, &path, &whole).await;
    assert_ne!(tag(&less), whole);
    assert_ne!(less.expect(200)["name"], "Ada Lovelace");
    app.process.stop().await;
}

#[tokio::test]
async fn an_agent_who_goes_with_their_leads_goes_as_they_were_read() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "sales", 1, 5).await;
    let id = lead(admin, &json!({})).await;
    let direct = json!({"lead_id": id, "strategy": "direct", "agent_id": agents[0]});
    admin.post("/api/v1/automation/leads/route", &direct).await.expect(200);
    let (path, leaving) = (at("agents", &agents[0]), format!("{}?requeue=true", at("agents", &agents[0])));
    let read = tag(&admin.get(&path).await);
    let resting = change(admin, "put", &format!("{path}/status"), &read, &json!({"status": "break"})).await;
    let rested = tag(&resting);
    resting.expect(200);
    let again = change(admin, "put", &format!("{path}/status"), &read, &json!({"status": "offline"})).await;
    assert_eq!(again.problem(412), "version-outdated");
    let stale = change(admin, "delete", &leaving, &read, &Value::Null).await;
    assert_eq!(stale.problem(412), "version-outdated");
    assert_eq!(admin.get(&at("leads", &id)).await.expect(200)["owner_id"], agents[0], "nothing was begun");
    change(admin, "delete", &leaving, &rested, &Value::Null).await.expect(204);
    app.process.stop().await;
}

/// A campaign to nobody, by a template that there is.
fn campaign(name: &str) -> Value {
    json!({
        "name": name, "audience": {"filter": {"email": "nobody@example.com"}},
        "content": {
            "channels": [{"channel": "email"}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template": "hello"}]}],
        },
    })
}

/// A body that changes each thing, by the path it is under.
fn bodies(team: &str) -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("/api/v1/agents", json!({"capacity": 2})),
        (
            "/api/v1/automation/routing-rules",
            json!({"name": "r", "strategy": "round_robin", "team_id": team}),
        ),
        (
            "/api/v1/analytics/saved-reports",
            json!({"name": "s", "kind": "lead", "span": "last_week", "format": "csv"}),
        ),
        ("/api/v1/automation/scoring-models", json!({})),
        ("/api/v1/call-sources", json!({"name": "another"})),
        ("/api/v1/calls", json!({"satisfaction": 3})),
        ("/api/v1/campaigns", campaign("another")),
        ("/api/v1/communication/providers", json!({"priority": 2})),
        ("/api/v1/communication/templates", json!({"subject": "Hi", "text": "another"})),
        ("/api/v1/communication/webhooks", json!({"name": "another"})),
        ("/api/v1/compliance/roles", json!({"name": "r", "permissions": ["leads:read"]})),
        ("/api/v1/gamification-advanced/badges", json!({"name": "b"})),
        (
            "/api/v1/gamification-advanced/challenges",
            json!({"name": "c", "period": "daily", "metric": "points", "target": 2}),
        ),
        ("/api/v1/gamification-advanced/competitions", json!({"name": "d", "metric": "points"})),
        ("/api/v1/gamification-advanced/rewards", json!({"name": "r", "price": 2})),
        ("/api/v1/gamification-advanced/rules", json!({"name": "r", "deed": "lead_created", "points": 2})),
        ("/api/v1/gamification-advanced/tiers", json!({"name": "t", "threshold": 2})),
        ("/api/v1/leads", json!({"region": "x"})),
        ("/api/v1/leads/attributes", json!({"name": "plan", "type": "text"})),
        ("/api/v1/schedules", json!({"name": "s", "work": {"kind": "score_leads"}, "crontab": "@monthly"})),
        ("/api/v1/sequences", json!({"name": "s", "definition": {"steps": []}})),
        ("/api/v1/skills", json!({"name": "s"})),
        ("/api/v1/teams", json!({"wrap_up_s": 5})),
        ("/api/v1/users", json!({"disabled": false})),
    ])
}

#[tokio::test]
async fn whatever_has_a_tag_is_changed_by_it_and_the_description_says_which() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut mine = ids(&app.acme).await;
    let wrote = inbound::written(&app, &app.acme, &mine["/api/v1/communication/providers"]).await;
    mine.insert(inbound::INBOUND, wrote);
    mine.insert(archive::ARCHIVES, archive::archived(&app, &app.acme).await);
    // Ones with which nothing else is being done.
    let alone = lead(admin, &json!({})).await;
    mine.insert("/api/v1/leads", alone.as_str().expect("an id").to_owned());
    let user = json!({"name": "B", "email": "b@example.com", "role": "Agent"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    mine.insert("/api/v1/users", user["id"].as_str().expect("an id").to_owned());
    let draft = admin.post("/api/v1/campaigns", &campaign("draft")).await.expect(201);
    mine.insert("/api/v1/campaigns", draft["id"].as_str().expect("an id").to_owned());
    let bodies = bodies(&mine["/api/v1/teams"]);
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let says = |operation: &Value, header: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|one| one["name"] == header && one["in"] == "header"))
    };
    let (mut tagged, mut changed) = (0, 0);
    for (path, item) in description["paths"].as_object().expect("paths") {
        let Some((prefix, "")) = path.split_once("/{id}") else { continue };
        if item["get"].is_null() {
            continue;
        }
        let url = format!("{prefix}/{}", mine[prefix]);
        let first = admin.get(&url).await;
        let told = item["get"]["responses"]["200"]["headers"]["ETag"].is_object();
        assert_eq!(first.headers.contains_key("etag"), told, "{path}");
        assert_eq!(says(&item["get"], "If-None-Match"), told, "{path}");
        if !told {
            continue;
        }
        tagged += 1;
        let read = tag(&first);
        for known in [read.clone(), format!("W/{read}"), format!("\"x\", {read}"), "*".into()] {
            assert_eq!(look(admin, &url, &known).await.expect(304), Value::Null, "{path} {known}");
        }
        look(admin, &url, STALE).await.expect(200);
        for method in ["put", "patch", "delete"].into_iter().filter(|method| item[*method].is_object()) {
            assert!(says(&item[method], "If-Match"), "{method} {path}");
            let body = bodies.get(prefix).filter(|_| method != "delete").cloned().unwrap_or_default();
            for stale in [STALE, "\"x\"", &format!("W/{read}")] {
                let refused = change(admin, method, &url, stale, &body).await;
                assert_eq!(refused.problem(412), "version-outdated", "{method} {path} {stale}");
            }
            let theirs = change(&app.other.admin, method, &url, &read, &body).await;
            assert_eq!(theirs.problem(404), "not-found", "{method} {path}");
            if method != "delete" {
                let made = change(admin, method, &url, &read, &body).await;
                assert_ne!(tag(&made), read, "{method} {path}");
                // What is never changed gets a next version, at an address of its own.
                let there = made.headers.get("content-location").map(|at| at.to_str().expect("text"));
                let there = admin.get(there.unwrap_or(&url)).await;
                assert_eq!(tag(&made), tag(&there), "{method} {path}");
                made.expect(200);
                let late = change(admin, method, &url, &read, &body).await;
                assert_eq!(late.problem(412), "version-outdated", "{method} {path}");
                change(admin, method, &url, "*", &body).await.expect(200);
                changed += 1;
            }
        }
    }
    assert!(tagged >= 14 && changed >= bodies.len(), "{tagged} {changed}");
    app.process.stop().await;
}

#[tokio::test]
async fn whoever_relies_on_a_condition_that_nothing_looks_at_is_told() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let path = at("leads", &lead(admin, &json!({})).await);
    for (method, path, body) in [
        ("patch", "/api/v1/tenant".to_owned(), json!({"zone": "Europe/Berlin"})),
        ("post", "/api/v1/teams".to_owned(), json!({"name": "t"})),
        ("post", format!("{path}/tags"), json!({"tags": ["vip"]})),
    ] {
        let refused = change(admin, method, &path, "\"1-0\"", &body).await;
        assert_eq!(refused.problem(400), "if-match-unknown", "{method} {path}");
    }
    assert!(admin.all("/api/v1/teams").await.is_empty(), "nothing was done");
    // A list has no tag, so nothing is known of it.
    let list = look(admin, "/api/v1/leads", "*").await;
    assert!(!list.headers.contains_key("etag"));
    list.expect(200);
    app.process.stop().await;
}
