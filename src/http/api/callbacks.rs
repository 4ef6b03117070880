//! What others tell us, signed: there is no bearer, the address and the signature say who it is.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
};
use domain::{
    Ctx,
    calls::{
        notices::{self, CallNotice},
        webhook::Headers,
    },
    types::CallSourceId,
};

use crate::http::{
    App, Shared,
    extract::{Path, whole_body},
    peer::ClientAddress,
    problem::{Problem, request_id},
};

/// Tell of a call, as a phone system: signed as Standard Webhooks has it, in any order, as often as it takes.
#[utoipa::path(post, path = "/callbacks/calls/{token}", tag = "calls", params(("token" = String, Path)),
    request_body = CallNotice,
    responses((status = 204, description = "It is taken in, or was before")))]
pub async fn call_callback(
    State(app): Shared,
    ClientAddress(address): ClientAddress,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    app.limits.open_to(address)?;
    let signed = signed(&headers);
    let (ctx, source, body) = match admit(&app, &token, signed, body).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            // Only what fails is counted: a phone system may have much to tell. What fails inside is not their fault.
            if (400..500).contains(&problem.status) {
                app.limits.stranger(address)?;
            }
            return Err(problem);
        }
    };
    notices::take(&ctx, source, signed.id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who sent a webhook, and what they sent. Nothing of it is read for an address that nobody has.
async fn admit(
    app: &App,
    token: &str,
    signed: Headers<'_>,
    body: Body,
) -> Result<(Ctx, CallSourceId, Bytes), Problem> {
    let named = app.gate.call_source(token).await?;
    let body = whole_body(body).await?;
    let ctx = app.gate.admit_call_source(&named, signed, &body, request_id())?;
    Ok((ctx, named.id, body))
}

fn signed(headers: &HeaderMap) -> Headers<'_> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Headers {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
    }
}
