//! Servers outside that are told of events.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    types::WebhookId,
    webhooks::{
        deliveries, endpoints, replay,
        view::{
            NewWebhook, NewWebhookSecret, RotatedWebhookSecret, WebhookChange, WebhookReplay, WebhookView,
        },
    },
};

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Have a server told of events from now on, by signed webhooks (Standard Webhooks). The body of each is the event as a
/// socket gets it; the secret by which it is signed is shown once. Needs the permission to see each type of event, and
/// all leads.
#[utoipa::path(post, path = "/api/v1/communication/webhooks", tag = "communication", request_body = NewWebhook,
    responses((status = 201, body = NewWebhookSecret)))]
pub async fn create_webhook(Caller(ctx): Caller, Json(new): Json<NewWebhook>) -> Result<Response, Problem> {
    Ok(reply::once(endpoints::create(&ctx, new).await?, |made| made))
}

/// The webhooks, newest first.
#[utoipa::path(get, path = "/api/v1/communication/webhooks", tag = "communication", params(Paging),
    responses((status = 200, body = Page<WebhookView>)))]
pub async fn list_webhooks(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<WebhookView>>, Problem> {
    let window = paging.window()?;
    let rows = endpoints::list(&ctx, window.before.map(WebhookId), window.rows).await?;
    Ok(Body(window.page(rows, |webhook| webhook.id.0)))
}

/// One webhook.
#[utoipa::path(get, path = "/api/v1/communication/webhooks/{id}", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = WebhookView)))]
pub async fn get_webhook(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    let view = endpoints::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a webhook (RFC 7396: absent fields stay). What waits goes to the new URL. Whoever says where it goes must see
/// all that it is told.
#[utoipa::path(patch, path = "/api/v1/communication/webhooks/{id}", tag = "communication",
    params(("id" = Uuid, Path)), request_body = WebhookChange, responses((status = 200, body = WebhookView)))]
pub async fn change_webhook(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    Json(change): Json<WebhookChange>,
) -> Result<Response, Problem> {
    let view = endpoints::change(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// Give a webhook another secret, shown once. For a day it is signed by the one before as well, and if the secret is
/// replaced again within that day, still by the same one.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/{id}/rotate", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = RotatedWebhookSecret)))]
pub async fn rotate_webhook(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    Ok(reply::once(endpoints::rotate(&ctx, id).await?, |rotated| rotated))
}

/// Tell a webhook again what happens, from now on. What it missed stands in its gap, and can be replayed.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/{id}/enable", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = WebhookView)))]
pub async fn enable_webhook(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
) -> Result<Body<WebhookView>, Problem> {
    Ok(Body(endpoints::enable(&ctx, id).await?))
}

/// Tell a webhook nothing until it is enabled. What waits for it is cancelled when its turn comes.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/{id}/disable", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 200, body = WebhookView)))]
pub async fn disable_webhook(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
) -> Result<Body<WebhookView>, Problem> {
    Ok(Body(endpoints::disable(&ctx, id).await?))
}

/// Delete a webhook. Its secret goes at once, what became of its deliveries can be read for 30 days.
#[utoipa::path(delete, path = "/api/v1/communication/webhooks/{id}", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_webhook(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<StatusCode, Problem> {
    endpoints::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test event, `switchboard.webhook.test.v1`, by the way of all others but only once. Location names the
/// delivery, which says what came of it.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/{id}/test", tag = "communication",
    params(("id" = Uuid, Path)), responses((status = 202, body = Made)))]
pub async fn test_webhook(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    Ok(reply::once(deliveries::test(&ctx, id).await?, |made| Made { id: made.0 }))
}

/// Send the events of a part of the log again, as far as the webhook is told of their types: an event keeps its
/// `webhook-id`, and one that waits is left alone. It is done by an operation.
#[utoipa::path(post, path = "/api/v1/communication/webhooks/{id}/replay", tag = "communication",
    params(("id" = Uuid, Path)), request_body = WebhookReplay, responses((status = 202, body = Made)))]
pub async fn replay_webhook(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    Json(asked): Json<WebhookReplay>,
) -> Result<Response, Problem> {
    Ok(reply::once(replay::ask(&ctx, id, asked).await?, |id| Made { id }))
}
