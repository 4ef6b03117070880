//! Servers outside that are told of events.

use askama::Template;
use domain::{
    types::WebhookId,
    webhooks::{endpoints, view::WebhookView},
};
use serde::Deserialize;

use super::tabs;
use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
    },
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    pub cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/webhooks.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    view: WebhookView,
    state: &'static str,
    like: &'static str,
}

impl Row {
    fn of(view: WebhookView) -> Self {
        let (state, like) = state(&view);
        Self { view, state, like }
    }
}

/// How a webhook is, in a word and the state it is drawn like.
#[must_use]
pub fn state(view: &WebhookView) -> (&'static str, &'static str) {
    match (view.enabled, view.disabled_why.as_deref(), view.failing_since) {
        (true, _, None) => ("is told", "active"),
        (true, _, Some(_)) => ("fails", "late"),
        (false, Some("by_hand"), _) => ("disabled by hand", "disabled"),
        (false, ..) => ("disabled by failures", "failed"),
    }
}

/// The webhooks, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = endpoints::list(&ctx, window.before.map(WebhookId), window.rows).await?;
    let shown = window.page(rows, |webhook| webhook.id.0);
    show(&List {
        page: viewer.page("Webhooks"),
        tabs: tabs(&viewer, "Webhooks"),
        rows: shown.items.into_iter().map(Row::of).collect(),
        next: shown.next_cursor,
    })
}
