//! The list of messages.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    access::permission::Permission,
    messages::{
        read::{self, MessageView},
        stats,
    },
    types::MessageId,
};
use uuid::Uuid;

use super::{
    Accounts,
    asked::{Asked, LASTS},
    facets::{cells, facets},
};
use crate::{
    dashboard::{
        asked, link,
        page::{Page, show},
        pages::span::lasts,
        ui::short,
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// A message in the list.
struct Row {
    short: String,
    to: Option<String>,
    account: String,
    message: MessageView,
}

#[derive(Template)]
#[template(path = "messages/list.html")]
struct List {
    page: Page,
    facets: Vec<Facet>,
    lasts: Vec<ui::Tab>,
    /// What may be looked for.
    hint: &'static str,
    to: String,
    kept: Vec<(&'static str, String)>,
    /// Why there are no figures.
    uncounted: Option<&'static str>,
    span: Option<String>,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
    news: bool,
    here: String,
}

/// The messages that fit the filters, the newest first.
pub async fn list(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Query(mut asked): Query<Asked>,
) -> Result<Response, Problem> {
    if let Some(id) = asked.message() {
        return Ok(Redirect::to(&format!("/ops/messages/{id}")).into_response());
    }
    if let Some(to) = asked.q.take().filter(|text| !text.trim().is_empty()) {
        let asked = Asked { to: Some(to), cursor: None, ..asked };
        return Ok(Redirect::to(&asked.address()).into_response());
    }
    let now = app.platform.clock.now();
    let filter = asked.filter(now)?;
    let window = Window::<Uuid>::of(asked::text(asked.cursor.as_deref()), None)?;
    let rows = read::list(&ctx, &filter, window.before.map(MessageId), window.rows).await?;
    let shown = window.page(rows, |message| message.id.0);
    let accounts = Accounts::of(&ctx).await?;
    let counts = viewer.may_of_all(Permission::MessageStatsRead);
    let (figures, uncounted) = match asked.wanted(now)? {
        None => (None, Some("Nothing counts by lead, batch or recipient, so there are no figures.")),
        Some(_) if !counts => (None, Some("Figures are of all messages; your role does not see them.")),
        Some(wanted) => (Some(cells(&stats::figures(&ctx, &wanted).await?)), None),
    };
    let here = asked.address();
    let about = match asked.last() {
        Some(last) => format!("accepted in the last {last}"),
        None => "accepted in the marked hours".to_owned(),
    };
    let own = |name: &'static str| (name, asked.field(name).unwrap_or_default().to_owned());
    let kept = ["status", "channel", "purpose", "provider", "template", "failure", "code", "lead", "batch"];
    let row = |message: MessageView| Row {
        short: short(message.id.0),
        to: message.to.as_ref().map(|to| to.expose().clone()),
        account: message.provider_id.map(|id| accounts.name(id.0)).unwrap_or_default(),
        message,
    };
    let page = List {
        page: viewer.page("Messages"),
        facets: facets(&asked, figures.as_deref(), &accounts, &here, &about),
        lasts: lasts(&here, LASTS.map(|(word, _)| word), asked.last()),
        hint: if viewer.may(Permission::PersonalRead) {
            "whom it is to in full, or the id of a message"
        } else {
            "the id of a message"
        },
        to: asked.field("to").unwrap_or_default().to_owned(),
        kept: kept.into_iter().map(own).filter(|(_, value)| !value.is_empty()).collect(),
        uncounted,
        span: (asked.field("from").is_some() || asked.field("until").is_some())
            .then(|| link::timeless(&here)),
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        filtered: asked.filters(),
        news: viewer.may(Permission::EventsRead),
        here,
    };
    Ok(show(&page)?.into_response())
}
