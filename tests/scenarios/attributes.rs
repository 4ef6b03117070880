//! Attributes that a tenant has defined: looked at, found by, and shown.

use std::slice;

use serde_json::{Value, json};
use switchboard_tests::{Client, Socket, TestApp};

use crate::{
    leads::import,
    routing::rules::{id, lead, put},
};

const ATTRIBUTES: &str = "/api/v1/leads/attributes";

async fn define(client: &Client, attribute: Value) -> Value {
    client.post(ATTRIBUTES, &attribute).await.expect(201)
}

async fn found(client: &Client, query: &str) -> Vec<Value> {
    client.all(&format!("/api/v1/leads?{query}")).await.into_iter().map(|lead| lead["id"].clone()).collect()
}

/// Waits until all leads have been gone through so many times.
async fn gone_through(client: &Client, times: usize) {
    let mut socket = Socket::open(client, Some(0)).await;
    let mut ended = 0;
    while ended < times {
        let told = socket.until("job.completed").await.pop().expect("an event");
        ended += usize::from(told["data"]["kind"] == "index_leads");
    }
}

#[tokio::test]
async fn values_of_defined_attributes_are_looked_at() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let age = define(admin, json!({"name": "age", "type": "number", "required": true})).await;
    define(admin, json!({"name": "tier", "type": "choice", "choices": ["gold", "tin"]})).await;
    let new = |attributes: Value| json!({"email": "a@example.com", "attributes": attributes});
    for (attributes, pointer) in [
        (json!({}), "/attributes/age"),
        (json!({"age": "old"}), "/attributes/age"),
        (json!({"age": 36, "tier": "lead"}), "/attributes/tier"),
    ] {
        let refused = admin.post("/api/v1/leads", &new(attributes)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        assert_eq!(refused.problem(422), "invalid");
    }
    let made = lead(admin, &json!({"attributes": {"age": 36, "tier": "tin", "else": [1]}})).await;
    let path = format!("/api/v1/leads/{}", made.as_str().expect("an id"));
    let refused = admin.patch(&path, &json!({"attributes": {"age": true}})).await;
    assert_eq!(refused.problem(422), "invalid");
    admin.patch(&path, &json!({"region": "x"})).await.expect(200);
    // Others are not bound by it.
    lead(&app.other.admin, &json!({"attributes": {"age": "old"}})).await;

    let file =
        "email,age,tier\na@example.com,36,gold\nb@example.com,old,\nc@example.com,1,lead\nd@example.com,,\n";
    let report = import(admin, file).await.expect(201);
    assert_eq!((&report["created"], &report["rejected"]), (&json!(1), &json!(3)));
    let left = format!("/api/v1/leads/imports/{}/rows?outcome=rejected", id(&report));
    let left: Vec<_> = admin.all(&left).await.iter().map(|one| one["field"].clone()).collect();
    assert_eq!(left, ["attr.age", "attr.tier", "attr.age"]);
    let taken = &admin.all(&format!("/api/v1/leads?import_id={}", id(&report))).await[0];
    assert_eq!(taken["attributes"], json!({"age": 36, "tier": "gold"}));

    let this = format!("{ATTRIBUTES}/{}", id(&age));
    let eased = json!({"name": "age", "type": "number", "personal": false});
    assert_eq!(put(admin, &this, &eased).await.expect(200)["required"], false);
    for (body, pointer) in [
        (json!({"name": "years", "type": "number"}), "/name"),
        (json!({"name": "age", "type": "text"}), "/type"),
        (json!({"name": "age", "type": "number", "choices": ["x"]}), "/choices"),
    ] {
        assert_eq!(put(admin, &this, &body).await.expect(422)["errors"][0]["pointer"], pointer);
    }
    for (body, pointer) in [
        (json!({"name": "phone", "type": "text"}), "/name"),
        (json!({"name": "x", "type": "choice"}), "/choices"),
        (json!({"name": "x", "type": "bool", "searchable": true}), "/searchable"),
    ] {
        assert_eq!(admin.post(ATTRIBUTES, &body).await.expect(422)["errors"][0]["pointer"], pointer);
    }
    let again = json!({"name": "age", "type": "text"});
    assert_eq!(admin.post(ATTRIBUTES, &again).await.problem(409), "name-taken");
    let key = json!({"name": "k", "permissions": ["leads:read", "attributes:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    let shown = blind.get(&path).await.expect(200);
    assert_eq!(shown["attributes"], json!({"age": 36}), "what is not personal");
    assert_eq!(blind.post(ATTRIBUTES, &again).await.problem(403), "permission-missing");
    admin.delete(&this).await.expect(204);
    assert_eq!(admin.get(&this).await.problem(404), "not-found");
    assert_eq!(admin.get(&path).await.expect(200)["attributes"]["age"], 36);
    app.process.stop().await;
}

#[tokio::test]
async fn leads_are_found_by_searchable_attributes() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let before = lead(admin, &json!({"attributes": {"age": "36"}})).await;
    assert_eq!(admin.get("/api/v1/leads?attr.age=36").await.problem(422), "invalid");
    let age = json!({"name": "age", "type": "number", "searchable": true});
    let age = define(admin, age).await;
    define(admin, json!({"name": "the plan", "type": "choice", "choices": ["a&b", "c"], "personal": false, "searchable": true}))
        .await;
    gone_through(admin, 2).await;
    let after = lead(admin, &json!({"attributes": {"age": 36.0, "the plan": "a&b"}})).await;
    assert_eq!(found(admin, "attr.age=36").await, [after.clone(), before.clone()]);
    assert_eq!(found(admin, "attr.age=36&attr.the%20plan=a%26b").await, slice::from_ref(&after));
    assert_eq!(found(admin, "attr.age=36&status=new").await.len(), 2);
    assert!(found(admin, "attr.age=37").await.is_empty());
    for query in ["attr.age=old", "attr.none=1", "attr.the%20plan=d", "attrs=1"] {
        assert_eq!(admin.get(&format!("/api/v1/leads?{query}")).await.problem(422), "invalid", "{query}");
    }
    let key = json!({"name": "k", "permissions": ["leads:read"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    assert_eq!(blind.get("/api/v1/leads?attr.age=36").await.problem(403), "permission-missing");
    assert_eq!(found(&blind, "attr.the%20plan=a%26b").await, slice::from_ref(&after));
    let path = format!("/api/v1/leads/{}", after.as_str().expect("an id"));
    admin.patch(&path, &json!({"attributes": {"age": 37}})).await.expect(200);
    assert_eq!(found(admin, "attr.age=37").await, slice::from_ref(&after));
    assert!(found(admin, "attr.the%20plan=a%26b").await.is_empty());
    admin.delete(&format!("{ATTRIBUTES}/{}", id(&age))).await.expect(204);
    gone_through(admin, 3).await;
    let mut system = app.database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar("select count(*) from lead_terms where kind = 'attr:age'")
        .fetch_one(&mut system)
        .await
        .expect("an answer");
    assert_eq!(left, 0);
    app.process.stop().await;
}

#[tokio::test]
async fn nobody_shows_others_what_they_do_not_see_themselves() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let job = define(admin, json!({"name": "job", "type": "text"})).await;
    let job = format!("{ATTRIBUTES}/{}", id(&job));
    let countess = lead(admin, &json!({"attributes": {"job": "countess", "age": 36}})).await;
    let countess = format!("/api/v1/leads/{}", countess.as_str().expect("an id"));
    let key = json!({"name": "k", "permissions": ["leads:read", "attributes:read", "attributes:write"]});
    let key = admin.post("/api/v1/api-keys", &key).await.expect(201);
    let blind = admin.with_bearer(key["key"].as_str().expect("a key"));
    let open = |name: &str, kind: &str| json!({"name": name, "type": kind, "personal": false});
    assert_eq!(blind.post(ATTRIBUTES, &open("age", "number")).await.problem(403), "permission-missing");
    assert_eq!(put(&blind, &job, &open("job", "text")).await.problem(403), "permission-missing");
    assert_eq!(blind.get(&countess).await.expect(200)["attributes"], Value::Null);
    put(&blind, &job, &json!({"name": "job", "type": "text", "searchable": true})).await.expect(200);
    define(&blind, json!({"name": "age", "type": "number"})).await;
    assert_eq!(blind.get(&countess).await.expect(200)["attributes"], Value::Null);

    // What is said of attributes is about the leads of all teams.
    let held = ["leads:read", "attributes:read", "attributes:write", "personal:read"];
    let role = json!({"name": "Narrow", "permissions": held, "scope": "team"});
    admin.post("/api/v1/compliance/roles", &role).await.expect(201);
    let narrow = app.user(&app.acme, "Narrow").await;
    narrow.get(&job).await.expect(200);
    let mine = json!({"name": "plan", "type": "text"});
    assert_eq!(narrow.post(ATTRIBUTES, &mine).await.problem(403), "beyond-your-rights");
    assert_eq!(put(&narrow, &job, &open("job", "text")).await.problem(403), "beyond-your-rights");
    assert_eq!(narrow.delete(&job).await.problem(403), "beyond-your-rights");
    assert_eq!(put(&app.other.admin, &job, &open("job", "text")).await.problem(404), "not-found");
    put(admin, &job, &open("job", "text")).await.expect(200);
    assert_eq!(blind.get(&countess).await.expect(200)["attributes"], json!({"job": "countess"}));
    app.process.stop().await;
}

#[tokio::test]
async fn leads_are_found_by_a_choice_that_was_added_later() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let early = lead(admin, &json!({"attributes": {"tier": "tin"}})).await;
    let tier = |choices: &[&str]| json!({"name": "tier", "type": "choice", "choices": choices, "personal": false, "searchable": true});
    let this = define(admin, tier(&["gold"])).await;
    gone_through(admin, 1).await;
    assert_eq!(admin.get("/api/v1/leads?attr.tier=tin").await.problem(422), "invalid");
    let this = format!("{ATTRIBUTES}/{}", id(&this));
    put(admin, &this, &tier(&["gold", "tin"])).await.expect(200);
    gone_through(admin, 2).await;
    assert_eq!(found(admin, "attr.tier=tin").await, slice::from_ref(&early));

    // And what is no choice any more is not kept.
    put(admin, &this, &tier(&["gold"])).await.expect(200);
    gone_through(admin, 3).await;
    put(admin, &this, &tier(&["gold"])).await.expect(200);
    let mut system = app.database.connect_as("switchboard_system").await;
    let left: i64 = sqlx::query_scalar("select count(*) from lead_terms where kind = 'attr:tier'")
        .fetch_one(&mut system)
        .await
        .expect("an answer");
    assert_eq!(left, 0);
    let runs = admin.all("/api/v1/jobs?kind=index_leads").await.len();
    assert_eq!(runs, 3, "the same once more is no reason to go through all leads");
    app.process.stop().await;
}
