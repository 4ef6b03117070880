//! Accounts at providers: how each is, held still and let go on, and whether its credentials are good.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    messages::accounts::{self, ProviderView, verify::VerificationResult},
    types::ProviderId,
};
use serde::Deserialize;

use super::tabs;
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

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    pub cursor: Option<String>,
}

struct Row {
    view: ProviderView,
    state: &'static str,
    like: &'static str,
}

impl Row {
    fn of(view: ProviderView, now: DateTime<Utc>) -> Self {
        let throttled = view.throttled_until.is_some_and(|until| until > now);
        let (state, like) = match (view.paused_at, throttled) {
            (Some(_), _) if view.pause_code.as_deref() == Some("by_hand") => ("paused by hand", "paused"),
            (Some(_), _) => ("paused by a fault", "failed"),
            (None, true) => ("asked to wait", "late"),
            (None, false) => ("carries messages", "active"),
        };
        Self { view, state, like }
    }
}

#[derive(Template)]
#[template(path = "settings/providers.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "settings/provider.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    row: Row,
    messages: Option<String>,
    pause: bool,
    resume: bool,
    verify: bool,
}

/// The accounts, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = accounts::list(&ctx, window.before.map(ProviderId), window.rows).await?;
    let shown = window.page(rows, |view| view.id.0);
    let now = ctx.now();
    show(&List {
        page: viewer.page("Providers"),
        tabs: tabs(&viewer, "Providers"),
        rows: shown.items.into_iter().map(|view| Row::of(view, now)).collect(),
        next: shown.next_cursor,
    })
}

/// One account, without its credentials.
pub async fn show_provider(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<ProviderId>) -> Answer {
    let row = Row::of(accounts::get(&ctx, id).await?, ctx.now());
    let held = row.state != "carries messages";
    let may = viewer.may(Permission::ProvidersPause);
    let messages = link::to("/ops/messages", &[("provider", &id.to_string())]);
    show(&One {
        page: viewer.page(&row.view.name),
        tabs: tabs(&viewer, "Providers"),
        messages: viewer.may(Permission::MessagesRead).then_some(messages),
        pause: may && row.view.paused_at.is_none(),
        resume: may && held,
        verify: viewer.may(Permission::ProvidersWrite),
        row,
    })
}

/// Hands it nothing until it is resumed; its messages wait.
pub async fn pause(
    Caller(ctx): Caller,
    Path(id): Path<ProviderId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let view = accounts::pause(&ctx, id, fields.text("why")).await?;
    Ok(done(&page(id), &format!("{} is paused; its messages wait.", view.name)))
}

/// Lets it go on, whatever held it.
pub async fn resume(Caller(ctx): Caller, Path(id): Path<ProviderId>) -> Result<Response, Problem> {
    let view = accounts::resume(&ctx, id).await?;
    Ok(done(&page(id), &format!("{} goes on; messages that wait for it are tried now.", view.name)))
}

/// Asks it whether its credentials are good. Nothing is sent.
pub async fn verify(Caller(ctx): Caller, Path(id): Path<ProviderId>) -> Result<Response, Problem> {
    let found = accounts::verify(&ctx, id).await?;
    let what = match found.result {
        VerificationResult::Good => "The credentials are good.",
        VerificationResult::Unproven => {
            "Their form is right; this provider has nothing to ask without sending."
        }
        VerificationResult::Bad => "The credentials are NOT accepted.",
        VerificationResult::Unreachable => {
            "The provider could not be reached, which says nothing about them."
        }
    };
    Ok(done(&page(id), &format!("{what} {}", found.text.unwrap_or_default())))
}

fn page(id: ProviderId) -> String {
    format!("/ops/settings/providers/{id}")
}
