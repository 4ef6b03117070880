//! What is done around every request: an id, a span, measures, and a task of its own.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::trace;
use tokio::time::Instant;
use tracing::{Instrument, field};

use super::problem::{Problem, REQUEST_ID};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 100;

/// Runs the request in a task of its own, so that a client that goes away cannot cut a change in two
/// and a panic becomes a problem document.
pub async fn envelope(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let method = named(request.method());
    let route =
        request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request", request_id = %id, http.request.method = %method, http.route = %route,
        http.response.status_code = field::Empty
    );
    if let Some(parent) = request.headers().get("traceparent").and_then(|parent| parent.to_str().ok()) {
        trace::adopt(&span, parent);
    }
    let began = Instant::now();
    let run = REQUEST_ID.scope(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = match tokio::spawn(run).await {
        Ok(response) => response,
        Err(lost) => {
            let problem = || Problem::from(domain::Error::internal(lost));
            REQUEST_ID.sync_scope(id.clone(), problem).into_response()
        }
    };
    let status = response.status().as_u16();
    let seconds = began.elapsed().as_secs_f64();
    span.in_scope(|| tracing::debug!(status, seconds, "answered"));
    span.record("http.response.status_code", i64::from(status));
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("switchboard_http_requests_total", &labels).increment(1);
    metrics::histogram!("switchboard_http_request_seconds", &labels[..2]).record(seconds);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// What is told of a method: anybody can make some up, and each would be a series of its own for ever.
fn named(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The caller's own id if it is short and plain, a fresh one otherwise.
fn request_id(request: &Request) -> String {
    let plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let given = request.headers().get(HEADER).and_then(|id| id.to_str().ok()).filter(plain);
    given.map_or_else(|| uuid::Uuid::now_v7().to_string(), ToOwned::to_owned)
}
