//! What a process tells whoever watches it.

use std::collections::{BTreeMap, BTreeSet};

use engine::vitals;
use serde_json::json;
use sqlx::PgConnection;
use switchboard::telemetry::catalogue::{Kind, Metric, OF_INSTALLATION, OF_PROCESS};
use switchboard_tests::TestApp;

use crate::{message::sandbox, sending::idle};

/// What each metric is labelled by.
type Told = BTreeMap<String, BTreeSet<String>>;

/// Reads the text format, as far as this product writes it: no label's value has a quote or a comma in it.
fn read(text: &str) -> Told {
    let mut told = Told::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('='));
        let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le");
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        told.entry(histogram.unwrap_or(name).to_owned()).or_default().extend(labels);
    }
    told
}

fn all() -> impl Iterator<Item = &'static Metric> {
    OF_PROCESS.iter().chain(OF_INSTALLATION)
}

#[tokio::test]
async fn what_is_told_is_what_the_catalogue_lists_and_only_whoever_watches_is_told() {
    let app = TestApp::with(|plan| plan.ops_listen = Some(([127, 0, 0, 1], 0).into())).await;
    app.acme.admin.get("/api/v1/me").await.expect(200);
    app.acme.admin.anonymous().get("/metrics").await.expect(404);
    let base = format!("http://{}", app.process.ops_addr.expect("an address of its own"));
    let ask = async |path: &str| reqwest::get(format!("{base}{path}")).await.expect("an answer");
    for path in ["/livez", "/readyz", "/version"] {
        assert!(ask(path).await.status().is_success(), "{path}");
    }
    assert_eq!(ask("/api/v1/me").await.status(), 404, "nothing else is answered there");
    // Nobody says when the process has looked around, so it is asked until it has.
    let told = loop {
        let told = read(&ask("/metrics").await.text().await.expect("text"));
        let seen = [
            "engine_clock_offset_seconds",
            "switchboard_audit_chains_broken",
            "switchboard_sockets_most",
            "switchboard_vitals_timestamp_seconds",
        ];
        if seen.iter().all(|name| told.contains_key(*name)) {
            break told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for (name, labels) in &told {
        let known =
            all().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is not listed"));
        let listed: BTreeSet<String> = known.labels.iter().map(|label| (*label).to_owned()).collect();
        assert_eq!(labels, &listed, "{name}");
    }
    for metric in all() {
        // What comes with the first event of its kind alone.
        let later = match metric.kind {
            Kind::Counter => metric.labels == ["kind"],
            Kind::Histogram => true,
            Kind::Gauge => false,
        };
        assert!(later || told.contains_key(metric.name), "{} is not told", metric.name);
    }
    app.process.stop().await;
}

/// How long the oldest message was due when it was counted last.
async fn oldest(conn: &mut PgConnection) -> f64 {
    let queues = vitals::queues(conn).await.expect("an answer");
    queues.iter().find(|queue| queue.queue == "messages").expect("it is there").oldest_s
}

async fn count(conn: &mut PgConnection) {
    sqlx::query("select engine.census()").execute(conn).await.expect("counted");
}

#[tokio::test]
async fn what_was_counted_long_ago_or_is_paused_does_not_grow_old() {
    let app = TestApp::with(idle).await;
    let admin = &app.acme.admin;
    let message = sandbox(admin).await;
    admin.post("/api/v1/communication/messages", &message).await.expect(202);
    let mut conn = app.database.connect_as("switchboard_system").await;
    count(&mut conn).await;
    app.database.advance(3_600.0).await;
    let stale = oldest(&mut conn).await;
    assert!((0.0..60.0).contains(&stale), "{stale}: it may have been sent since");
    count(&mut conn).await;
    let waits = oldest(&mut conn).await;
    assert!((3_600.0..3_660.0).contains(&waits), "{waits}");
    admin.post("/api/v1/queues/messages/pause", &json!({})).await.expect(204);
    count(&mut conn).await;
    let paused = oldest(&mut conn).await;
    assert!((0.0..1.0).contains(&paused), "{paused}: nobody is late with what is held back");
    app.process.stop().await;
}
