//! What stands between the network and the routes: no more at a time than can be served well, no plain HTTP where it
//! is not wanted, which pages may call, and what browsers are told of every answer.

use std::{num::NonZeroU16, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{App, problem::Problem};

/// For how long a browser remembers which origins may call (Chromium takes two hours at the most).
const PREFLIGHT: Duration = Duration::from_hours(2);

/// Where people come who have not shown who they are.
const STRANGERS: [&str; 8] = [
    "/api/v1/auth/",
    "/callbacks/",
    "/unsubscribe/",
    "/files/",
    "/exports/",
    "/ops/login",
    "/ops/password",
    "/ops/theme",
];

/// Turns away at once what would only wait. What tells about the process itself is always answered.
pub async fn shed(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Whoever has not shown who they are can be slow on purpose, and takes no place from the others.
    let stranger = STRANGERS.iter().any(|under| path.starts_with(under));
    if !stranger && !path.starts_with("/api/") && !path.starts_with("/ops") {
        return next.run(request).await;
    }
    let places = if stranger { &app.strangers_places } else { &app.places };
    let Ok(_place) = places.try_acquire() else {
        metrics::counter!("switchboard_http_shed_total").increment(1);
        let detail = "more requests are under way than can be served well; try again";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        return Problem { retry_after: Some(NonZeroU16::MIN), ..problem }.into_response();
    };
    next.run(request).await
}

/// Sends plain HTTP away where only HTTPS is wanted, and says of every answer how it is to be treated (OWASP REST
/// Security Cheat Sheet).
pub async fn harden(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.only_https.then(|| elsewhere(&request)).flatten() {
        Some(elsewhere) => elsewhere,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.only_https {
        let a_year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    response
}

/// What came to our proxy as plain HTTP: who reads a page is led to HTTPS. All else is refused, for its token has been seen,
/// and a program that was led on would send the next one in the open as well.
fn elsewhere(request: &Request) -> Option<Response> {
    // Of a chain of proxies the first was spoken to by the client.
    let schemes = request.headers().get("x-forwarded-proto")?.to_str().ok()?;
    if !schemes.split(',').next().is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("http")) {
        return None;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let target = host.and_then(|host| HeaderValue::try_from(format!("https://{host}{path}")).ok());
    let reads_a_page = matches!(*request.method(), Method::GET | Method::HEAD) && !path.starts_with("/api/");
    Some(match target {
        Some(target) if reads_a_page => {
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, target)]).into_response()
        }
        _ => {
            let detail = "use https, and a new token: this one went over the network in the open";
            Problem::new(StatusCode::FORBIDDEN, "https-only", detail).into_response()
        }
    })
}

/// Pages of these origins may call the API with a token of theirs; cookies are not asked for.
pub fn cors(origins: &[String]) -> CorsLayer {
    let ours = |name: &'static str| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(
            origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok()),
        ))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            ours("idempotency-key"),
            ours("switchboard-reason"),
            ours("switchboard-tenant"),
            ours("x-request-id"),
        ])
        .expose_headers([
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            ours("x-request-id"),
            ours("ratelimit"),
            ours("ratelimit-policy"),
        ])
        .max_age(PREFLIGHT)
}
