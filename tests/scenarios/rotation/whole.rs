//! All that is sealed is sealed anew, and reads as before.

use std::collections::BTreeSet;

use domain::vault::rotation::columns::COLUMNS;
use serde_json::{Value, json};
use switchboard::process::{Plan, Process, Roles};
use switchboard_tests::{Client, TestApp, app, heads_file};

use super::{HOOKS, KEYS, rotate, sealed_columns, under_other_keys};
use crate::{inbound, one_of_each::ids};

#[tokio::test]
async fn every_sealed_column_is_in_the_list_that_rotations_follow() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let listed: BTreeSet<(String, String)> =
        COLUMNS.iter().map(|column| (column.table.into(), column.column.into())).collect();
    assert_eq!(listed.len(), COLUMNS.len(), "one is there twice");
    assert_eq!(sealed_columns(&mut system).await, listed);
    app.process.stop().await;
}

/// What an answer tells that was sealed; the rest changes with time.
fn personal(path: &str, answer: &Value, said: &mut Vec<(String, String)>) {
    const NAMES: [&str; 9] = ["name", "phone", "email", "note", "url", "number", "to", "from", "body"];
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| NAMES.contains(&name.as_str())) {
                    Some(text) => said.push((format!("{path} {name}"), text.to_owned())),
                    None => personal(path, value, said),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| personal(path, item, said)),
        _ => {}
    }
}

#[tokio::test]
async fn all_that_a_tenant_has_is_sealed_anew_and_reads_as_before() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let mine = ids(&app.acme).await;
    inbound::written(&app, &app.acme, &mine["/api/v1/communication/providers"]).await;
    admin.post(&format!("{HOOKS}/{}/rotate", mine[HOOKS]), &json!({})).await.expect(200);
    let lead = json!({"name": "Ada Lovelace", "phone": "+4930901822", "email": "ada@example.org"});
    let lead = admin.post("/api/v1/leads", &lead).await.expect(201);
    let lead = format!("/api/v1/leads/{}", lead["id"].as_str().expect("an id"));
    let note = json!({"kind": "note", "note": "likes engines"});
    admin.post(&format!("{lead}/activities"), &note).await.expect(201);
    let paths = [
        lead.clone(),
        format!("{lead}/activities"),
        format!("{HOOKS}/{}", mine[HOOKS]),
        format!("/api/v1/calls/{}", mine["/api/v1/calls"]),
        format!("/api/v1/agents/{}", mine["/api/v1/agents"]),
        format!("/api/v1/communication/messages/{}", mine["/api/v1/communication/messages"]),
        "/api/v1/communication/suppressions".into(),
        inbound::INBOUND.into(),
        "/api/v1/users".into(),
    ];
    let read = async || {
        let mut said = Vec::new();
        for path in &paths {
            personal(path, &admin.get(path).await.expect(200), &mut said);
        }
        said
    };
    let before = read().await;
    assert!(before.len() > 12, "{before:?}");
    let keys = admin.get(KEYS).await.expect(200);
    let data = |keys: &Value, state: &str| {
        let all = keys["tenant"].as_array().expect("keys").clone();
        let found = all.into_iter().find(|key| key["purpose"] == "data" && key["state"] == state);
        found.map(|key| key["id"].clone())
    };
    let old = data(&keys, "current").expect("a data key");

    for what in ["tenant", "subjects"] {
        let rotation = rotate(admin, what).await;
        assert_eq!((&rotation["phase"], &rotation["kept"]), (&json!("done"), &json!(0)), "{rotation}");
        assert!(rotation["done"].as_i64() > Some(2), "{rotation}");
        assert_eq!(read().await, before, "{what}");
    }
    assert_eq!(under_other_keys(&app).await, []);
    let keys = admin.get(KEYS).await.expect(200);
    assert_eq!(data(&keys, "destroyed"), Some(old), "{keys}");
    assert!(data(&keys, "current").is_some() && data(&keys, "former").is_none(), "{keys}");
    let people = keys["people"].as_array().expect("states");
    assert!(people.iter().all(|some| some["state"] == "current"), "{keys}");

    // Nobody else's keys were touched.
    let others = app.other.admin.get(KEYS).await.expect(200);
    assert_eq!((others["tenant"].as_array().map(Vec::len), &others["rotation"]), (Some(2), &Value::Null));
    app.process.stop().await;
}

#[tokio::test]
async fn a_process_with_an_older_cache_reads_and_writes_under_the_new_key() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let hook = json!({"name": "h", "url": "http://127.0.0.1:47011/one", "types": ["lead.created"]});
    let hook = admin.post(HOOKS, &hook).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("{HOOKS}/{hook}");
    // Another process of the same installation, which has the keys in its cache.
    let other = app::platform(&app.database).await;
    let mut plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads_file());
    plan.allowed_origins = Vec::new();
    let other = Process::start(other, plan).await.expect("it starts");
    let there = Client::new(&format!("http://{}", other.addr.expect("an address")))
        .with_bearer(admin.bearer.as_deref().expect("a token"));
    assert_eq!(there.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/one");

    rotate(admin, "tenant").await;
    assert_eq!(there.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/one", "it looks again");
    rotate(admin, "tenant").await;
    there.patch(&path, &json!({"url": "http://127.0.0.1:47011/two"})).await.expect(200);
    assert_eq!(under_other_keys(&app).await, [], "what it knew first it does not seal under");
    assert_eq!(admin.get(&path).await.expect(200)["url"], "http://127.0.0.1:47011/two");
    other.stop().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_tenant_has_one_rotation_at_a_time_and_one_that_was_stopped_goes_on() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let admin = &app.acme.admin;
    let path = format!("{KEYS}/rotate");
    let first = admin.post(&path, &json!({"what": "subjects"})).await.expect(202);
    for what in ["subjects", "tenant"] {
        let second = admin.post(&path, &json!({ "what": what })).await;
        assert_eq!(second.problem(409), "rotation-running", "{what}");
    }
    let cancel = format!("/api/v1/workflows/{}/cancel", first["id"].as_str().expect("an id"));
    admin.post(&cancel, &json!({})).await.expect(200);
    assert_eq!(admin.post(&path, &json!({"what": "tenant"})).await.problem(409), "rotation-running");
    let again = admin.post(&path, &json!({"what": "subjects"})).await.expect(202);
    assert_eq!(again["id"], first["id"], "the same rotation");
    let agent = app.user(&app.acme, "Manager").await;
    assert_eq!(agent.post(&path, &json!({"what": "kek"})).await.problem(403), "permission-missing");
    assert_eq!(agent.get(KEYS).await.problem(403), "permission-missing");
    app.process.stop().await;
}
