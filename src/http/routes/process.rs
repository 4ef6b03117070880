//! The process itself.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Public},
    Route,
};
use crate::{
    dashboard::problems,
    http::{
        api::{ops, sockets},
        openapi,
    },
};

/// The process itself, and sockets.
pub(super) fn process() -> Vec<Route> {
    vec![
        (Public, routes!(ops::livez)),
        (Public, routes!(ops::readyz)),
        (Public, routes!(ops::version)),
        (Public, routes!(ops::metrics)),
        (Public, routes!(openapi::document)),
        (Public, routes!(problems::list_problem_kinds)),
        (Public, routes!(problems::get_problem_kind)),
        (Public, routes!(sockets::asyncapi_document)),
        (Needs(P::EventsRead), routes!(sockets::create_ticket)),
        (Public, routes!(sockets::open)),
        (Needs(P::NodesRead), routes!(sockets::socket_stats)),
    ]
}
