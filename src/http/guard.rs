//! Proves who asks, before the handler runs: bearer, permission, Idempotency-Key.

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    Ctx, Error,
    access::{api_key::OperatorKey, gate::Freshness},
    ctx::OperatorCtx,
    tenancy::Idempotency,
};
use sha2::{Digest, Sha256};

use super::{
    App, conditional,
    extract::whole_body,
    operators, peer,
    problem::{Problem, request_id},
    routes::Access,
};

/// What a route's guard knows.
#[derive(Clone)]
pub struct Guarded {
    pub app: Arc<App>,
    pub access: Access,
    /// The body is not buffered: the import streams.
    pub streams: bool,
}

/// Who asks, as the bearer says.
enum Known {
    Caller(Ctx),
    Operator(OperatorCtx),
}

/// Lets the request through with its context, or answers with a problem.
pub async fn guard(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    if guarded.access == Access::Signed {
        return next.run(request).await;
    }
    if guarded.access == Access::Public {
        // Only what fails is counted: behind one address there may be an office that logs in.
        let address = address_of(&guarded, &request);
        let response = next.run(request).await;
        let refused = response.status().is_client_error();
        return if refused { stranger(&guarded, address).unwrap_or(response) } else { response };
    }
    let fresh = freshness(guarded.access);
    match who(&guarded, request.headers(), fresh).await {
        Ok(Known::Caller(ctx)) => serve(&guarded, ctx, request, next).await,
        Ok(Known::Operator(operator)) => operators::serve(&guarded, &operator, request, next).await,
        Err(problem) => {
            let address = address_of(&guarded, &request);
            stranger(&guarded, address).unwrap_or_else(|| problem.into_response())
        }
    }
}

/// Answers somebody of a tenant. Who was refused is written down there.
async fn serve(guarded: &Guarded, ctx: Ctx, request: Request, next: Next) -> Response {
    let left = match guarded.app.limits.caller(&ctx) {
        Ok(left) => left,
        Err(error) => return Problem::from(error).into_response(),
    };
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // Method and route, without what stands in them.
    let asked = format!("{} {}", request.method(), route.unwrap_or_default());
    let mut response = match admit(guarded, ctx.clone(), request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if response.status() == StatusCode::FORBIDDEN
        && let Err(error) = guarded.app.denials.record(&ctx, &asked).await
    {
        tracing::warn!(%error, "a refusal could not be written down");
    }
    left.tell(response.headers_mut());
    response
}

/// The client's address, unless the request is about the process itself: such are not counted.
fn address_of(guarded: &Guarded, request: &Request) -> Option<IpAddr> {
    let path = request.uri().path();
    let counted =
        ["/api/", "/unsubscribe/", "/files/", "/exports/"].iter().any(|under| path.starts_with(under));
    let address =
        counted.then(|| peer::address(request.extensions(), request.headers(), guarded.app.proxy_hops))?;
    address.inspect_err(|error| tracing::warn!(%error, "a request that nobody sent")).ok()
}

/// Counts a request that was refused to somebody who has not shown who they are; answers it if there are too many.
fn stranger(guarded: &Guarded, address: Option<IpAddr>) -> Option<Response> {
    let refused = guarded.app.limits.stranger(address?).err()?;
    Some(Problem::from(refused).into_response())
}

/// How fresh the rights must be that a route is answered by.
fn freshness(access: Access) -> Freshness {
    match access {
        Access::Needs(permission) if !permission.is_delicate() => Freshness::AMomentAgo,
        _ => Freshness::Now,
    }
}

async fn who(guarded: &Guarded, headers: &HeaderMap, fresh: Freshness) -> Result<Known, Problem> {
    let bearer = bearer(headers).ok_or(Error::Unauthenticated(
        "send a token or an API key: `Authorization: Bearer …`; POST /api/v1/auth/login gives a token",
    ))?;
    let trace = request_id();
    let gate = &guarded.app.gate;
    if OperatorKey::is_meant(bearer) {
        return Ok(Known::Operator(gate.admit_operator(bearer, trace).await?));
    }
    Ok(Known::Caller(gate.admit_as(bearer, trace, fresh).await?))
}

async fn admit(guarded: &Guarded, mut ctx: Ctx, request: Request) -> Result<Request, Problem> {
    match guarded.access {
        Access::Needs(permission) => ctx.require(permission)?,
        Access::Operator => {
            let detail = "this is for operators of the installation, by a key of theirs";
            return Err(Problem::new(StatusCode::FORBIDDEN, "permission-missing", detail));
        }
        Access::Public | Access::Signed | Access::SignedIn => {}
    }
    ctx.expected = conditional::expected(&request)?;
    let (key, mut request) = keyed(guarded.streams, request).await?;
    ctx.idempotency = key;
    request.extensions_mut().insert(ctx);
    Ok(request)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(credentials.trim())
}

/// Reads the Idempotency-Key and hashes what it stands for. Whose request it is belongs to the key's
/// own row, so the hash need not hold it.
pub(super) async fn keyed(
    streams: bool,
    request: Request,
) -> Result<(Option<Idempotency>, Request), Problem> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let Some(key) = request.headers().get("idempotency-key").filter(|_| changes) else {
        return Ok((None, request));
    };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()) && !key.trim().is_empty());
    let key = key
        .ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "bad-idempotency-key",
                "the Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID",
            )
        })?
        .to_owned();
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.uri().path_and_query().map_or("", |path| path.as_str()));
    hash.update([0]);
    let request = if streams {
        for name in ["content-digest", "content-length"] {
            hash.update(request.headers().get(name).map_or(&[][..], |value| value.as_bytes()));
            hash.update([0]);
        }
        request
    } else {
        let (parts, body) = request.into_parts();
        let body = whole_body(body).await?;
        hash.update(&body);
        Request::from_parts(parts, Body::from(body))
    };
    Ok((Some(Idempotency { key, fingerprint: hash.finalize().into() }), request))
}
