//! Operators of the installation: what they do with tenants, and what becomes known of their looks.

use chrono::TimeDelta;
use domain::access::{operators, tenants::suspend};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Answer, Client, PASSWORD, TestApp};

use crate::{archive, inbound, isolation::OPEN, one_of_each::ids};

const LOGS: &str = "/api/v1/compliance/audit-logs";

/// A request as an operator makes it who looks into a tenant.
pub fn looking(request: RequestBuilder, tenant: &str) -> RequestBuilder {
    request.header("switchboard-tenant", tenant).header("switchboard-reason", "ticket 4711")
}

async fn look(operator: &Client, tenant: &str, path: &str) -> Answer {
    operator.send(looking(operator.request(Method::GET, path), tenant)).await
}

#[tokio::test]
async fn a_tenant_reads_who_looked_into_it_and_why() {
    let app = TestApp::start().await;
    let (admin, operator) = (&app.acme.admin, app.operator("Olga").await);
    let lead = admin.post("/api/v1/leads", &json!({"email": "ada@example.com"})).await.expect(201);
    let path = format!("/api/v1/leads/{}", lead["id"].as_str().expect("an id"));
    let seen = look(&operator, "acme", &format!("{path}?fields=id,email")).await;
    assert!(seen.headers.contains_key("ratelimit"), "an operator is counted");
    assert_eq!(seen.expect(200)["id"], lead["id"]);
    let me = look(&operator, "acme", "/api/v1/me").await.expect(200);
    assert_eq!((&me["kind"], &me["tenant_id"]), (&json!("operator"), &json!(app.acme.id)));
    let held = me["permissions"].to_string();
    assert!(held.contains("leads:read") && !held.contains("personal:read") && !held.contains("write"));

    let told = admin.all(&format!("{LOGS}?action=look&resource=route")).await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["resource_id"], json!(format!("GET {path}")));
    assert_eq!(told[1]["detail"], json!({"operator": "Olga", "why": "ticket 4711"}));
    let by = (&told[1]["actor_kind"], &told[1]["actor_id"], &told[1]["severity"]);
    assert_eq!(by, (&json!("operator"), &me["id"], &json!("notice")));
    assert!(told[1]["request_id"].is_string());
    assert!(app.other.admin.all(&format!("{LOGS}?action=look")).await.is_empty());

    suspend(&app.machine(), "acme", "has not paid").await.expect("suspended");
    look(&operator, "acme", &path).await.expect(200);
    app.process.stop().await;
}

#[tokio::test]
async fn a_look_needs_a_tenant_and_a_reason_and_shows_no_more_than_it_may() {
    let app = TestApp::start().await;
    let operator = app.operator("Olga").await;
    let get = || operator.request(Method::GET, "/api/v1/leads");
    for request in [
        get(),
        get().header("switchboard-tenant", "acme"),
        get().header("switchboard-reason", "ticket 4711"),
        get().header("switchboard-tenant", "acme").header("switchboard-reason", " x "),
    ] {
        assert_eq!(operator.send(request).await.problem(400), "operator-headers-missing");
    }
    assert_eq!(look(&operator, "nobody", "/api/v1/leads").await.problem(404), "not-found");
    let ticket = looking(operator.request(Method::POST, "/api/v1/ws/tickets"), "acme");
    assert_eq!(operator.send(ticket).await.problem(403), "operators-only-look");
    assert!(app.acme.admin.all(&format!("{LOGS}?action=look")).await.is_empty());

    // What was refused stands in the log of the installation, which is looked into in the same way.
    let page = look(&operator, "installation", &format!("{LOGS}?action=access")).await.expect(200);
    assert_eq!(page["items"][0]["resource_id"], "POST /api/v1/ws/tickets");
    assert_eq!(page["items"][0]["outcome"], "denied");
    let made = look(&operator, "installation", &format!("{LOGS}?action=create&resource=operator")).await;
    assert_eq!(made.expect(200)["items"][0]["detail"]["name"], "Olga");
    app.process.stop().await;
}

#[tokio::test]
async fn an_operators_key_is_good_until_it_is_revoked_or_expires() {
    let app = TestApp::start().await;
    let (by, gate) = (app.machine(), &app.process.app.gate);
    let operator = app.operator("Olga").await;
    operator.get("/api/v1/tenants").await.expect(200);
    let key = operator.bearer.clone().expect("a key");
    let last = if key.ends_with('0') { "1" } else { "0" };
    for wrong in [format!("{}{last}", &key[..key.len() - 1]), "sbo_".into(), key.replacen("sbo_", "sb_", 1)] {
        let refused = operator.with_bearer(&wrong).get("/api/v1/tenants").await;
        assert_eq!(refused.problem(401), "unauthenticated");
    }
    let name = "Olga".parse().expect("a name");
    let later = by.platform.clock.now() + TimeDelta::days(1);
    let again = operators::create(&by, gate, &name, later).await.map(drop);
    assert!(again.expect_err("she has a key").to_string().contains("revoke it first"));

    let id = operators::list(&by).await.expect("a list").first().expect("an operator").id;
    operators::revoke(&by, id).await.expect("revoked");
    assert!(operators::revoke(&by, id).await.is_err(), "twice");
    assert_eq!(operator.get("/api/v1/tenants").await.problem(401), "unauthenticated");
    let anew = app.operator("Olga").await;
    anew.get("/api/v1/tenants").await.expect(200);
    app.advance(TimeDelta::days(2)).await;
    assert_eq!(anew.get("/api/v1/tenants").await.problem(401), "unauthenticated");
    app.process.stop().await;
}

fn third(slug: &str) -> Value {
    json!({
        "slug": slug, "name": "Third", "zone": "Europe/Berlin", "locale": "de-AT",
        "admin": {"name": "Ada", "email": "ada@example.com"},
    })
}

#[tokio::test]
async fn an_operator_makes_a_tenant_whose_admin_chooses_a_password_by_a_link() {
    let app = TestApp::start().await;
    let operator = app.operator("Olga").await;
    let made = operator.post("/api/v1/tenants", &third("third")).await;
    assert_eq!(made.location(), Some("/api/v1/tenants/third"));
    let made = made.expect(201);
    assert_eq!((&made["zone"], &made["locale"]), (&json!("Europe/Berlin"), &json!("de-AT")));
    let anyone = operator.anonymous();
    let link = json!({"token": made["password_link"]["token"], "password": PASSWORD});
    anyone.post("/api/v1/auth/password", &link).await.expect(204);
    let admin = anyone.login("third", "ada@example.com", PASSWORD).await;
    let told = admin.all(&format!("{LOGS}?action=create&resource=tenant")).await;
    assert_eq!(
        (&told[0]["actor_kind"], &told[0]["detail"]["operator"]),
        (&json!("operator"), &json!("Olga"))
    );

    for (field, value, status) in [
        ("slug", json!("third"), 409),
        ("slug", json!("installation"), 409),
        ("slug", json!("Not A Slug"), 422),
        ("zone", json!("Mars/Olympus"), 422),
        ("locale", json!("english"), 422),
        ("admin", json!({"name": "Ada", "email": "ada@example.com", "password": "short"}), 422),
    ] {
        let mut body = third("fourth");
        body[field] = value;
        let _ = operator.post("/api/v1/tenants", &body).await.problem(status);
    }
    let listed = operator.all("/api/v1/tenants").await;
    let slugs: Vec<&str> = listed.iter().map(|tenant| tenant["slug"].as_str().expect("a slug")).collect();
    assert_eq!(slugs, ["acme", "other", "third"]);
    let first = operator.get("/api/v1/tenants?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("there are more");
    let second = operator.get(&format!("/api/v1/tenants?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((&first["items"][0]["slug"], &second["items"][0]["slug"]), (&json!("acme"), &json!("other")));
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_that_is_asked_for_twice_with_one_key_is_made_once() {
    let app = TestApp::start().await;
    let (operator, second) = (app.operator("Olga").await, app.operator("Oleg").await);
    let make = async |by: &Client, key: &str, body: &Value| {
        let request = by.request(Method::POST, "/api/v1/tenants").header("idempotency-key", key);
        by.send(request.json(body)).await
    };
    let first = make(&operator, "k", &third("third")).await.expect(201);
    assert!(first["password_link"]["token"].is_string());
    let again = make(&operator, "k", &third("third")).await;
    assert_eq!((again.status, again.location()), (201, Some("/api/v1/tenants/third")));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(again.body.is_null(), "the link was shown once and is kept nowhere");
    for other in [third("fourth"), json!({"slug": "third", "name": "Other", "admin": third("x")["admin"]})] {
        assert_eq!(make(&operator, "k", &other).await.problem(422), "idempotency-key-reused");
    }
    assert_eq!(make(&operator, "l", &third("third")).await.problem(409), "slug-taken");
    // What was refused was not begun, so its key is free; and another operator's keys are others.
    make(&operator, "l", &third("fourth")).await.expect(201);
    assert_eq!(make(&second, "k", &third("third")).await.problem(409), "slug-taken");
    make(&second, "k", &third("fifth")).await.expect(201);

    let sixth = third("sixth");
    let (one, two) = tokio::join!(make(&operator, "m", &sixth), make(&operator, "m", &sixth));
    let founded = [&one, &two].iter().filter(|answer| answer.body["id"].is_string()).count();
    assert_eq!(founded, 1, "{one:?} {two:?}");
    for answer in [one, two] {
        assert!(answer.status == 201 || answer.problem(409) == "idempotency-in-progress");
    }
    let slugs = operator.all("/api/v1/tenants").await.len();
    assert_eq!(slugs, 6, "acme, other, third, fourth, fifth and sixth");
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_that_was_cut_off_halfway_is_finished_by_the_same_request() {
    let app = TestApp::start().await;
    let operator = app.operator("Olga").await;
    let request = || {
        let request = operator.request(Method::POST, "/api/v1/tenants").header("idempotency-key", "k");
        operator.send(request.json(&third("third")))
    };
    // The tenant stands, and its admin cannot be made: as a crash between the two would leave it.
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let mut spoil = async |to: &str| {
        let check = format!("alter table users {to}");
        sqlx::raw_sql(AssertSqlSafe(check)).execute(&mut owner).await.expect("altered");
    };
    spoil("add constraint nobody check (false) not valid").await;
    assert_eq!(request().await.problem(500), "internal");
    spoil("drop constraint nobody").await;
    let made = request().await.expect(201);
    assert!(made["password_link"]["token"].is_string(), "nothing was answered before");
    assert_eq!(request().await.headers["idempotent-replayed"], "true");
    app.process.stop().await;
}

#[tokio::test]
async fn an_operator_renames_suspends_and_readmits_a_tenant_which_reads_so() {
    let app = TestApp::start().await;
    let (admin, operator) = (&app.acme.admin, app.operator("Olga").await);
    let change = async |body: Value| operator.patch("/api/v1/tenants/acme", &body).await;
    assert_eq!(change(json!({"name": "Acme Ltd"})).await.expect(200)["name"], "Acme Ltd");
    let unexplained = change(json!({"suspended": true})).await.expect(422);
    assert_eq!(unexplained["errors"][0]["pointer"], "/why");
    admin.get("/api/v1/me").await.expect(200);
    let kept_out = change(json!({"suspended": true, "why": "has not paid"})).await.expect(200);
    assert!(kept_out["suspended_at"].is_string());
    assert_eq!(admin.get("/api/v1/me").await.problem(401), "unauthenticated");
    change(json!({"suspended": true, "why": "said twice"})).await.expect(200);
    assert!(change(json!({"suspended": false})).await.expect(200)["suspended_at"].is_null());
    let told = admin.all(&format!("{LOGS}?resource=tenant")).await;
    let told: Vec<_> = told.iter().map(|entry| (&entry["action"], &entry["actor_kind"])).collect();
    let operators = ["readmit", "suspend", "update"].map(|action| (json!(action), json!("operator")));
    assert_eq!(told[..3], operators.each_ref().map(|(action, kind)| (action, kind)));
    for slug in ["nobody", "installation"] {
        let path = format!("/api/v1/tenants/{slug}");
        assert_eq!(operator.get(&path).await.problem(404), "not-found");
        assert_eq!(operator.patch(&path, &json!({"name": "x"})).await.problem(404), "not-found");
    }
    app.process.stop().await;
}

/// Whether operators may not look there: it takes more than to read, or shows what is personal.
fn is_beyond_sight(permission: Option<&str>) -> bool {
    permission.is_some_and(|needed| !needed.ends_with(":read") || needed == "deliveries:read")
}

#[tokio::test]
async fn operators_look_into_a_tenant_by_every_route_that_reads_and_change_nothing() {
    let app = TestApp::start().await;
    let operator = app.operator("Olga").await;
    let mut theirs = ids(&app.acme).await;
    let wrote = inbound::written(&app, &app.acme, &theirs["/api/v1/communication/providers"]).await;
    theirs.insert(inbound::INBOUND, wrote);
    theirs.insert(archive::ARCHIVES, archive::archived(&app, &app.acme).await);
    let description: Value = serde_json::from_str(&switchboard::http::openapi::text()).expect("JSON");
    let mut looked = Vec::new();
    for (path, item) in description["paths"].as_object().expect("paths") {
        let id = path.split_once("/{id}").and_then(|(prefix, _)| theirs.get(prefix));
        let id = id.map_or("", String::as_str);
        let url = path
            .replace("{id}", id)
            .replace("{session}", id)
            .replace("{tag}", "vip")
            .replace("{name}", "automation");
        for (method, operation) in item.as_object().expect("operations") {
            let permission = operation["x-permission"].as_str();
            if OPEN.contains(&path.as_str()) || permission == Some("operator") {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let body = switchboard_tests::example(&description, path, &method);
            // An operator is no agent, and says whose it is.
            let agent = json!(theirs["/api/v1/agents"]);
            let wanted = operation["parameters"].as_array().into_iter().flatten();
            let wanted: Vec<String> = wanted
                .filter(|one| one["in"] == "query")
                .filter_map(|one| match one["name"].as_str()? {
                    "agent_id" => Some(("agent_id", agent.as_str()?)),
                    name => Some((name, one["example"].as_str()?)).filter(|_| one["required"] == true),
                })
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let asked = format!("{url}?{}", wanted.join("&"));
            let request = || operator.request(method.clone(), &asked).json(&body);
            let (bare, looking) =
                (operator.send(request()).await, operator.send(looking(request(), "acme")).await);
            if method != Method::GET {
                assert_eq!(bare.problem(403), "operators-only-look");
                assert_eq!(looking.problem(403), "operators-only-look");
                continue;
            }
            assert_eq!(bare.problem(400), "operator-headers-missing");
            looked.push(format!("GET {url}"));
            if is_beyond_sight(permission) {
                assert_eq!(looking.problem(403), "permission-missing");
            } else {
                looking.expect(200);
            }
        }
    }
    let told = app.acme.admin.all("/api/v1/compliance/audit-logs?action=look").await;
    let mut told: Vec<&str> =
        told.iter().map(|entry| entry["resource_id"].as_str().expect("a route")).collect();
    told.sort_unstable();
    looked.sort_unstable();
    assert_eq!(told, looked, "each look is written down");
    assert!(looked.len() > 30, "{looked:?}");
    assert!(app.other.admin.all("/api/v1/compliance/audit-logs?action=look").await.is_empty());
    app.process.stop().await;
}
