//! One webhook with what became of its deliveries.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    types::{WebhookDeliveryId, WebhookId},
    webhooks::{
        deliveries, endpoints,
        view::{DeliveryState, WebhookDeliveryView, WebhookView},
    },
};
use serde::Deserialize;

use super::{tabs, webhooks::state};
use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

const STATES: [DeliveryState; 4] =
    [DeliveryState::Pending, DeliveryState::Succeeded, DeliveryState::Failed, DeliveryState::Cancelled];

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    /// Of the deliveries.
    pub state: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/webhook.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    webhook: WebhookView,
    state: &'static str,
    like: &'static str,
    states: Vec<ui::Tab>,
    deliveries: Vec<WebhookDeliveryView>,
    next: Option<String>,
    write: bool,
    delete: Option<ui::Confirm>,
}

/// A webhook, and its deliveries in a state.
pub async fn show_webhook(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let webhook = endpoints::get(&ctx, id).await?;
    let chosen = asked.state.as_deref().filter(|state| !state.is_empty());
    let wanted = chosen
        .map(|chosen| {
            let found = STATES.into_iter().find(|state| state.as_str() == chosen);
            found.ok_or_else(|| Problem::field("?state", "pending, succeeded, failed or cancelled"))
        })
        .transpose()?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let before = window.before.map(WebhookDeliveryId);
    let rows = deliveries::of_webhook(&ctx, id, wanted, before, window.rows).await?;
    let shown = window.page(rows, |delivery| delivery.id.0);
    let here = page(id);
    let choice = |word: &'static str, value: &str| {
        ui::Tab::new(word, link::to(&here, &[("state", value)]), chosen.unwrap_or_default() == value)
    };
    let mut states = vec![choice("All", "")];
    states.extend(STATES.iter().map(|state| choice(state.as_str(), state.as_str())));
    let write = viewer.may(Permission::WebhooksWrite);
    let delete = write.then(|| ui::Confirm {
        action: format!("{here}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: webhook.name.clone(),
        warning: "Its secret goes at once; what became of its deliveries can be read for 30 days.".into(),
        verb: "Delete the webhook".into(),
        fields: Vec::new(),
    });
    let (state, like) = state(&webhook);
    show(&One {
        page: viewer.page(&webhook.name),
        tabs: tabs(&viewer, "Webhooks"),
        state,
        like,
        states,
        deliveries: shown.items,
        next: shown.next_cursor,
        write,
        delete,
        webhook,
    })
}

/// Tells it again what happens, from now on.
pub async fn enable(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    let webhook = endpoints::enable(&ctx, id).await?;
    Ok(done(&page(id), &format!("{} is told what happens from now on.", webhook.name)))
}

/// Tells it nothing until it is enabled.
pub async fn disable(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    let webhook = endpoints::disable(&ctx, id).await?;
    Ok(done(&page(id), &format!("{} is told nothing until it is enabled.", webhook.name)))
}

/// Sends it a test event.
pub async fn test(Caller(ctx): Caller, Path(id): Path<WebhookId>) -> Result<Response, Problem> {
    deliveries::test(&ctx, id).await?;
    Ok(done(&page(id), "A test event is on its way; the newest delivery says what comes of it."))
}

/// Sends one event again.
pub async fn replay(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let delivery = fields.read_as("delivery", "the id of a delivery")?.map(WebhookDeliveryId);
    let delivery = delivery.ok_or_else(|| Problem::field("/delivery", "say which delivery"))?;
    deliveries::replay(&ctx, delivery).await?;
    Ok(done(&page(id), "It is sent again, from the first attempt on."))
}

/// Deletes it, once its name was typed.
pub async fn delete(
    Caller(ctx): Caller,
    Path(id): Path<WebhookId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let webhook = endpoints::get(&ctx, id).await?;
    fields.confirms(&webhook.name)?;
    endpoints::delete(&ctx, id).await?;
    Ok(done("/ops/settings/webhooks", &format!("The webhook {} is deleted.", webhook.name)))
}

fn page(id: WebhookId) -> String {
    format!("/ops/settings/webhooks/{id}")
}
