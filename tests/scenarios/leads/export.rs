//! Leads as a file: whole, for whoever may have it, and harmless in a spreadsheet.

use std::collections::HashSet;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use switchboard_tests::{Client, PASSWORD, TestApp};

use crate::{
    leads::import,
    routing::rules::{ROUTE, lead},
    routing::team,
};

const EXPORT: &str = "/api/v1/leads/export";
const LEADS: &str = "/api/v1/leads";
const LOGS: &str = "/api/v1/compliance/audit-logs?resource=leads";

/// A whole file and what its answer says of it.
async fn file(client: &Client, query: &str) -> (HeaderMap, String) {
    let response = client.request(Method::GET, &format!("{EXPORT}?{query}")).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    (headers, response.text().await.expect("a whole file"))
}

/// A cell of each row, of a file whose cells hold no comma.
fn column<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at = header.iter().position(|known| *known == name).expect("the column");
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len(), "{cells:?}");
            cells[at]
        })
        .collect()
}

async fn key(client: &Client, permissions: &[&str]) -> (Value, Client) {
    let key = json!({"name": "k", "permissions": permissions});
    let made = client.post("/api/v1/api-keys", &key).await.expect(201);
    let key = client.with_bearer(made["key"].as_str().expect("a key"));
    (made["id"].clone(), key)
}

#[tokio::test]
async fn a_file_of_many_pieces_holds_each_lead_once_and_nobody_elses() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let rows: String = (0..600).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    import(admin, rows).await.expect(201);
    import(other, "email\ntheirs@example.com\n").await.expect(201);
    let (headers, text) = file(admin, "").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    let name = headers["content-disposition"].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"leads-") && name.ends_with(".csv\""), "{name}");
    let listed = admin.all(LEADS).await;
    let ids: Vec<&str> = listed.iter().map(|lead| lead["id"].as_str().expect("an id")).collect();
    assert_eq!(column(&text, "id"), ids, "all of them, newest first");
    let emails: HashSet<&str> = column(&text, "email").into_iter().collect();
    assert!(emails.len() == 600 && !emails.contains("theirs@example.com"), "{}", emails.len());

    let (headers, text) = file(admin, "format=ndjson").await;
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(lines, listed, "as the list shows them");

    let told = admin.all(LOGS).await;
    let of =
        |action: &str| -> Vec<&Value> { told.iter().filter(|entry| entry["action"] == action).collect() };
    let (begun, ended) = (of("export"), of("finish_export"));
    assert_eq!((begun.len(), ended.len()), (2, 2));
    assert_eq!(ended[0]["detail"], json!({"rows": 600}));
    assert_eq!(ended[0]["resource_id"], begun[0]["resource_id"]);
    assert_eq!((&begun[1]["detail"]["format"], &begun[1]["detail"]["scope"]), (&json!("csv"), &json!("all")));
    assert_eq!(file(other, "").await.1.lines().count(), 2);
    assert_eq!(file(other, "status=lost").await.1.lines().count(), 1, "the header");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_runs_in_no_spreadsheet_and_shows_what_its_reader_may_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for (name, personal) in [("plan", false), ("secret", true)] {
        let attribute = json!({"name": name, "type": "text", "personal": personal});
        admin.post("/api/v1/leads/attributes", &attribute).await.expect(201);
    }
    let attributes = json!({"plan": "-1+1", "secret": "=cmd", "else": "unnamed"});
    let made = json!({
        "name": "=HYPERLINK(1)", "phone": "+14155550100", "email": "ada@example.com", "region": "@home",
        "tags": ["a", "+b"], "attributes": attributes,
    });
    lead(admin, &made).await;
    let one = |text: &str, name: &str| column(text, name)[0].to_owned();
    let (_, text) = file(admin, "").await;
    for (name, cell) in [
        ("name", "'=HYPERLINK(1)"),
        ("phone", "+14155550100"),
        ("email", "ada@example.com"),
        ("region", "'@home"),
        ("tags", "a|+b"),
        ("attr.plan", "'-1+1"),
        ("attr.secret", "'=cmd"),
    ] {
        assert_eq!(one(&text, name), cell, "{name}");
    }
    let (_, blind) = key(admin, &["leads:read", "leads:export"]).await;
    let (_, text) = file(&blind, "").await;
    for (name, cell) in [
        ("name", "'=•••"),
        ("phone", "•••00"),
        ("email", "a•••@example.com"),
        ("attr.plan", "'-1+1"),
        ("attr.secret", ""),
    ] {
        assert_eq!(one(&text, name), cell, "{name}");
    }
    for text in [text, file(&blind, "format=ndjson").await.1] {
        for plain in ["HYPERLINK", "415555", "ada@", "cmd", "unnamed"] {
            assert!(!text.contains(plain), "it shows {plain}: {text}");
        }
    }
    let told = admin.get(LOGS).await.expect(200);
    let personal: Vec<&Value> = told["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|entry| entry["action"] == "export")
        .map(|entry| &entry["detail"]["personal"])
        .collect();
    assert_eq!(personal, [&json!(false), &json!(false), &json!(true)]);
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_is_for_whoever_may_have_it_and_holds_what_they_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let (_, agents) = team(admin, "north", 1, 5).await;
    let owned = lead(admin, &json!({"email": "own@example.com", "tags": ["VIP"]})).await;
    lead(admin, &json!({"email": "far@example.com", "status": "lost"})).await;
    let direct = json!({"lead_id": owned, "strategy": "direct", "agent_id": agents[0]});
    admin.post(ROUTE, &direct).await.expect(200);
    let found = async |client: &Client, query: &str| file(client, query).await.1.lines().count() - 1;
    let manager = app.user(&app.acme, "Manager").await;
    assert_eq!(found(&manager, "").await, 2);
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.get(EXPORT).await.problem(403), "permission-missing");
    let (_, reader) = key(admin, &["leads:read"]).await;
    assert_eq!(reader.get(EXPORT).await.problem(403), "permission-missing");
    let rights = json!({"name": "own", "scope": "own", "permissions": ["leads:read", "leads:export"]});
    admin.post("/api/v1/compliance/roles", &rights).await.expect(201);
    let email = "own@acme.example.com";
    let user = json!({"name": "Own", "email": email, "password": PASSWORD, "role": "own"});
    let user = admin.post("/api/v1/users", &user).await.expect(201);
    let agent = format!("/api/v1/agents/{}", agents[0].as_str().expect("an id"));
    admin.patch(&agent, &json!({"user_id": user["id"]})).await.expect(200);
    let own = admin.anonymous().login("acme", email, PASSWORD).await;
    assert_eq!(column(&file(&own, "").await.1, "id"), [owned.as_str().expect("an id")]);

    for (query, leads) in [
        ("status=lost", 1),
        ("tag=vip", 1),
        ("email=FAR@example.com", 1),
        ("tag=vip&status=lost", 0),
        ("source=referral", 0),
    ] {
        assert_eq!(found(admin, query).await, leads, "{query}");
    }
    let told = admin.all(LOGS).await;
    assert!(told.iter().any(|entry| entry["detail"]["by"] == json!(["tag"])), "{told:?}");
    assert!(!format!("{told:?}").contains("example.com"), "{told:?}");
    let (_, blind) = key(admin, &["leads:read", "leads:export"]).await;
    let asked = format!("{EXPORT}?email=own@example.com");
    assert_eq!(blind.get(&asked).await.problem(403), "permission-missing", "what is found tells the value");
    for odd in ["format=xml", "limit=1", "attr.none=1", "status=odd"] {
        assert_eq!(admin.get(&format!("{EXPORT}?{odd}")).await.problem(422), "invalid", "{odd}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn what_was_taken_out_can_be_taken_in_again() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let ada = json!({
        "name": "Ada \"Countess\" Lovelace, London", "phone": "+14155550100", "email": "ada@example.com",
        "status": "qualified", "source": "referral", "language": "en", "region": "London", "value_cents": 990,
        "tags": ["vip", "new"],
    });
    lead(admin, &ada).await;
    lead(admin, &json!({"name": "日本 太郎", "phone": "+81312345678"})).await;
    let (_, text) = file(admin, "").await;
    let report = import(other, text).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(2), &json!(0)));
    let (before, after) = (admin.all(LEADS).await, other.all(LEADS).await);
    for field in ["name", "phone", "email", "status", "source", "language", "region", "value_cents", "tags"] {
        let of = |leads: &[Value]| -> HashSet<String> {
            leads.iter().map(|lead| lead[field].to_string()).collect()
        };
        assert_eq!(of(&before), of(&after), "{field}");
    }
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_breaks_off_for_whoever_loses_the_right_while_they_take_it() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    // More than the network holds on its way.
    let many = format!(
        "set session_replication_role = replica;
         insert into leads (tenant_id, id, status, source, region)
         select '{}', gen_random_uuid(), 'new', 'import', repeat('x', 2000) from generate_series(1, 20000)",
        app.acme.id
    );
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(many)).execute(&mut owner).await.expect("the owner may");
    let (id, key) = key(admin, &["leads:read", "leads:export"]).await;
    let mut response = key.request(Method::GET, EXPORT).send().await.expect("an answer");
    assert!(response.chunk().await.expect("a beginning").is_some());
    admin.delete(&format!("/api/v1/api-keys/{}", id.as_str().expect("an id"))).await.expect(204);
    let broken = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "nobody takes it for a whole file");
    let told = admin.all(LOGS).await;
    assert_eq!((told.len(), &told[0]["action"]), (1, &json!("export")), "it was begun and never ended");
    app.process.stop().await;
}
