//! Webhooks.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{Access::Needs, Route};
use crate::http::api::{webhook_deliveries, webhooks};

/// Servers outside that are told of events.
pub(super) fn webhooks() -> Vec<Route> {
    vec![
        (Needs(P::WebhooksWrite), routes!(webhooks::create_webhook)),
        (Needs(P::WebhooksRead), routes!(webhooks::list_webhooks)),
        (Needs(P::WebhooksRead), routes!(webhooks::get_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::change_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::rotate_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::enable_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::disable_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::delete_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::test_webhook)),
        (Needs(P::WebhooksWrite), routes!(webhooks::replay_webhook)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::list_webhook_deliveries)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::list_deliveries_of_webhook)),
        (Needs(P::WebhooksRead), routes!(webhook_deliveries::get_webhook_delivery)),
        (Needs(P::WebhooksWrite), routes!(webhook_deliveries::replay_webhook_delivery)),
    ]
}
