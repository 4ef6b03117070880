//! A saved report: what it is, when it was sent, and sending or deleting it.

use askama::Template;
use axum::response::Response;
use chrono::NaiveDate;
use domain::{
    access::permission::Permission,
    analytics::saved::{
        self, DeliveryView, SavedReportView, change, send,
        span::Span,
        standing::{Standing, standings},
    },
    types::SavedReportId,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{about, format_word, tabs};
use crate::{
    dashboard::{
        forms::{Fields, done},
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

/// How a delivery is, in words, and the state in whose shape that is drawn.
pub(super) fn standing_word(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::UnderWay => ("under way", "running"),
        Standing::Sent => ("sent", "sent"),
        Standing::Nobody => ("nobody was written to", "skipped"),
        Standing::Failed => ("failed", "failed"),
    }
}

/// The days of a saved report, as people call them.
pub(super) fn span_word(span: Span) -> &'static str {
    match span {
        Span::Yesterday => "the day before",
        Span::SevenDays => "the 7 days before",
        Span::ThirtyDays => "the 30 days before",
        Span::Week => "the week before",
        Span::Month => "the month before",
        Span::Quarter => "the quarter before",
        Span::Year => "the year before",
        Span::MonthToDate => "the month so far",
    }
}

/// A time that it was sent.
struct Sent {
    delivery: DeliveryView,
    /// The last day that it is about.
    last: NaiveDate,
    word: &'static str,
    like: &'static str,
}

#[derive(Template)]
#[template(path = "reports/saved.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    report: SavedReportView,
    about: &'static str,
    days: &'static str,
    format: &'static str,
    sent: Vec<Sent>,
    next: Option<String>,
    /// What goes on changes by itself.
    moves: bool,
    send: bool,
    change: bool,
    files: bool,
    runs: bool,
    delete: Option<ui::Confirm>,
}

/// Where its deliveries go on.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// A saved report with the times that it was sent.
pub async fn show_saved(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let report = saved::get(&ctx, id).await?;
    let window: Window<Uuid> = Window::of(asked.cursor.as_deref(), None)?;
    let found = saved::deliveries(&ctx, id, window.before, window.rows).await?;
    let shown = window.page(found, |delivery| delivery.id);
    let how = standings(&ctx, &shown.items).await?;
    let sent = shown.items.into_iter().map(|delivery| {
        let (word, like) = standing_word(how.get(&delivery.id).copied().unwrap_or(Standing::Failed));
        Sent { last: delivery.to.pred_opt().unwrap_or(delivery.to), word, like, delivery }
    });
    let writes = viewer.may_of_all(Permission::SavedReportsWrite);
    let exports = viewer.may_of_all(Permission::AnalyticsExport);
    let delete = writes.then(|| ui::Confirm {
        action: format!("/ops/reports/saved/{id}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: report.name.clone(),
        warning: "It is sent no more, and what is known of its recipients goes. Files that were made of it stay as long as \
                  they were to."
            .into(),
        verb: "Delete the report".into(),
        fields: vec![("version".into(), report.version.to_string())],
    });
    show(&One {
        page: viewer.page(&report.name),
        tabs: tabs(&viewer, "Reports"),
        about: about(report.kind).0,
        days: span_word(report.span),
        format: format_word(report.format),
        moves: how.values().any(|standing| *standing == Standing::UnderWay),
        sent: sent.collect(),
        next: shown.next_cursor,
        send: writes && exports && viewer.may(Permission::MessagesSend) && !report.recipients.is_empty(),
        change: writes,
        files: exports,
        runs: viewer.may_of_all(Permission::WorkflowsRead),
        delete,
        report,
    })
}

/// Sends it now, whatever its crontab says.
pub async fn send_now(Caller(ctx): Caller, Path(id): Path<SavedReportId>) -> Result<Response, Problem> {
    send::now(&ctx, id).await?;
    Ok(done(&format!("/ops/reports/saved/{id}"), "It is being made and sent."))
}

/// Deletes it, once its name was typed.
pub async fn delete(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let report = saved::get(&ctx, id).await?;
    fields.confirms(&report.name)?;
    change::delete(&fields.of_version(&ctx), id).await?;
    Ok(done("/ops/reports", &format!("The report {} is deleted.", report.name)))
}
