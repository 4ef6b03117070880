//! What lies in the archive, and sending more there: first what would go, then the run.

use askama::Template;
use axum::response::{IntoResponse, Response};
use chrono::{Datelike as _, NaiveDate};
use domain::{
    access::permission::Permission,
    archive::{
        Log, ask,
        plan::Due,
        read::{self, ArchiveView},
    },
};
use serde::Deserialize;
use uuid::Uuid;

use super::tabs;
use crate::{
    dashboard::{
        forms::done,
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
        problem::Problem,
    },
};

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    pub log: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "audit/archives.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    logs: Vec<ui::Tab>,
    archives: Vec<ArchiveView>,
    next: Option<String>,
    archive: bool,
}

#[derive(Template)]
#[template(path = "audit/archiving.html")]
struct Preview {
    page: Page,
    tabs: Vec<ui::Tab>,
    due: Vec<Due>,
}

/// The archives, the newest months first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let chosen = asked.log.as_deref().filter(|log| !log.is_empty());
    let log = chosen
        .map(|log| Log::named(log).ok_or_else(|| Problem::field("?log", "audit_log or message_attempts")))
        .transpose()?;
    let window = Window::<(i32, Uuid)>::of(asked.cursor.as_deref(), None)?;
    let before = window.before.map(|(day, id)| {
        let month = NaiveDate::from_num_days_from_ce_opt(day);
        month.map(|month| (month, id)).ok_or_else(|| Problem::field("?cursor", "the one of the page before"))
    });
    let rows = read::list(&ctx, log, before.transpose()?, window.rows).await?;
    let shown = window.page(rows, |archive| (archive.month.num_days_from_ce(), archive.id));
    let here = "/ops/audit/archives";
    let choice = |word, value: &str| {
        ui::Tab::new(word, link::to(here, &[("log", value)]), chosen.unwrap_or_default() == value)
    };
    show(&List {
        page: viewer.page("Archive"),
        tabs: tabs("Archive"),
        logs: vec![
            choice("All", ""),
            choice("Audit log", "audit_log"),
            choice("Attempts of sending", "message_attempts"),
        ],
        archives: shown.items,
        next: shown.next_cursor,
        archive: viewer.may(Permission::AuditArchive),
    })
}

/// What would go to the archive now; nothing does.
pub async fn preview(viewer: Viewer, Caller(ctx): Caller) -> Result<Response, Problem> {
    let due = ask::dry_run(&ctx).await?.due;
    let page = viewer.page("Send old logs to the archive");
    Ok(show(&Preview { page, tabs: tabs("Archive"), due })?.into_response())
}

/// Has it done, by a workflow.
pub async fn run(Caller(ctx): Caller) -> Result<Response, Problem> {
    let once = ask::archive(&ctx).await?;
    let run = once.answer.id().to_owned();
    let said = "It is being done by this workflow; the archives say how far each month has come.";
    Ok(done(&format!("/ops/workflows/{run}"), said))
}
