//! Two tenants: every route refuses the other's ids. The routes come from the table itself.

use domain::access::tenants::suspend;
use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::{
    archive, inbound,
    one_of_each::{campaign, ids},
};

#[tokio::test]
async fn every_route_refuses_the_other_tenants_ids() {
    let app = TestApp::start().await;
    let mut theirs = ids(&app.other).await;
    let wrote = inbound::written(&app, &app.other, &theirs["/api/v1/communication/providers"]).await;
    theirs.insert(inbound::INBOUND, wrote);
    theirs.insert(archive::ARCHIVES, archive::archived(&app, &app.other).await);
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        let Some((prefix, rest)) = path.split_once("/{id}") else { continue };
        let id = theirs.get(prefix).unwrap_or_else(|| panic!("give this test an id for {prefix}"));
        for method in item.as_object().expect("operations").keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let reads = method == Method::GET;
            let url = format!("{prefix}/{id}{rest}").replace("{session}", id).replace("{tag}", "vip");
            let body = switchboard_tests::example(&description, path, &method);
            let request = |client: &switchboard_tests::Client| {
                let request = client.request(method.clone(), &url);
                if body.is_null() { request } else { request.json(&body) }
            };
            let answer = app.acme.admin.send(request(&app.acme.admin)).await;
            assert_eq!(answer.problem(404), "not-found");
            let anonymous = app.acme.admin.anonymous();
            assert_eq!(anonymous.send(request(&anonymous)).await.problem(401), "unauthenticated");
            if reads {
                // The same address works for its owner, so the refusal above means something.
                app.other.admin.send(request(&app.other.admin)).await.expect(200);
            }
            asked += 1;
        }
    }
    assert!(asked >= theirs.len(), "{asked} routes with an id");
    println!("security-cases {asked}");
    app.process.stop().await;
}

#[tokio::test]
async fn lists_hold_nothing_of_the_other_tenant() {
    let app = TestApp::start().await;
    let mut theirs = ids(&app.other).await;
    let wrote = inbound::written(&app, &app.other, &theirs["/api/v1/communication/providers"]).await;
    theirs.insert(inbound::INBOUND, wrote);
    theirs.insert(archive::ARCHIVES, archive::archived(&app, &app.other).await);
    for (path, id) in &theirs {
        if *path == "/api/v1/operations" {
            continue;
        }
        let own = app.acme.admin.all(path).await;
        assert!(!own.iter().any(|item| item["id"] == **id), "{path} leaks {id}");
        let other = app.other.admin.all(path).await;
        assert!(other.iter().any(|item| item["id"] == **id), "{path} does not list {id}");
    }
    app.process.stop().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of bodies")]
async fn ids_in_bodies_are_refused_like_those_in_paths() {
    let app = TestApp::start().await;
    let theirs = ids(&app.other).await;
    let (ours, admin) = (ids(&app.acme).await, &app.acme.admin);
    let their = |path: &str| json!(theirs[path]);
    let our = |path: &str| json!(ours[path]);
    let (providers, templates) = ("/api/v1/communication/providers", "/api/v1/communication/templates");
    let message = |provider: Value, template: Value, lead: Value| json!({"provider_id": provider, "template_id": template, "lead_id": lead, "to": "x@example.com"});
    let messages = "/api/v1/communication/messages";
    let (score, route) = ("/api/v1/automation/leads/score", "/api/v1/automation/leads/route");
    let run = |field: &str, theirs: Value| {
        let mut input = json!({
            "lead_id": our("/api/v1/leads"), "strategy": "team", "team_id": our("/api/v1/teams"),
            "provider_id": our(providers), "welcome_template_id": our(templates),
            "follow_up_template_id": our(templates),
        });
        input[field] = theirs;
        json!({"workflow": "onboard_lead", "input": input})
    };
    for (path, body, status) in [
        (messages, message(their(providers), our(templates), our("/api/v1/leads")), 422),
        (messages, message(our(providers), their(templates), our("/api/v1/leads")), 422),
        (messages, message(our(providers), our(templates), their("/api/v1/leads")), 422),
        ("/api/v1/agents", json!({"name": "a", "capacity": 1, "team_id": their("/api/v1/teams")}), 422),
        (score, json!({"lead_id": their("/api/v1/leads")}), 404),
        (score, json!({"import_id": their("/api/v1/leads/imports")}), 422),
        (
            route,
            json!({"lead_id": their("/api/v1/leads"), "strategy": "team", "team_id": our("/api/v1/teams")}),
            404,
        ),
        (
            route,
            json!({"lead_id": our("/api/v1/leads"), "strategy": "direct", "agent_id": their("/api/v1/agents")}),
            422,
        ),
        (
            "/api/v1/automation/routing-rules",
            json!({"name": "theirs", "strategy": "round_robin", "team_id": their("/api/v1/teams")}),
            422,
        ),
        ("/api/v1/calls", json!({"direction": "outbound", "lead_id": their("/api/v1/leads")}), 422),
        (
            "/api/v1/calls",
            json!({"direction": "outbound", "number": "+4930901820", "agent_id": their("/api/v1/agents")}),
            422,
        ),
        (
            "/api/v1/calls",
            json!({"direction": "inbound", "number": "+4930901820", "team_id": their("/api/v1/teams")}),
            422,
        ),
        (
            "/api/v1/compliance/gdpr/consent",
            json!({
                "lead_id": their("/api/v1/leads"), "channel": "email", "purpose": "marketing", "granted": true,
                "source": "a form",
            }),
            422,
        ),
        ("/api/v1/compliance/gdpr/access", json!({"lead_id": their("/api/v1/leads")}), 422),
        ("/api/v1/compliance/gdpr/access", json!({"user_id": their("/api/v1/users")}), 422),
        ("/api/v1/compliance/gdpr/deletion", json!({"lead_id": their("/api/v1/leads")}), 422),
        (
            "/api/v1/compliance/legal-holds",
            json!({"lead_id": their("/api/v1/leads"), "reason": "r", "law": "l"}),
            422,
        ),
        (
            "/api/v1/compliance/gdpr/restriction",
            json!({"lead_id": their("/api/v1/leads"), "reason": "r"}),
            422,
        ),
        (
            "/api/v1/compliance/gdpr/rectification",
            json!({"lead_id": their("/api/v1/leads"), "reason": "r", "change": {"name": "n"}}),
            422,
        ),
        ("/api/v1/automation/leads/route/preview", json!({"lead_id": their("/api/v1/leads")}), 404),
        ("/api/v1/workflows", run("lead_id", their("/api/v1/leads")), 422),
        ("/api/v1/workflows", run("team_id", their("/api/v1/teams")), 422),
        ("/api/v1/workflows", run("provider_id", their(providers)), 422),
        ("/api/v1/workflows", run("follow_up_template_id", their(templates)), 422),
        ("/api/v1/communication/templates/preview", json!({"template_id": their(templates)}), 422),
        ("/api/v1/campaigns", campaign(Some(&their(providers)), &our(templates)), 422),
        ("/api/v1/campaigns", campaign(None, &their(templates)), 422),
        ("/api/v1/campaigns/preview", campaign(None, &their(templates)), 422),
        ("/api/v1/automation/schedule-campaign", json!({"campaign_id": their("/api/v1/campaigns")}), 404),
    ] {
        let _ = admin.post(path, &body).await.problem(status);
    }
    let into = format!("/api/v1/sequences/{}/enrolments", ours["/api/v1/sequences"]);
    let _ = admin.post(&into, &json!({"lead_id": their("/api/v1/leads")})).await.problem(422);
    let into = json!({"kind": "enrol", "sequence_id": their("/api/v1/sequences")});
    let into = json!({"action": into, "filter": {"status": "new"}});
    let _ = admin.post("/api/v1/leads/actions", &into).await.problem(422);
    let merge = format!("/api/v1/leads/{}/merge", ours["/api/v1/leads"]);
    let _ = admin.post(&merge, &json!({"loser_id": their("/api/v1/leads")})).await.problem(422);
    let agent = format!("/api/v1/agents/{}", ours["/api/v1/agents"]);
    let moved = admin.patch(&agent, &json!({"team_id": their("/api/v1/teams")})).await;
    assert_eq!(moved.problem(422), "invalid");
    let able = json!({"skills": [{"skill_id": their("/api/v1/skills"), "level": 1}]});
    let able = admin.send(admin.request(Method::PUT, &format!("{agent}/skills")).json(&able)).await;
    assert_eq!(able.problem(422), "invalid");
    let team = format!("/api/v1/teams/{}", ours["/api/v1/teams"]);
    let helped = admin.patch(&team, &json!({"overflow_team_id": their("/api/v1/teams")})).await;
    assert_eq!(helped.problem(422), "invalid");
    app.process.stop().await;
}

/// What anyone may call, by what each is for.
pub const OPEN: [&str; 17] = [
    "/livez",
    "/readyz",
    "/version",
    "/metrics",
    "/problems",
    "/problems/{kind}",
    "/api/v1/openapi.json",
    "/api/v1/asyncapi.json",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/password",
    "/api/v1/ws",
    "/callbacks/calls/{token}",
    "/unsubscribe/{token}",
    "/exports/{token}",
    "/files/{token}",
    "/callbacks/{kind}/{token}",
];

#[tokio::test]
async fn every_route_wants_a_valid_token_and_its_own_permission() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mut mine = ids(&app.acme).await;
    let wrote = inbound::written(&app, &app.acme, &mine["/api/v1/communication/providers"]).await;
    mine.insert(inbound::INBOUND, wrote);
    mine.insert(archive::ARCHIVES, archive::archived(&app, &app.acme).await);
    let key = async |permission: &str| {
        let made = admin
            .post("/api/v1/api-keys", &json!({"name": "k", "permissions": [permission]}))
            .await
            .expect(201);
        (
            made["id"].as_str().expect("an id").to_owned(),
            admin.with_bearer(made["key"].as_str().expect("a key")),
        )
    };
    app.other.admin.get("/api/v1/me").await.expect(200);
    suspend(&app.machine(), "other", "").await.expect("suspended");
    let (leads_id, leads) = key("leads:read").await;
    let (_, users) = key("users:read").await;
    admin.delete(&format!("/api/v1/api-keys/{leads_id}")).await.expect(204);
    let revoked = leads;
    let (_, leads) = key("leads:read").await;
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        let id = path.split_once("/{id}").and_then(|(prefix, _)| mine.get(prefix));
        let id = id.map_or("", String::as_str);
        let url = path.replace("{id}", id).replace("{session}", id).replace("{tag}", "vip");
        for (method, operation) in item.as_object().expect("operations") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let body = switchboard_tests::example(&description, path, &method);
            let send = async |client: &switchboard_tests::Client| {
                client.send(client.request(method.clone(), &url).json(&body)).await
            };
            assert_eq!(send(&admin.anonymous()).await.problem(401), "unauthenticated");
            assert_eq!(send(&revoked).await.problem(401), "unauthenticated");
            assert_eq!(send(&app.other.admin).await.problem(401), "unauthenticated", "of a suspended tenant");
            asked += 1;
            let Some(permission) = operation["x-permission"].as_str() else { continue };
            let without = if permission == "leads:read" { &users } else { &leads };
            assert_eq!(send(without).await.problem(403), "permission-missing");
            if permission == "operator" {
                assert_eq!(send(admin).await.problem(403), "permission-missing", "no tenant's role holds it");
            }
        }
    }
    println!("security-cases {asked}");
    app.process.stop().await;
}
