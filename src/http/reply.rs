//! Answers of requests that change something.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::tenancy::Once;
use serde::Serialize;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Status, Location and, the first time, the body. A replay has no body: what was made can be read
/// where Location says.
pub fn once<T, B: Serialize>(once: Once<T>, body: impl FnOnce(T) -> B) -> Response {
    let status = StatusCode::from_u16(once.answer.status).unwrap_or(StatusCode::OK);
    let mut response = match once.fresh {
        Some(made) => (status, Json(body(made))).into_response(),
        None => (status, [(REPLAYED, HeaderValue::from_static("true"))]).into_response(),
    };
    if let Ok(location) = HeaderValue::from_str(&once.answer.location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
