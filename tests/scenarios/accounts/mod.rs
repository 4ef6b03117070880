//! Accounts: set up, changed, tried out and taken away.

mod paused;

use fakes::smtp::{Nature, Server};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use switchboard_tests::{Answer, Client, Socket, TestApp};

use crate::smtp;

const PROVIDERS: &str = "/api/v1/communication/providers";
/// What no answer, row, event or log may hold.
const CANARY: &str = "canary-5f1e2d-hush";

fn at(provider: &Value) -> String {
    format!("{PROVIDERS}/{}", provider["id"].as_str().expect("an id"))
}

/// An account at a server.
fn account(server: &Server, name: &str, tls: &str, from: &str) -> Value {
    json!({"name": name, "kind": "smtp", "credentials": {
        "host": server.addr.ip().to_string(), "port": server.addr.port(), "tls": tls,
        "from": format!("{from} <a@example.com>"),
    }})
}

async fn change_as_read(client: &Client, path: &str, tag: &str, body: &Value) -> Answer {
    client.send(client.request(Method::PATCH, path).header("if-match", tag).json(body)).await
}

/// Tables in which a text stands, as it is or as bytes in hexadecimal digits.
async fn holding(app: &TestApp, text: &str) -> Vec<String> {
    let mut system = app.database.connect_as("switchboard_system").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass::text from pg_class c
          where c.relkind in ('r', 'p') and not c.relispartition
            and c.relnamespace::regnamespace::text in ('engine', 'public')
            and has_table_privilege('switchboard_system', c.oid, 'select')",
    )
    .fetch_all(&mut system)
    .await
    .expect("the catalogue answers");
    assert!(tables.len() > 15, "{tables:?}");
    let mut holding = Vec::new();
    for table in tables {
        let asked = format!(
            "select exists (select from {table} t
              where position($1 in t::text) > 0 or position(encode(convert_to($1, 'utf8'), 'hex') in t::text) > 0)"
        );
        let found: bool = sqlx::query_scalar(AssertSqlSafe(asked))
            .bind(text)
            .fetch_one(&mut system)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        if found {
            holding.push(table);
        }
    }
    holding
}

#[tokio::test]
async fn credentials_go_in_and_never_come_out() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    let mut said = Vec::new();
    let made = admin.post(PROVIDERS, &account(&server, "mail", "none", CANARY)).await.expect(201);
    let path = at(&made);
    let others = account(&server, "mail", "none", CANARY)["credentials"].clone();
    said.push(admin.patch(&path, &json!({"credentials": others})).await.expect(200));
    said.push(admin.post(&format!("{path}/verify"), &json!({})).await.expect(200));
    let mut unfit = account(&server, "more", "none", CANARY);
    unfit["credentials"]["colour"] = json!(CANARY);
    said.push(admin.post(PROVIDERS, &unfit).await.expect(422));
    let template = smtp::template(admin).await;
    let message = json!({"provider_id": made["id"], "template_id": template, "to": "a@example.com", "variables": {"name": "A"}});
    let mut socket = Socket::open(admin, Some(0)).await;
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    said.extend(socket.until("message.sent").await);
    said.push(
        admin
            .get(&format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id")))
            .await
            .expect(200),
    );
    said.extend(admin.all(PROVIDERS).await);
    said.extend([admin.get(&path).await.expect(200), made]);
    said.extend(admin.all("/api/v1/compliance/audit-logs").await);
    said.extend(admin.all("/api/v1/jobs").await);
    for one in &said {
        assert!(!one.to_string().contains(CANARY), "{one}");
    }
    let mails = server.ledger();
    assert!(mails[0].header("from").is_some_and(|from| from.contains(CANARY)), "it was of use all the same");
    assert_eq!(holding(&app, CANARY).await, [""; 0]);
    // The search would find what is there.
    assert!(holding(&app, "hello").await.contains(&"templates".to_owned()));
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_is_set_up_as_its_kind_allows() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for (more, wanted) in [
        (json!({"kind": "carrier_pigeon"}), "/kind"),
        (json!({"kind": "smtp", "channel": "sms"}), "/channel"),
        (json!({"credentials": {"colour": "red"}}), "/credentials/colour"),
        (json!({"priority": 0}), "/priority"),
        (json!({"rate_per_s": 0}), "/rate_per_s"),
        (json!({"max_running": 0}), "/max_running"),
    ] {
        let mut new = json!({"name": "p", "kind": "sandbox"});
        for (field, value) in more.as_object().expect("an object") {
            new[field] = value.clone();
        }
        let refused = admin.post(PROVIDERS, &new).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], wanted, "{refused}");
    }
    let plain = admin.post(PROVIDERS, &json!({"name": "p", "kind": "sandbox"})).await.expect(201);
    assert_eq!(
        (&plain["channel"], &plain["priority"], &plain["version"]),
        (&json!("email"), &json!(1), &json!(1))
    );
    let sms = json!({"name": "s", "kind": "sandbox", "channel": "sms", "priority": 7, "rate_per_s": 2.5, "max_running": 3});
    let sms = admin.post(PROVIDERS, &sms).await.expect(201);
    assert_eq!((&sms["channel"], &sms["priority"]), (&json!("sms"), &json!(7)));
    let again = json!({"name": "p", "kind": "sandbox"});
    assert_eq!(admin.post(PROVIDERS, &again).await.problem(409), "name-taken");
    app.other.admin.post(PROVIDERS, &again).await.expect(201);
    app.process.stop().await;
}

/// The bounds that the engine holds for an account.
async fn bounds(app: &TestApp, provider: &Value) -> Option<(Option<i32>, Option<f64>, Option<i32>)> {
    let mut system = app.database.connect_as("switchboard_system").await;
    sqlx::query_as(
        "select max_running, rate_per_s, burst from engine.limits where tenant_id = $1 and key = $2",
    )
    .bind(app.acme.id.0)
    .bind(format!("provider:{}", provider["id"].as_str().expect("an id")))
    .fetch_optional(&mut system)
    .await
    .expect("an answer")
}

#[tokio::test]
async fn a_change_is_made_of_what_was_read_and_bounds_what_runs() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let made = json!({"name": "p", "kind": "sandbox", "rate_per_s": 2.5});
    let made = admin.post(PROVIDERS, &made).await.expect(201);
    admin.post(PROVIDERS, &json!({"name": "q", "kind": "sandbox"})).await.expect(201);
    assert_eq!(bounds(&app, &made).await, Some((None, Some(2.5), Some(3))));
    let path = at(&made);
    let read = admin.get(&path).await.headers["etag"].to_str().expect("text").to_owned();
    let change = json!({"name": "r", "priority": 9, "on_unknown": "resend", "max_running": 4});
    let changed = change_as_read(admin, &path, &read, &change).await.expect(200);
    for (field, value) in change.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{changed}");
    }
    assert_eq!((&changed["rate_per_s"], &changed["version"]), (&json!(2.5), &json!(2)));
    assert_eq!(bounds(&app, &made).await, Some((Some(4), Some(2.5), Some(3))));
    assert_eq!(change_as_read(admin, &path, &read, &change).await.problem(412), "version-outdated");
    let unbound = json!({"rate_per_s": null, "max_running": null});
    assert_eq!(admin.patch(&path, &unbound).await.expect(200)["rate_per_s"], Value::Null);
    assert_eq!(bounds(&app, &made).await, None);
    for (change, status, problem) in [
        (json!({"name": "q"}), 409, "name-taken"),
        (json!({"priority": 101}), 422, "invalid"),
        (json!({"credentials": {"colour": "red"}}), 422, "invalid"),
        (json!({"kind": "smtp"}), 422, "invalid"),
    ] {
        assert_eq!(admin.patch(&path, &change).await.problem(status), problem, "{change}");
    }
    assert_eq!(app.other.admin.patch(&path, &json!({})).await.problem(404), "not-found");
    app.process.stop().await;
}

/// Whether nothing was found to be wrong; that something was found to be good is remembered.
fn is_fine(said: &Value) -> bool {
    match said["result"].as_str() {
        Some("good") => said["verified_at"].is_string(),
        Some("unproven") => said["verified_at"].is_null(),
        _ => false,
    }
}

#[tokio::test]
async fn credentials_are_tried_out_without_sending() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let server = Server::start(Nature::default()).await.expect("a server");
    // The server speaks no TLS.
    let made = admin.post(PROVIDERS, &account(&server, "mail", "starttls", "A")).await.expect(201);
    let (path, verify) = (at(&made), format!("{}/verify", at(&made)));
    let bad = admin.post(&verify, &json!({})).await.expect(200);
    assert_eq!((&bad["result"], &bad["verified_at"]), (&json!("bad"), &Value::Null));
    assert!(bad["code"].is_string() && bad["text"].is_string(), "{bad}");
    let soon = admin.post(&verify, &json!({})).await;
    assert!(soon.headers.contains_key("retry-after"));
    assert_eq!(soon.problem(429), "too-many-requests");
    // Other credentials may be tried at once.
    let right = account(&server, "mail", "none", "A")["credentials"].clone();
    admin.patch(&path, &json!({"credentials": right})).await.expect(200);
    let good = admin.post(&verify, &json!({})).await.expect(200);
    assert!(is_fine(&good), "{good}");
    assert_eq!(admin.get(&path).await.expect(200)["verified_at"], good["verified_at"]);
    admin.patch(&path, &json!({"credentials": right})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200)["verified_at"], Value::Null, "these were not tried yet");
    assert!(server.ledger().is_empty(), "nothing was sent");
    drop(server);
    let gone = admin.post(&verify, &json!({})).await.expect(200);
    assert_eq!(gone["result"], "unreachable", "{gone}");
    let sandbox = admin.post(PROVIDERS, &json!({"name": "s", "kind": "sandbox"})).await.expect(201);
    let said = admin.post(&format!("{}/verify", at(&sandbox)), &json!({})).await.expect(200);
    assert!(is_fine(&said), "{said}");
    assert_eq!(app.other.admin.post(&verify, &json!({})).await.problem(404), "not-found");
    app.process.stop().await;
}

#[tokio::test]
async fn an_account_that_is_taken_away_frees_its_name_and_keeps_its_messages() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let message = crate::message::sandbox(admin).await;
    let mut socket = Socket::open(admin, Some(0)).await;
    let sent = admin.post("/api/v1/communication/messages", &message).await.expect(202);
    socket.until("message.sent").await;
    let path = format!("{PROVIDERS}/{}", message["provider_id"].as_str().expect("an id"));
    assert_eq!(app.other.admin.delete(&path).await.problem(404), "not-found");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.delete(&path).await.problem(404), "not-found");
    assert_eq!(admin.get(&path).await.problem(404), "not-found");
    assert!(admin.all(PROVIDERS).await.is_empty());
    let stored = format!("/api/v1/communication/messages/{}", sent["id"].as_str().expect("an id"));
    assert_eq!(admin.get(&stored).await.expect(200)["status"], "sent");
    admin.post(PROVIDERS, &json!({"name": "sandbox", "kind": "sandbox"})).await.expect(201);
    app.process.stop().await;
}
