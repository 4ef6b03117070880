//! The delivery log, tests, and sending one event again.

use engine::log;
use serde_json::json;

use super::{
    enqueue, rules,
    store::{self, Asked, Put},
    view::{DeliveryState, WebhookAttemptView, WebhookDeliveryView},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once},
    types::{WebhookDeliveryId, WebhookId},
};

/// So many attempts of a delivery are shown: those of one round, and the newest of those before.
const SHOWN: i64 = 50;

const SHUT: &str = "the webhook is told nothing at present; enable it first";

/// Where a delivery is read.
fn location(id: WebhookDeliveryId) -> String {
    format!("/api/v1/communication/webhooks/deliveries/{id}")
}

/// Which deliveries to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub webhook: Option<WebhookId>,
    pub state: Option<DeliveryState>,
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: Filter,
    before: Option<WebhookDeliveryId>,
    limit: i64,
) -> Result<Vec<WebhookDeliveryView>> {
    ctx.require(Permission::WebhooksRead)?;
    let mut tx = ctx.begin().await?;
    let asked = Asked { id: None, webhook: filter.webhook, state: filter.state };
    store::deliveries(tx.conn(), ctx.tenant, asked, before, limit).await
}

/// Those of one endpoint.
///
/// # Errors
/// If there is no such endpoint.
pub async fn of_webhook(
    ctx: &Ctx,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    before: Option<WebhookDeliveryId>,
    limit: i64,
) -> Result<Vec<WebhookDeliveryView>> {
    ctx.require(Permission::WebhooksRead)?;
    let mut tx = ctx.begin().await?;
    if store::endpoints(tx.conn(), ctx.tenant, Some(webhook), None, 1).await?.is_empty() {
        return Err(Error::NotFound("webhook"));
    }
    let asked = Asked { id: None, webhook: Some(webhook), state };
    store::deliveries(tx.conn(), ctx.tenant, asked, before, limit).await
}

/// One delivery and the newest of its attempts.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: WebhookDeliveryId) -> Result<(WebhookDeliveryView, Vec<WebhookAttemptView>)> {
    ctx.require(Permission::WebhooksRead)?;
    let mut tx = ctx.begin().await?;
    let asked = Asked { id: Some(id), ..Asked::default() };
    let found = store::deliveries(tx.conn(), ctx.tenant, asked, None, 1).await?.pop();
    let found = found.ok_or(Error::NotFound("webhook delivery"))?;
    let attempts = store::attempts(tx.conn(), ctx.tenant, id, SHOWN).await?;
    Ok((found, attempts))
}

/// Sends a test event to an endpoint, by the way of all others, but once and whatever comes of it.
///
/// # Errors
/// If there is no such endpoint, or it is disabled.
pub async fn test(ctx: &Ctx, webhook: WebhookId) -> Result<Once<WebhookDeliveryId>> {
    ctx.require(Permission::WebhooksWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let held = store::lock_endpoint(tx.conn(), ctx.tenant, webhook).await?;
    if held.ok_or(Error::NotFound("webhook"))?.disabled {
        return Err(Error::conflict("webhook-disabled", SHUT));
    }
    let put = Put { delivery: WebhookDeliveryId(ctx.id()), job: ctx.id() };
    store::insert_unlogged(tx.conn(), ctx.tenant, (put.delivery, put.job), webhook, rules::TEST).await?;
    tx.audit(&[Entry::new("test", "webhook", webhook)]).await?;
    let id = put.delivery;
    enqueue(tx, webhook, &[put]).await?;
    keyed.commit(id, 202, location(id)).await
}

/// Sends an event to its endpoint again, under the same `webhook-id` and from the first attempt on. One that waits is
/// sent at once.
///
/// # Errors
/// If there is no such delivery, its endpoint is told nothing, or the log does not have the event any more.
pub async fn replay(ctx: &Ctx, id: WebhookDeliveryId) -> Result<Once<WebhookDeliveryId>> {
    ctx.require(Permission::WebhooksWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let held = store::lock_to_replay(tx.conn(), ctx.tenant, id).await?;
    let held = held.ok_or(Error::NotFound("webhook delivery"))?;
    if held.shut {
        return Err(Error::conflict("webhook-disabled", SHUT));
    }
    if held.unwanted {
        let detail = "the webhook does not ask for such events any more; subscribe it to them first";
        return Err(Error::conflict("webhook-unsubscribed", detail));
    }
    if held.sequence.is_some() {
        rules::subscribed(&[held.kind], ctx.grants)?;
    }
    let (oldest, _) = log::ends(tx.conn(), ctx.tenant.0).await?;
    if held.sequence.is_some_and(|sequence| sequence < oldest || oldest == 0) {
        let detail = "the log does not have the event any more; read what it was about instead";
        return Err(Error::conflict("event-dropped", detail));
    }
    let job = ctx.id();
    store::replay(tx.conn(), ctx.tenant, id, job).await?;
    let detail = json!({ "webhook_id": held.webhook });
    tx.audit(&[Entry::new("replay", "webhook_delivery", id).detail(detail)]).await?;
    enqueue(tx, held.webhook, &[Put { delivery: id, job }]).await?;
    keyed.commit(id, 202, location(id)).await
}
