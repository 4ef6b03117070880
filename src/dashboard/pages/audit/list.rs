//! Entries that fit, newest first.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{access::permission::Permission, audit::read};
use uuid::Uuid;

use super::{
    Row,
    asked::{Asked, LASTS},
    tabs,
};
use crate::{
    dashboard::{
        page::{Answer, Page, show},
        pages::span::lasts,
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
    },
};

#[derive(Template)]
#[template(path = "audit/list.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    asked: Asked,
    lasts: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    archived: bool,
    /// As CSV, and as JSON lines.
    export: Option<(String, String)>,
}

/// Searches the record. That somebody looked is itself recorded.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let filter = asked.filter(asked.ends(ctx.now())?)?;
    let window = Window::<(DateTime<Utc>, Uuid)>::of(asked.cursor.as_deref(), None)?;
    let archived = asked.archived.as_deref().is_some_and(|text| !text.is_empty());
    let rows = read::list(&ctx, &filter, archived, window.before, window.rows).await?;
    let shown = window.page(rows, |entry| (entry.at, entry.id));
    let here = asked.address("/ops/audit");
    // A file cannot be asked for by that alone, and would hold more than the list.
    let exact = asked.value("severity") != "security";
    let export = (exact && viewer.may(Permission::AuditExport))
        .then(|| (asked.export(&filter, "csv"), asked.export(&filter, "jsonl")));
    show(&List {
        page: viewer.page("Audit log"),
        tabs: tabs("Entries"),
        lasts: lasts(&here, LASTS.map(|(word, _)| word), asked.last()),
        rows: shown.items.into_iter().map(|entry| Row::of(entry, &here, true)).collect(),
        next: shown.next_cursor,
        archived,
        export,
        asked,
    })
}
