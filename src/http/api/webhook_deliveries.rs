//! What became of webhooks: the delivery log.

use axum::{Json as Body, response::Response};
use domain::{
    types::{WebhookDeliveryId, WebhookId},
    webhooks::{
        deliveries::{self, Filter},
        view::{DeliveryState, WebhookAttemptView, WebhookDeliveryView},
    },
};
use serde::{Deserialize, Serialize};

use super::access::Made;
use crate::http::{
    extract::{Caller, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Which deliveries, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookDeliveryQuery {
    pub webhook_id: Option<WebhookId>,
    pub state: Option<DeliveryState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What was sent by all webhooks, also by those that are deleted, newest first.
#[utoipa::path(get, path = "/api/v1/communication/webhooks/deliveries", tag = "communication",
    params(WebhookDeliveryQuery), responses((status = 200, body = Page<WebhookDeliveryView>)))]
pub async fn list_webhook_deliveries(
    Caller(ctx): Caller,
    Query(query): Query<WebhookDeliveryQuery>,
) -> Result<Body<Page<WebhookDeliveryView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = Filter { webhook: query.webhook_id, state: query.state };
    let rows = deliveries::list(&ctx, filter, window.before.map(WebhookDeliveryId), window.rows).await?;
    Ok(Body(window.page(rows, |delivery| delivery.id.0)))
}

/// Which deliveries of one webhook, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesOfWebhookQuery {
    pub state: Option<DeliveryState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What was sent by one webhook, newest first.
#[utoipa::path(get, path = "/api/v1/communication/webhooks/{id}/deliveries", tag = "communication",
    params(("id" = Uuid, Path), DeliveriesOfWebhookQuery),
    responses((status = 200, body = Page<WebhookDeliveryView>)))]
pub async fn list_deliveries_of_webhook(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    Query(query): Query<DeliveriesOfWebhookQuery>,
) -> Result<Body<Page<WebhookDeliveryView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let before = window.before.map(WebhookDeliveryId);
    let rows = deliveries::of_webhook(&ctx, id, query.state, before, window.rows).await?;
    Ok(Body(window.page(rows, |delivery| delivery.id.0)))
}

/// A delivery with its attempts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct WebhookDeliveryDetail {
    #[serde(flatten)]
    pub delivery: WebhookDeliveryView,
    /// The newest 50, newest first.
    pub tried: Vec<WebhookAttemptView>,
}

/// One delivery and its attempts.
#[utoipa::path(get, path = "/api/v1/communication/webhooks/deliveries/{id}", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = WebhookDeliveryDetail)))]
pub async fn get_webhook_delivery(
    Caller(ctx): Caller,
    Path(id): Path<WebhookDeliveryId>,
) -> Result<Body<WebhookDeliveryDetail>, Problem> {
    let (delivery, tried) = deliveries::get(&ctx, id).await?;
    Ok(Body(WebhookDeliveryDetail { delivery, tried }))
}

/// Send an event again, now, under the same `webhook-id`, and from the first attempt on if it fails.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/deliveries/{id}/replay", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 202, body = Made)))]
pub async fn replay_webhook_delivery(
    Caller(ctx): Caller,
    Path(id): Path<WebhookDeliveryId>,
) -> Result<Response, Problem> {
    Ok(reply::once(deliveries::replay(&ctx, id).await?, |id| Made { id: id.0 }))
}
