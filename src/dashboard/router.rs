//! The table of pages as a router.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, middleware, routing};

use super::{
    assets,
    guard::{Guarded, guard},
    reference,
    routes::table,
};
use crate::http::App;

/// All pages behind their guards, and what they are made of.
pub fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let mut paths = BTreeMap::new();
    for place in table() {
        let guarded = Guarded { app: Arc::clone(app), access: place.access };
        let methods = place.methods.route_layer(middleware::from_fn_with_state(guarded, guard));
        let there: routing::MethodRouter<Arc<App>> = paths.remove(place.path).unwrap_or_default();
        paths.insert(place.path, there.merge(methods));
    }
    let router = Router::new()
        .route("/ops/assets/{*path}", routing::get(assets::serve))
        .route("/docs", routing::get(reference::page));
    paths.into_iter().fold(router, |router, (path, methods)| router.route(path, methods))
}
