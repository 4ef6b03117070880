//! What a collector is told of a request and of what comes of it.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use fakes::otlp;
use reqwest::Method;
use serde_json::Value;
use switchboard::process::Roles;
use switchboard_tests::{Client, PASSWORD, TestApp, Worker};

use crate::message::sandbox;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A process with traces for a collector, and where it answers.
async fn served(app: &TestApp, collector: &otlp::Fake) -> (Worker, Client) {
    // It is free again when the process takes it.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let (listen, endpoint) = (free.to_string(), collector.url());
    let settings = [
        ("SWITCHBOARD_LISTEN", listen.as_str()),
        ("SWITCHBOARD_ADDRESS_REQUESTS_PER_S", "100000"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-collector=it%20is%20me"),
        ("OTEL_SERVICE_NAME", "calls"),
    ];
    let process = Worker::start_as(&app.database, "api,worker,scheduler", &settings);
    let base = format!("http://{free}");
    let until = Instant::now() + Duration::from_secs(60);
    while reqwest::get(format!("{base}/livez")).await.is_err() {
        assert!(Instant::now() < until, "it does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (process, Client::new(&base))
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
    let (process, client) = served(&app, &collector).await;
    let admin = client.login("acme", "admin@acme.example.com", PASSWORD).await;
    let sent = admin
        .request(Method::POST, "/api/v1/communication/messages")
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("x-request-id", "caller-4155550101")
        .json(&message);
    admin.send(sent).await.expect(202);
    admin.get("/api/v1/leads?q=ada%40example.com").await;

    let told = || {
        let spans = collector.spans();
        let mut of_trace = spans.into_iter().filter(|span| span.trace == TRACE);
        let request = of_trace.clone().find(|span| span.kind == 2);
        Some((request?, of_trace.find(|span| span.kind == 5)?))
    };
    let until = Instant::now() + Duration::from_secs(60);
    let (request, job) = loop {
        if let Some(told) = told() {
            break told;
        }
        assert!(Instant::now() < until, "{:#?}", collector.spans());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(request.parent, CALLER);
    assert_eq!(request.name, "POST /api/v1/communication/messages");
    let attribute = |name: &str| request.attributes.get(name).map(String::as_str);
    assert_eq!(attribute("http.request.method"), Some("POST"));
    assert_eq!(attribute("http.route"), Some("/api/v1/communication/messages"));
    assert_eq!(attribute("http.response.status_code"), Some("202"));
    assert_eq!(request.resource.get("service.name").map(String::as_str), Some("calls"));
    assert!(!job.parent.is_empty(), "{job:?}");
    assert!(job.name.starts_with("process "), "{job:?}");
    assert!(job.attributes.contains_key("messaging.message.id"), "{job:?}");
    assert_eq!(job.attributes.get("messaging.operation.type").map(String::as_str), Some("process"));

    let known = ["http.", "messaging.", "switchboard.", "error.type"];
    for span in collector.spans() {
        assert_eq!(span.events, 0, "{span:?}");
        for name in span.attributes.keys() {
            assert!(known.iter().any(|begin| name.starts_with(begin)), "{name} of {span:?}");
        }
    }
    for said in personal(&message).iter().map(String::as_str).chain(["ada@example.com", "4155550101", "acme"]) {
        assert!(!collector.was_told(said), "{said}");
        assert!(!collector.was_told(&said.replace('@', "%40")), "{said}");
    }
    assert!(collector.header("x-collector").iter().all(|value| value == "it is me"));

    // The audit log goes on naming the request by its own id.
    let log = admin.get("/api/v1/compliance/audit-logs").await.expect(200);
    let odd = |entry: &Value| entry["request_id"].as_str().is_some_and(|id| id.contains(TRACE));
    assert!(!log["items"].as_array().expect("a list").iter().any(odd), "{log}");
    assert!(counted(&client, "switchboard_spans_sent_total ").await > 0);
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
async fn a_collector_that_never_answers_slows_nobody_and_what_it_misses_is_counted() {
    /// More than wait in the queue and in the batch that is under way.
    const ASKED: u64 = 3000;
    let app = TestApp::with_roles(Roles { api: true, ..Roles::default() }).await;
    let silent = otlp::Config { silent: true, ..otlp::Config::default() };
    let collector = otlp::Fake::start(silent).await.expect("a port");
    let (process, client) = served(&app, &collector).await;
    for _ in 0..ASKED {
        let asked = Instant::now();
        let _ = client.anonymous().get("/api/v1/me").await.problem(401);
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited for the collector");
    }
    let dropped = counted(&client, "switchboard_spans_dropped_total ").await;
    assert!(dropped >= ASKED - 2048 - 512 - 10, "{dropped}");
    assert_eq!(counted(&client, "switchboard_spans_sent_total ").await, 0);
    process.kill().await;
    app.process.stop().await;
}
