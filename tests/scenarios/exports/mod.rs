//! Rows and reports as files: whole, right as of one moment, harmless in a spreadsheet, for whoever may have them and for as
//! long as they are kept.

mod erased;
mod held;
mod kept_back;
mod meanwhile;
mod printed;
mod rights;
pub mod saved;
mod sent;
mod withdrawn;

use std::collections::HashSet;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use switchboard_tests::{Client, TestApp};

use crate::{calls::begun, leads::import, message::sandbox, routing::rules::lead};

const EXPORT: &str = "/api/v1/analytics/export";
const EXPORTS: &str = "/api/v1/analytics/exports";

/// Asks for a file and waits until it is there; answers the export.
async fn made(client: &Client, wanted: &Value) -> Value {
    let asked = client.post(EXPORT, wanted).await;
    let id = asked.body["export_id"].clone();
    let operation = client.ended(asked).await;
    assert_eq!(operation["status"], "succeeded", "{operation:#}");
    assert_eq!(operation["result"]["export_id"], id);
    let export = client.get(&at(&id)).await.expect(200);
    assert_eq!(export["state"], "ready", "{export:#}");
    export
}

fn at(id: &Value) -> String {
    format!("{EXPORTS}/{}", id.as_str().expect("an id"))
}

/// A fresh link to a file: its path.
async fn link(client: &Client, export: &Value) -> String {
    let link = client.post(&format!("{}/link", at(&export["id"])), &json!({})).await.expect(200);
    let url = link["url"].as_str().expect("a link");
    url[url.find("/files/").expect("of a file")..].to_owned()
}

/// The file behind a link, fetched without a login, and what its answer says of it.
async fn fetched(client: &Client, link: &str) -> (HeaderMap, String) {
    let (headers, bytes) = fetched_bytes(client, link).await;
    (headers, String::from_utf8(bytes).expect("text"))
}

async fn fetched_bytes(client: &Client, link: &str) -> (HeaderMap, Vec<u8>) {
    let response = client.anonymous().request(Method::GET, link).send().await.expect("an answer");
    assert_eq!(response.status(), 200, "{link}");
    let headers = response.headers().clone();
    (headers, response.bytes().await.expect("all of it").to_vec())
}

/// Asks for a file and fetches it.
async fn file(client: &Client, wanted: &Value) -> String {
    let export = made(client, wanted).await;
    let (headers, text) = fetched(client, &link(client, &export).await).await;
    assert_eq!(headers["content-length"], text.len().to_string().as_str());
    assert_eq!(export["size"], text.len());
    text
}

/// A cell of each row, of a file whose cells hold no comma.
fn column<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let at =
        header.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no {name} in {header:?}"));
    lines.map(|cells| cells[at]).collect()
}

async fn key(client: &Client, permissions: &[&str]) -> Client {
    let made = client.post("/api/v1/api-keys", &json!({"name": "k", "permissions": permissions})).await;
    client.with_bearer(made.expect(201)["key"].as_str().expect("a key"))
}

#[tokio::test]
async fn each_kind_comes_in_each_form_and_holds_what_its_list_shows() {
    let app = TestApp::start().await;
    let (admin, other) = (&app.acme.admin, &app.other.admin);
    let rows: String = (0..300).fold("email\n".into(), |file, at| format!("{file}l{at}@example.com\n"));
    import(admin, rows).await.expect(201);
    import(other, "email\ntheirs@example.com\n").await.expect(201);
    begun(admin, &json!({"direction": "outbound", "number": "+14155550123"})).await;
    admin.post("/api/v1/communication/messages", &sandbox(admin).await).await.expect(202);
    for (what, list, kept) in [
        ("leads", "/api/v1/leads", 300),
        ("calls", "/api/v1/calls", 1),
        ("messages", "/api/v1/communication/messages", 1),
    ] {
        let listed = admin.all(list).await;
        assert_eq!(listed.len(), kept, "{what}");
        let ids: HashSet<&str> = listed.iter().map(|row| row["id"].as_str().expect("an id")).collect();
        let text = file(admin, &json!({"what": what})).await;
        assert_eq!(column(&text, "id").into_iter().collect::<HashSet<_>>(), ids, "{what}");
        assert_eq!(text.lines().count(), kept + 1, "a header, and each once");
        let list: Vec<Value> =
            serde_json::from_str(&file(admin, &json!({"what": what, "format": "json"})).await).expect("JSON");
        let lines = file(admin, &json!({"what": what, "format": "ndjson"})).await;
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
        assert_eq!(list, lines);
        for row in &list {
            let shown = listed.iter().find(|shown| shown["id"] == row["id"]).expect("it is in the list");
            for (name, value) in row.as_object().expect("an object") {
                let same = shown.get(name).unwrap_or(&Value::Null) == value
                    // The list nests them, writes instants in another form, or counts on.
                    || ["score", "tags", "attributes", "status"].contains(&name.as_str())
                    || name.ends_with("_at") || name.ends_with("_s") || name == "attempts";
                assert!(same, "{what}.{name}: {value} and {shown:#}");
            }
        }
    }
    assert_eq!(file(other, &json!({"what": "leads"})).await.lines().count(), 2);
    app.process.stop().await;
}

#[tokio::test]
async fn recipients_of_a_run_and_reports_are_files_too() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let lead = lead(admin, &json!({"email": "ada@example.com"})).await;
    let template = sandbox(admin).await["template_id"].clone();
    let mut campaign = crate::one_of_each::campaign(None, &template);
    campaign["audience"] = json!({"filter": {"email": "ada@example.com"}});
    let campaign = admin.post("/api/v1/campaigns", &campaign).await.expect(201);
    let path = format!("/api/v1/campaigns/{}", campaign["id"].as_str().expect("an id"));
    let start = admin.post(&format!("{path}/start"), &json!({})).await;
    admin.ended(start).await;
    let filter = json!({"campaign_id": campaign["id"]});
    let text = file(admin, &json!({"what": "recipients", "filter": filter})).await;
    assert_eq!(column(&text, "lead_id"), [lead.as_str().expect("an id")]);
    let wrong = json!({"what": "recipients", "filter": {"campaign_id": lead}});
    assert_eq!(admin.post(EXPORT, &wrong).await.problem(422), "invalid");

    let report = json!({"kind": "call", "from": "2026-01-01", "to": "2026-02-01"});
    for format in ["csv", "json", "ndjson"] {
        let text = file(admin, &json!({"what": "report", "format": format, "report": report})).await;
        assert!(format == "ndjson" || !text.is_empty(), "{format}");
        if format == "json" {
            let read: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&read["kind"], &read["tenant"]), (&json!("call"), &json!("acme")));
        }
    }
    let turned =
        json!({"what": "report", "report": {"kind": "call", "from": "2026-02-01", "to": "2026-01-01"}});
    assert_eq!(admin.post(EXPORT, &turned).await.problem(422), "invalid");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_runs_in_no_spreadsheet_and_shows_what_whoever_asked_may_see() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    for (name, personal) in [("plan", false), ("secret", true)] {
        let attribute = json!({"name": name, "type": "text", "personal": personal});
        admin.post("/api/v1/leads/attributes", &attribute).await.expect(201);
    }
    let attributes = json!({"plan": "-1+1", "secret": "=cmd", "else": "unnamed"});
    let ada = json!({
        "name": "=HYPERLINK(1)", "phone": "+14155550100", "email": "ada@example.com", "region": "@home",
        "tags": ["a", "+b"], "value_cents": 990, "attributes": attributes,
    });
    lead(admin, &ada).await;
    let leads = json!({"what": "leads"});
    let text = file(admin, &leads).await;
    let full = [
        ("name", "'=HYPERLINK(1)"),
        ("phone", "+14155550100"),
        ("email", "ada@example.com"),
        ("region", "'@home"),
        ("tags", "a|+b"),
        ("value_cents", "990"),
        ("attr.plan", "'-1+1"),
        ("attr.secret", "'=cmd"),
    ];
    for (name, cell) in full {
        assert_eq!(column(&text, name), [cell], "{name}");
    }
    let blind = key(admin, &["analytics:export", "leads:read"]).await;
    let text = file(&blind, &leads).await;
    for (name, cell) in [
        ("name", "'=•••"),
        ("phone", "•••00"),
        ("email", "a•••@example.com"),
        ("value_cents", "990"),
        ("attr.plan", "'-1+1"),
        ("attr.secret", ""),
    ] {
        assert_eq!(column(&text, name), [cell], "{name}");
    }
    // Those that are wanted, in their order; and what is asked for twice is refused.
    let few = json!({"what": "leads", "columns": ["status", "id"]});
    assert!(file(admin, &few).await.starts_with("status,id\r\nnew,"));
    let twice = json!({"what": "leads", "columns": ["id", "id"]});
    assert_eq!(admin.post(EXPORT, &twice).await.problem(422), "invalid");
    // By a filter, of which what was typed in is kept nowhere.
    let found = json!({"what": "leads", "filter": {"phone": "+14155550100"}});
    assert_eq!(file(admin, &found).await.lines().count(), 2);
    assert_eq!(blind.post(EXPORT, &found).await.problem(403), "permission-missing");
    let mut owner = app.database.connect_as("none").await;
    let specs: Vec<String> = sqlx::query_scalar("select spec::text || personal from analytics_exports")
        .fetch_all(&mut owner)
        .await
        .expect("they are there");
    assert!(specs.len() == 4 && specs.iter().all(|spec| !spec.contains("5550100")), "{specs:?}");
    app.process.stop().await;
}

#[tokio::test]
async fn a_file_is_for_whoever_may_see_what_is_in_it_and_so_many_are_written_at_a_time() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    lead(admin, &json!({"name": "Ada", "email": "ada@example.com"})).await;
    let full = made(admin, &json!({"what": "leads"})).await;
    assert_eq!(full["personal"], true);
    let path = format!("{}/link", at(&full["id"]));
    for (permissions, status) in [
        (&["analytics:export", "leads:read"][..], 403),
        (&["analytics:export", "personal:read"], 403),
        (&["leads:read", "personal:read"], 403),
        (&["analytics:export", "leads:read", "personal:read"], 200),
    ] {
        let client = key(admin, permissions).await;
        assert_eq!(client.post(&path, &json!({})).await.status, status, "{permissions:?}");
    }
    for (permissions, what) in [(&["analytics:export"][..], "leads"), (&["analytics:export"], "calls")] {
        let client = key(admin, permissions).await;
        assert_eq!(client.post(EXPORT, &json!({"what": what})).await.problem(403), "permission-missing");
    }
    let supervisor = app.user(&app.acme, "Supervisor").await;
    assert_eq!(supervisor.post(EXPORT, &json!({"what": "leads"})).await.problem(403), "permission-missing");
    assert_eq!(app.other.admin.get(&at(&full["id"])).await.problem(404), "not-found");

    // Nothing is written while the queue rests.
    let rests = json!({"why": "a test"});
    admin.post("/api/v1/queues/operations/pause", &rests).await.expect(204);
    for _ in 0..3 {
        admin.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    }
    assert_eq!(admin.post(EXPORT, &json!({"what": "leads"})).await.problem(409), "too-many-exports");
    app.other.admin.post(EXPORT, &json!({"what": "leads"})).await.expect(202);
    // Whoever takes one back makes room.
    let waiting = admin.get(&format!("{EXPORTS}?state=writing")).await.expect(200)["items"].clone();
    admin.delete(&at(&waiting[0]["id"])).await.expect(204);
    admin.post(EXPORT, &json!({"what": "leads"})).await.expect(202);

    let told = admin.all("/api/v1/compliance/audit-logs?resource=analytics_export").await;
    let of = |action: &str| told.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((of("export"), of("finish_export"), of("delete")), (5, 1, 1), "{told:#?}");
    app.process.stop().await;
}
