//! The API's manners: its description, bad input, requests that are sent twice.

use reqwest::Method;
use serde_json::{Value, json};
use switchboard_tests::TestApp;

use crate::{isolation::OPEN, message::sandbox};

const COMMITTED: &str = include_str!("../../openapi.json");

#[test]
fn the_committed_description_is_the_true_one() {
    let made = switchboard::http::openapi::text();
    assert!(made == COMMITTED, "openapi.json is stale: run `./x prepare`");
    let made: Value = serde_json::from_str(&made).expect("JSON");
    for (path, item) in made["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let answers = operation["responses"].as_object().expect("answers");
            assert!(answers.contains_key("default"), "{method} {path}");
            assert!(answers.values().all(|answer| answer["description"].is_string()), "{method} {path}");
            assert_eq!(operation["security"].is_null(), OPEN.contains(&path.as_str()), "{method} {path}");
        }
    }
}

/// Programs that make clients of the description stop at the first name that it does not explain.
#[test]
fn the_description_explains_every_name_that_it_uses() {
    let api: Value = serde_json::from_str(COMMITTED).expect("JSON");
    let (mut used, mut left) = (0, vec![&api]);
    while let Some(part) = left.pop() {
        if let Some(name) = part["$ref"].as_str() {
            used += 1;
            let place = name.strip_prefix('#').expect("it is in this document");
            assert!(api.pointer(place).is_some(), "{name}");
        }
        left.extend(part.as_object().into_iter().flat_map(|parts| parts.values()));
        left.extend(part.as_array().into_iter().flatten());
    }
    assert!(used > 100, "{used}");
}

/// A schema that allows nothing else cannot be one part of a larger one: no answer could fulfil both.
#[test]
fn no_description_contradicts_itself() {
    let api: Value = serde_json::from_str(COMMITTED).expect("JSON");
    let schemas = &api["components"]["schemas"];
    let closed = |part: &Value| {
        let named = part["$ref"].as_str().and_then(|at| at.rsplit('/').next());
        named.is_some_and(|name| schemas[name]["additionalProperties"] == false)
    };
    for (name, schema) in schemas.as_object().expect("schemas") {
        let parts = schema["allOf"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(parts.len() < 2 || !parts.iter().any(closed), "{name}: {schema:#}");
    }
}

#[tokio::test]
async fn bad_input_is_answered_with_what_to_change() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let users = "/api/v1/users";
    let whole =
        json!({"name": "B", "email": "b@example.com", "password": "long enough here", "role": "Agent"});
    let with = |name: &str, value: Value| {
        let mut body = whole.clone();
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (with("name", json!("x".repeat(201))), "/name"),
        (with("name", json!(" ")), "/name"),
        (with("name", json!(7)), "/name"),
        (with("email", json!("nobody")), "/email"),
        (with("password", json!("short")), "/password"),
        (with("role", json!("Emperor")), "/role"),
        (with("shoe_size", json!(42)), "/shoe_size"),
        (json!({"name": "B"}), ""),
    ] {
        let answer = admin.post(users, &body).await;
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.body);
        assert_eq!(answer.problem(422), "invalid");
    }
    let raw = |body: &'static str, kind: &'static str| {
        admin.send(admin.request(Method::POST, users).header("content-type", kind).body(body))
    };
    assert_eq!(raw("{", "application/json").await.problem(400), "malformed-json");
    assert_eq!(raw("", "application/json").await.problem(400), "malformed-json");
    assert_eq!(raw("{}", "text/plain").await.problem(415), "not-json");
    let huge = with("name", json!("x".repeat(300 * 1024)));
    assert_eq!(admin.post(users, &huge).await.problem(413), "body-too-large");
    for query in ["?cursor=abc", "?limit=0", "?limit=201", "?limit=x", "?colour=red"] {
        assert_eq!(admin.get(&format!("{users}{query}")).await.problem(422), "invalid", "{query}");
    }
    for id in ["0", "abc", "00000000-0000-0000-0000-000000000000", "%00"] {
        assert_eq!(admin.get(&format!("{users}/{id}")).await.problem(404), "not-found", "{id}");
    }
    assert_eq!(admin.all(users).await.len(), 1, "nothing was written");
    app.process.stop().await;
}

#[tokio::test]
async fn a_request_sent_twice_happens_once() {
    let app = TestApp::start().await;
    let admin = &app.acme.admin;
    let messages = "/api/v1/communication/messages";
    let message = sandbox(admin).await;
    let keyed =
        |body: &Value| admin.request(Method::POST, messages).header("idempotency-key", "k-1").json(body);
    let twenty = futures::future::join_all((0..20).map(|_| admin.send(keyed(&message)))).await;
    let mut accepted = 0;
    for answer in twenty {
        if answer.status == 409 {
            assert_eq!(answer.problem(409), "idempotency-in-progress");
        } else {
            assert_eq!(answer.status, 202, "{answer:?}");
            accepted += 1;
        }
    }
    assert!(accepted > 0);
    let again = admin.send(keyed(&message)).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let location = again.location().expect("a Location").to_owned();
    admin.get(&location).await.expect(200);
    assert_eq!(admin.all(messages).await.len(), 1);
    let mut changed = message.clone();
    changed["to"] = json!("eve@example.com");
    assert_eq!(admin.send(keyed(&changed)).await.problem(422), "idempotency-key-reused");
    // The same key of another tenant is another key.
    let other = sandbox(&app.other.admin).await;
    let theirs =
        app.other.admin.request(Method::POST, messages).header("idempotency-key", "k-1").json(&other);
    app.other.admin.send(theirs).await.expect(202);
    app.process.stop().await;
}
