//! What a collector is told of a request and of what comes of it.

use std::{
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use fakes::otlp;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use switchboard::process::Roles;
use switchboard_tests::{Client, PASSWORD, TestApp, Worker};

use crate::{message::sandbox, sessions::ADMIN};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// Kinds of spans.
const SERVER: u64 = 2;
const CONSUMER: u64 = 5;

/// An address that nobody listens at.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

/// A process that tells traces to this address, if there is one, and where it answers.
async fn served(app: &TestApp, roles: &str, collector: Option<&str>) -> (Worker, Client) {
    let listen = free().to_string();
    let mut settings =
        vec![("SWITCHBOARD_LISTEN", listen.as_str()), ("SWITCHBOARD_ADDRESS_REQUESTS_PER_S", "100000")];
    if let Some(endpoint) = collector {
        settings.extend([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-collector=it%20is%20me"),
            ("OTEL_SERVICE_NAME", "calls"),
        ]);
    }
    let process = Worker::start_as(&app.database, roles, &settings);
    let base = format!("http://{listen}");
    let until = Instant::now() + Duration::from_mins(1);
    while reqwest::get(format!("{base}/livez")).await.is_err() {
        assert!(Instant::now() < until, "it does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (process, Client::new(&base))
}

/// A message that is asked for as part of somebody else's trace.
fn asked(admin: &Client, message: &Value, request_id: &str) -> RequestBuilder {
    admin
        .request(Method::POST, "/api/v1/communication/messages")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("x-request-id", request_id)
        .json(message)
}

/// Asks until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !is_so().await {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The value of a counter without labels.
async fn counted(client: &Client, name: &str) -> u64 {
    let told = reqwest::get(format!("{}/metrics", client.base)).await.expect("an answer");
    let told = told.text().await.expect("text");
    let value = told.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{name} is not told: {told}"))
}

#[tokio::test]
async fn a_request_and_the_job_that_it_puts_in_are_one_trace_without_anything_personal() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let message = sandbox(&app.acme.admin).await;
    let collector = otlp::Fake::start(otlp::Config::default()).await.expect("a port");
    let (process, client) = served(&app, "api,worker,scheduler", Some(&collector.url())).await;
    let admin = client.login("acme", ADMIN, PASSWORD).await;
    admin.send(asked(&admin, &message, "caller-4155550101")).await.expect(202);
    admin.get("/api/v1/leads?q=ada%40example.com").await;

    let told = || {
        let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace == TRACE).collect();
        let request = spans.iter().find(|span| span.kind == SERVER)?.clone();
        let job = spans.into_iter().find(|span| span.kind == CONSUMER && span.parent == request.id)?;
        Some((request, job))
    };
    until("a request and its job are told", async || told().is_some()).await;
    let (request, job) = told().expect("they were there");
    assert_eq!(request.parent, CALLER);
    assert_eq!(request.name, "POST /api/v1/communication/messages");
    let attribute = |name: &str| request.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("http.request.method"), Some("POST"));
    assert_eq!(attribute("http.route"), Some("/api/v1/communication/messages"));
    assert_eq!(attribute("http.response.status_code"), Some("202"));
    assert_eq!(request.resource.get("service.name").map(String::as_str), Some("calls"));
    assert_eq!(job.name, "process send_message");
    assert!(job.attributes.contains_key("messaging.message.id"), "{job:?}");
    assert_eq!(job.attributes.get("messaging.operation.type").map(String::as_str), Some("process"));

    let known = ["http.", "messaging.", "switchboard.", "error.type"];
    for span in collector.spans() {
        assert_eq!(span.events, 0, "{span:?}");
        for name in span.attributes.keys() {
            assert!(known.iter().any(|begin| name.starts_with(begin)), "{name} of {span:?}");
        }
    }
    for said in personal(&message).iter().map(String::as_str).chain(["ada@example.com", "4155550101", "acme"])
    {
        assert!(!collector.was_told(said), "{said}");
        assert!(!collector.was_told(&said.replace('@', "%40")), "{said}");
    }
    let sent = collector.header("x-collector");
    assert!(!sent.is_empty() && sent.iter().all(|value| value == "it is me"), "{sent:?}");

    // The audit log goes on naming the request by its own id.
    let log = admin.get("/api/v1/compliance/audit-logs").await.expect(200);
    let odd = |entry: &Value| entry["request_id"].as_str().is_some_and(|id| id.contains(TRACE));
    assert!(!log["items"].as_array().expect("a list").iter().any(odd), "{log}");
    let is_counted = async || counted(&client, "switchboard_spans_sent_total ").await > 0;
    until("what is told is counted", is_counted).await;
    process.kill().await;
    app.process.stop().await;
}

/// The addresses in what is sent.
fn personal(message: &Value) -> Vec<String> {
    match message {
        Value::String(text) if text.contains('@') || text.starts_with('+') => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(personal).collect(),
        Value::Object(fields) => fields.values().flat_map(personal).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn nothing_is_told_and_nothing_kept_with_jobs_unless_a_collector_is_set() {
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let message = sandbox(&app.acme.admin).await;
    let (process, client) = served(&app, "api", None).await;
    let admin = client.login("acme", ADMIN, PASSWORD).await;
    admin.send(asked(&admin, &message, "a-1")).await.expect(202);
    let mut conn = app.database.connect_as("switchboard_system").await;
    let kept: Vec<String> = sqlx::query_scalar("select trace from engine.jobs where trace is not null")
        .fetch_all(&mut conn)
        .await
        .expect("jobs");
    assert!(kept.iter().any(|trace| trace == "a-1"), "{kept:?}");
    assert!(!kept.iter().any(|trace| trace.contains(';')), "{kept:?}");
    assert_eq!(counted(&client, "switchboard_spans_sent_total ").await, 0);
    assert_eq!(counted(&client, "switchboard_spans_dropped_total ").await, 0);
    process.kill().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_slows_nobody_and_what_it_misses_is_counted() {
    /// More than wait in the queue and in the batch that is under way.
    const ASKED: u64 = 3000;
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let message = sandbox(&app.acme.admin).await;
    let silent = otlp::Config { silent: true, ..otlp::Config::default() };
    let collector = otlp::Fake::start(silent).await.expect("a port");
    let (process, client) = served(&app, "api,worker,scheduler", Some(&collector.url())).await;
    for _ in 0..ASKED {
        let asked = Instant::now();
        let _ = client.anonymous().get("/api/v1/me").await.problem(401);
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited for the collector");
    }
    let dropped = counted(&client, "switchboard_spans_dropped_total ").await;
    assert!(dropped >= ASKED - 2048 - 512 - 10, "{dropped}");
    assert_eq!(counted(&client, "switchboard_spans_sent_total ").await, 0);
    let admin = client.login("acme", ADMIN, PASSWORD).await;
    let accepted = admin.send(asked(&admin, &message, "a-1")).await;
    let location = accepted.location().expect("a Location").to_owned();
    until("jobs run on", async || admin.get(&location).await.expect(200)["status"] == "sent").await;
    process.kill().await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_collector_that_is_away_slows_nobody_and_what_it_misses_is_counted() {
    const ASKED: u64 = 20;
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let (process, client) = served(&app, "api", Some(&format!("http://{}", free()))).await;
    for _ in 0..ASKED {
        let asked = Instant::now();
        let _ = client.anonymous().get("/api/v1/me").await.problem(401);
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited for the collector");
    }
    let is_lost = async || counted(&client, "switchboard_spans_dropped_total ").await >= ASKED;
    until("what is lost is counted", is_lost).await;
    assert_eq!(counted(&client, "switchboard_spans_sent_total ").await, 0);
    process.kill().await;
    app.process.stop().await;
}
