//! The reports that there are, and those that are saved.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    analytics::{
        document::ReportKind,
        saved::{self, SavedReportView, standing::newest},
    },
    types::SavedReportId,
};
use serde::Deserialize;

use super::{
    about,
    saved::{span_word, standing_word},
    tabs,
};
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

/// A report that this build makes.
struct Card {
    kind: &'static str,
    name: &'static str,
    sentence: &'static str,
}

/// A saved report in a line.
struct Row {
    report: SavedReportView,
    about: &'static str,
    days: &'static str,
    /// When it was begun to be sent last, how that is in words, and the state in whose shape it is.
    last: Option<(DateTime<Utc>, &'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "reports/list.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    cards: Vec<Card>,
    rows: Vec<Row>,
    next: Option<String>,
    save: bool,
}

/// Where the list of saved ones goes on.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// All of them.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    ctx.require_all_rows()?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let found = saved::list(&ctx, window.before.map(SavedReportId), window.rows).await?;
    let shown = window.page(found, |report| report.id.0);
    let ids: Vec<SavedReportId> = shown.items.iter().map(|report| report.id).collect();
    let mut last = newest(&ctx, &ids).await?;
    let row = |report: SavedReportView| {
        let last = last.remove(&report.id).map(|(delivery, standing)| {
            let (word, like) = standing_word(standing);
            (delivery.sent_at.unwrap_or(delivery.created_at), word, like)
        });
        Row { about: about(report.kind).0, days: span_word(report.span), last, report }
    };
    let card = |kind: ReportKind| {
        let (name, sentence) = about(kind);
        Card { kind: kind.as_str(), name, sentence }
    };
    show(&List {
        page: viewer.page("Reports"),
        tabs: tabs(&viewer, "Reports"),
        cards: ReportKind::ALL.into_iter().map(card).collect(),
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        save: viewer.may_of_all(Permission::SavedReportsWrite),
    })
}
