//! For those who run the product: is it alive, is it ready, which build, which numbers.

use axum::{Json as Body, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    http::{Shared, problem::Problem},
    telemetry,
};

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200)))]
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The database answers and the process is not to stop, so work can be taken in.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses((status = 200), (status = 503)))]
pub async fn readyz(State(app): Shared) -> Result<&'static str, Problem> {
    if app.hub.stop.is_cancelled() {
        return Err(not_ready("this process ends; another one takes work in"));
    }
    match app.platform.engine.ping().await {
        Ok(()) => Ok("ready\n"),
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            Err(not_ready("the database does not answer; try again shortly"))
        }
    }
}

fn not_ready(detail: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
}

/// The build.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Version {
    pub name: &'static str,
    pub version: &'static str,
}

/// Which build answers.
#[utoipa::path(get, path = "/version", tag = "operations", responses((status = 200, body = Version)))]
pub async fn version() -> Body<Version> {
    Body(Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") })
}

/// Metrics in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200)))]
pub async fn metrics() -> String {
    telemetry::metrics().render()
}
