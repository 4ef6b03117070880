//! The route table as a router, and as a description.

use std::sync::Arc;

use axum::{Router, http::StatusCode, middleware, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::{
    App,
    api::ops,
    conditional, edge,
    envelope::envelope,
    guard::{Guarded, guard},
    headers::say_headers,
    openapi,
    problem::Problem,
    routes::table,
};
use crate::{dashboard, process::Roles};

const METRICS: &str = "/metrics";

/// Routes whose body is read as it comes and never kept.
const STREAMS: [&str; 1] = ["/api/v1/leads/imports"];

/// What is said of the process itself, and nothing else, at an address that only whoever runs it can reach.
pub fn of_process(app: &Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .route("/version", get(ops::version))
        .route(METRICS, get(ops::metrics))
        .layer(middleware::from_fn(envelope))
        .with_state(Arc::clone(app))
}

/// The routes that these roles answer, behind their guards. Metrics are told where nobody asks for them at an address of
/// their own.
pub fn router(app: &Arc<App>, roles: Roles, metrics: bool) -> Router {
    let mut router = OpenApiRouter::default();
    for (access, (schemas, paths, methods)) in table() {
        if !paths.paths.keys().all(|path| answered(path, roles) && (metrics || path != METRICS)) {
            continue;
        }
        let streams = paths.paths.keys().any(|path| STREAMS.contains(&path.as_str()));
        let guarded = Guarded { app: Arc::clone(app), access, streams };
        let methods = methods.route_layer(middleware::from_fn_with_state(guarded, guard));
        router = router.routes((schemas, paths, methods));
    }
    let (router, _) = router.split_for_parts();
    let router = if roles.api { router.merge(dashboard::router::router(app)) } else { router };
    router
        .fallback(|| async {
            Problem::from(domain::Error::NotFound("route; GET /api/v1/openapi.json lists them"))
        })
        .method_not_allowed_fallback(|| async {
            let detail = "this route knows other methods; see the Allow header";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
        })
        .layer(middleware::from_fn(conditional::unless_known))
        .layer(middleware::from_fn_with_state(Arc::clone(app), edge::shed))
        .layer(middleware::from_fn_with_state(Arc::clone(app), edge::harden))
        .layer(middleware::from_fn(envelope))
        .layer(edge::cors(&app.allowed_origins))
        .with_state(Arc::clone(app))
}

fn answered(path: &str, roles: Roles) -> bool {
    match path {
        "/api/v1/ws" => roles.notifier,
        api if ["/api/", "/callbacks/", "/unsubscribe/"].iter().any(|under| api.starts_with(under)) => {
            roles.api
        }
        _ => true,
    }
}

/// The same table as a description.
#[must_use]
pub fn description() -> OpenApi {
    let mut router = OpenApiRouter::<Arc<App>>::default();
    for (access, (schemas, mut paths, methods)) in table() {
        openapi::say_access(&mut paths, access);
        say_headers(&mut paths);
        router = router.routes((schemas, paths, methods));
    }
    openapi::finish(router.split_for_parts().1)
}
