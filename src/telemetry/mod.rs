//! Logs to stderr and metrics for Prometheus.

pub mod catalogue;

use std::{
    io::{IsTerminal as _, stderr},
    sync::OnceLock,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The shape of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Seconds; a request slower than the last is an incident.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// Starts logging. `RUST_LOG` says what is logged; info of our own crates if it says nothing. Lines have colours at a terminal
/// only, and none with `NO_COLOR`.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,switchboard=info,engine=info,domain=info,workers=info"));
    let registry = tracing_subscriber::registry().with(filter);
    let coloured =
        stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt::layer().with_writer(stderr).with_ansi(coloured);
    match format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
}

/// The process's metrics, recorded from the first call on, with what each of them means.
///
/// # Panics
/// If another recorder was installed in this process.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("seconds".into()), &BUCKETS)
            .expect("there are buckets")
            .install_recorder()
            .expect("no other recorder is installed");
        catalogue::describe();
        handle
    })
}
