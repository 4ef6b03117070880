//! Messages, and who wants none.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{
    Access::{Needs, Public, Signed},
    Route,
};
use crate::http::api::{
    consents, inbound, message_policy, message_stats, messages, provider_callbacks, providers, suppressions,
    templates, unsubscribe,
};

/// What is sent to leads, and by whom.
pub(super) fn messages() -> Vec<Route> {
    vec![
        (Needs(P::ProvidersWrite), routes!(providers::create_provider)),
        (Needs(P::ProvidersRead), routes!(providers::list_providers)),
        (Needs(P::ProvidersRead), routes!(providers::get_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::change_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::delete_provider)),
        (Needs(P::ProvidersWrite), routes!(providers::verify_provider)),
        (Needs(P::ProvidersPause), routes!(providers::pause_provider)),
        (Needs(P::ProvidersPause), routes!(providers::resume_provider)),
        (Needs(P::TemplatesWrite), routes!(templates::create_template)),
        (Needs(P::TemplatesRead), routes!(templates::list_templates)),
        (Needs(P::TemplatesRead), routes!(templates::preview_template)),
        (Needs(P::TemplatesRead), routes!(templates::get_template)),
        (Needs(P::TemplatesWrite), routes!(templates::replace_template)),
        (Needs(P::TemplatesWrite), routes!(templates::archive_template)),
        (Needs(P::MessagesSend), routes!(messages::send_message)),
        (Needs(P::MessagesSend), routes!(messages::send_messages)),
        (Needs(P::MessagesRead), routes!(messages::list_messages)),
        (Needs(P::MessagesRead), routes!(messages::list_message_statuses)),
        (Needs(P::MessagesRead), routes!(messages::get_message)),
        (Needs(P::MessagesCancel), routes!(messages::cancel_message)),
        (Needs(P::MessagesSettle), routes!(messages::resolve_message)),
        (Needs(P::MessageStatsRead), routes!(message_stats::message_stats)),
        (Needs(P::DeliveriesRead), routes!(messages::list_deliveries)),
        (Needs(P::MessagesRead), routes!(inbound::list_inbound_messages)),
        (Needs(P::MessagesRead), routes!(inbound::get_inbound_message)),
        (Signed, routes!(provider_callbacks::provider_callback)),
        (Signed, routes!(provider_callbacks::provider_challenge)),
    ]
}

/// What people want to hear, and what they do not.
pub(super) fn wishes() -> Vec<Route> {
    vec![
        (Needs(P::MessagePolicyRead), routes!(message_policy::get_message_policy)),
        (Needs(P::MessagePolicyWrite), routes!(message_policy::put_message_policy)),
        (Needs(P::SuppressionsWrite), routes!(suppressions::create_suppression)),
        (Needs(P::SuppressionsRead), routes!(suppressions::list_suppressions)),
        (Needs(P::SuppressionsRead), routes!(suppressions::get_suppression)),
        (Needs(P::SuppressionsWrite), routes!(suppressions::delete_suppression)),
        (Needs(P::ConsentsWrite), routes!(consents::record_consent)),
        (Needs(P::ConsentsRead), routes!(consents::list_consents)),
        (Needs(P::ConsentsRead), routes!(consents::consent_history)),
        (Public, routes!(unsubscribe::unsubscribe_page)),
        (Public, routes!(unsubscribe::unsubscribe)),
    ]
}
