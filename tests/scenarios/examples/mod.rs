//! The examples of the description: every operation has them, and they are true.

mod likeness;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ctx::Clock;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use switchboard::http::{
    examples::{Step, Story, stories},
    openapi, routes,
};
use switchboard_tests::{Client, PASSWORD, TestApp};

use self::likeness::Likeness;

/// Operations under these must have examples.
const SHOWN: [&str; 2] = ["/api/v1/automation/", "/api/v1/leads/{id}/scores"];

fn description() -> Value {
    serde_json::from_str(&openapi::text()).expect("JSON")
}

/// The steps that are shown, with their names.
fn shown(stories: &[Story]) -> impl Iterator<Item = (&str, &Step)> {
    let steps = stories.iter().flat_map(|story| &story.steps);
    steps.filter_map(|step| Some((step.name.as_deref()?, step)))
}

#[test]
fn every_operation_of_automation_shows_what_works_and_what_does_not() {
    let (description, stories) = (description(), stories().expect("stories"));
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().expect("paths") {
        if !SHOWN.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        for method in item.as_object().expect("operations").keys() {
            let operation = format!("{} {path}", method.to_uppercase());
            let (works, fails): (Vec<_>, Vec<_>) = shown(&stories)
                .filter(|(_, step)| step.operation == operation)
                .partition(|(_, step)| step.status < 400);
            assert!(!works.is_empty(), "give {operation} an example in src/http/examples");
            assert!(!fails.is_empty(), "give {operation} an example that is refused in src/http/examples");
            asked += 1;
        }
    }
    assert!(asked > 20, "{asked} operations");
}

/// What takes a body and cannot be asked by an admin in a tenant where nothing has happened.
const UNPLAYED: [&str; 13] = [
    // A text from a mail or from an answer that is shown once.
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/password",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/me/second-factor",
    "POST /api/v1/me/second-factor/confirmation",
    "POST /api/v1/me/second-factor/removal",
    "POST /unsubscribe/{token}",
    // Signed by somebody else.
    "POST /callbacks/calls/{token}",
    "POST /callbacks/{kind}/{token}",
    // For operators of the installation.
    "POST /api/v1/tenants",
    "PATCH /api/v1/tenants/{slug}",
    // After something has gone wrong.
    "POST /api/v1/communication/messages/{id}/resolve",
    "POST /api/v1/workflows/{id}/retry",
];

#[test]
fn every_body_is_shown_by_one_that_works() {
    let description = description();
    for (path, item) in description["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
            let operation = format!("{} {path}", method.to_uppercase());
            let is_shown = content.values().any(|form| form["examples"].is_object());
            let is_unplayed = UNPLAYED.contains(&operation.as_str());
            assert_ne!(
                is_shown, is_unplayed,
                "give {operation} an example in src/http/examples, or say why not"
            );
        }
    }
}

#[test]
fn a_name_in_the_description_means_one_type() {
    let mut meant = BTreeMap::new();
    for (_, (schemas, ..)) in routes::table() {
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).expect("JSON");
            let first = meant.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(
                *first, schema,
                "two types are called {name}: give one of them another name by `schema(as)`"
            );
        }
    }
}

#[test]
fn every_example_stands_at_its_operation_whole() {
    let (description, stories) = (description(), stories().expect("stories"));
    let mut names = BTreeSet::new();
    for (name, step) in shown(&stories) {
        let what = format!("{} {name}", step.operation);
        assert!(names.insert(what.clone()), "{what} is there twice");
        assert!(!step.summary.is_empty(), "{what} has no summary");
        assert!(step.times.is_none(), "{what} is shown, and more than a request");
        assert!(step.makes.is_none() || step.answer.is_none(), "{what}: its answer names the id");
        if SHOWN.iter().any(|prefix| step.route().1.starts_with(prefix)) {
            assert_eq!(step.answer.is_none(), step.status == 204, "{what}: its answer");
        }
        let (method, path) = step.route();
        let operation = &description["paths"][path][method.to_lowercase()];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for (parameter, value) in &step.parameters {
            let there = parameters.iter().find(|there| there["name"] == parameter.as_str());
            let there = there.unwrap_or_else(|| panic!("{what}: there is no parameter {parameter}"));
            assert_eq!(&there["examples"][name]["value"], value, "{what}: {parameter}");
        }
        if let Some(body) = &step.body {
            let there = &operation["requestBody"]["content"][step.media_type()];
            assert_eq!(&there["examples"][name]["value"], body, "{what}: its body");
        }
        if let Some(answer) = &step.answer {
            let (status, media_type) = match step.status {
                400.. => ("default".to_owned(), "application/problem+json"),
                status => (status.to_string(), "application/json"),
            };
            let there = &operation["responses"][status]["content"][media_type]["examples"][name];
            assert_eq!(&there["value"], answer, "{what}: its answer");
            assert_eq!(there["summary"], step.summary.as_str(), "{what}");
        }
        let status = step.status.to_string();
        let told = step.status >= 400 || operation["responses"][status].is_object();
        assert!(told, "{what}: the operation does not answer {}", step.status);
    }
}

#[tokio::test]
async fn every_example_is_answered_as_it_says() {
    // Some mails hold links.
    let app = TestApp::with_platform(
        |_| {},
        |platform| platform.public_url = Some("https://calls.example.com".into()),
    )
    .await;
    let (operator, stories) = (app.operator("Olga").await, stories().expect("stories"));
    let mut told = Vec::new();
    for story in &stories {
        for tenant in ["first", "second"] {
            told.push((
                story,
                admin_of(&operator, &format!("{}-{tenant}", story.name.replace('_', "-"))).await,
            ));
        }
    }
    // All at the same time: if a tenant saw what another has, its lists would be longer than the story says.
    join_all(told.iter().map(|(story, admin)| play(admin, story, app.clock.now()))).await;
    app.process.stop().await;
}

/// The admin of a new tenant, logged in.
async fn admin_of(operator: &Client, slug: &str) -> Client {
    let email = format!("admin@{slug}.example.com");
    let admin = json!({"name": "Admin", "email": email, "password": PASSWORD});
    operator.post("/api/v1/tenants", &json!({"slug": slug, "name": slug, "admin": admin})).await.expect(201);
    operator.anonymous().login(slug, &email, PASSWORD).await
}

/// Sends the steps of a story, one after the other.
async fn play(client: &Client, story: &Story, now: DateTime<Utc>) {
    let mut likeness = Likeness::at(now);
    for (place, step) in story.steps.iter().enumerate() {
        let name = step.name.as_deref().unwrap_or("not shown");
        let what = format!("{}, step {}, {} ({name})", story.name, place + 1, step.operation);
        for time in 1..=step.times.unwrap_or(1) {
            let request = request(client, step, time, &mut likeness);
            let answer = client.send(request).await;
            assert_eq!(answer.status, step.status, "{what}: {}", answer.body);
            if answer.status >= 400 {
                assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
            }
            if let Some(id) = &step.makes {
                let made = answer.body["id"].as_str().unwrap_or_else(|| panic!("{what}: {}", answer.body));
                assert!(likeness.bind(id, made), "{what}: {id} is there twice");
            }
            if let Some(example) = &step.answer {
                let found = likeness.compare(example, &answer.body);
                assert_eq!(found, Ok(()), "{what}: {:#}", answer.body);
            }
            let begins =
                answer.status == 202 && answer.location().is_some_and(|at| at.contains("/operations/"));
            if begins {
                let operation = client.ended(answer).await;
                assert_eq!(operation["status"], "succeeded", "{what}: {operation}");
            }
        }
    }
}

fn request(client: &Client, step: &Step, time: u32, likeness: &mut Likeness) -> RequestBuilder {
    let (method, path) = step.route();
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for (name, value) in &step.parameters {
        let value = match likeness.real(value) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let part = format!("{{{name}}}");
        if path.contains(&part) {
            path = path.replace(&part, &value);
        } else {
            query.push((name, value));
        }
    }
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client.request(method, &path).query(&query);
    match step.body.as_ref().map(|body| likeness.real(&numbered(body, time))) {
        None => request,
        Some(Value::String(file)) => request.header("content-type", step.media_type()).body(file),
        Some(body) => request.json(&body),
    }
}

fn numbered(body: &Value, time: u32) -> Value {
    serde_json::from_str(&body.to_string().replace("{n}", &time.to_string())).expect("JSON")
}
