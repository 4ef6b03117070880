//! Calls.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Signed},
    Route,
};
use crate::http::api::{call_sources, callbacks, calls};

/// Calls, and who tells of them.
pub(super) fn calls() -> Vec<Route> {
    vec![
        (Needs(P::CallsWrite), routes!(calls::create_call)),
        (Needs(P::CallsRead), routes!(calls::list_calls)),
        (Needs(P::CallsRead), routes!(calls::get_call)),
        (Needs(P::CallsWrite), routes!(calls::change_call)),
        (Needs(P::CallsWrite), routes!(calls::ring_call)),
        (Needs(P::CallsWrite), routes!(calls::answer_call)),
        (Needs(P::CallsWrite), routes!(calls::end_call)),
        (Needs(P::CallsWrite), routes!(calls::dispose_of_call)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::create_call_source)),
        (Needs(P::CallSourcesRead), routes!(call_sources::list_call_sources)),
        (Needs(P::CallSourcesRead), routes!(call_sources::get_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::change_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::rotate_call_source)),
        (Needs(P::CallSourcesWrite), routes!(call_sources::delete_call_source)),
        (Signed, routes!(callbacks::call_callback)),
    ]
}
