//! What others tell us, signed: there is no bearer, the address and the signature say who it is.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use domain::calls::{
    notices::{self, CallNotice},
    webhook::Headers,
};

use crate::http::{
    Shared,
    extract::{Path, whole_body},
    problem::{Problem, request_id},
};

/// Tell of a call, as a phone system: signed as Standard Webhooks has it, in any order, as often as it takes.
#[utoipa::path(post, path = "/callbacks/calls/{token}", tag = "calls", params(("token" = String, Path)),
    request_body = CallNotice,
    responses((status = 204, description = "It is taken in, or was before")))]
pub async fn call_callback(
    State(app): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let body = whole_body(body).await?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = Headers {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
    };
    let (ctx, source) = app.gate.admit_call_source(&token, signed, &body, request_id()).await?;
    notices::take(&ctx, source, signed.id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
