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
    // Nothing of a body is read for an address that nobody has.
    let named = match app.gate.call_source(&token).await {
        Ok(named) => named,
        Err(error) => return Err(refused(error.into(), || app.limits.stranger(address))),
    };
    app.limits.open_to(address, named.id.0)?;
    let signed = signed(&headers);
    let admitted = async {
        let body = whole_body(body).await?;
        let ctx = app.gate.admit_call_source(&named, signed, &body, request_id())?;
        Ok::<_, Problem>((ctx, body))
    };
    let (ctx, body) = match admitted.await {
        Ok(admitted) => admitted,
        Err(problem) => return Err(refused(problem, || app.limits.impostor(address, named.id.0))),
    };
    notices::take(&ctx, named.id, signed.id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Only what fails is counted: a phone system may have much to tell. What fails inside is not their fault.
fn refused(problem: Problem, count: impl FnOnce() -> domain::Result<()>) -> Problem {
    if (400..500).contains(&problem.status)
        && let Err(too_many) = count()
    {
        return too_many.into();
    }
    problem
}

fn signed(headers: &HeaderMap) -> Headers<'_> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Headers {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
    }
}
