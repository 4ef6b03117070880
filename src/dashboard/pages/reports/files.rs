//! Reports and rows as files: asked for, written by an operation, fetched by a link.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use domain::{
    Ctx, Error,
    access::permission::Permission,
    analytics::{
        document::ReportKind,
        export::{
            self, ExportView, FileFormat, FileState, GoneWhy, ReportDays,
            ask::{self, Wanted},
            link::{self as links, FileLink},
        },
    },
    jobs::{Accepted, accepted},
    types::AnalyticsExportId,
};
use serde::Deserialize;

use super::tabs;
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

/// How a file is, in words, and the state in whose shape that is drawn.
fn state_word(file: &ExportView) -> (&'static str, &'static str) {
    match (file.state, file.gone_why) {
        (FileState::Writing, _) => ("being written", "running"),
        (FileState::Ready, _) => ("ready", "ok"),
        (FileState::Gone, Some(GoneWhy::Expired)) => ("gone, its time is over", "expired"),
        (FileState::Gone, Some(GoneWhy::Deleted)) => ("taken away", "cancelled"),
        (FileState::Gone, Some(GoneWhy::Failed)) => ("could not be written", "failed"),
        (FileState::Gone, Some(GoneWhy::Erased)) => ("gone, for somebody in it was erased", "expired"),
        (FileState::Gone, Some(GoneWhy::Restricted)) => {
            ("gone, for somebody in it was restricted", "expired")
        }
        (FileState::Gone, None) => ("gone", "expired"),
    }
}

/// A file in a line.
struct Row {
    file: ExportView,
    short: String,
    word: &'static str,
    like: &'static str,
}

impl Row {
    fn of(file: ExportView) -> Self {
        let (word, like) = state_word(&file);
        Self { short: short(file.id.0), word, like, file }
    }
}

#[derive(Template)]
#[template(path = "reports/files.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

/// How far the one is that is being written.
struct Progress {
    percent: Option<String>,
    note: String,
}

#[derive(Template)]
#[template(path = "reports/file.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    row: Row,
    progress: Option<Progress>,
    /// A link that was just made: it is on this page only.
    fresh: Option<FileLink>,
    link: bool,
    jobs: bool,
    delete: Option<ui::Confirm>,
}

/// Where the list goes on.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// Has a report written as a file.
pub async fn write(
    Caller(ctx): Caller,
    Path(kind): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let kind = ReportKind::named(&kind).ok_or(Error::NotFound("report"))?;
    let format = fields.text("format").and_then(FileFormat::named);
    let format = format.ok_or_else(|| Problem::field("/format", "choose a form that there is"))?;
    let from: NaiveDate = asked::needed(&fields, "from")?;
    let until: NaiveDate = asked::needed(&fields, "until")?;
    let report = ReportDays { kind, from, to: until.succ_opt().unwrap_or(until), zone: None };
    let asked = ask::ask(&ctx, Wanted::Report { report }, format).await?;
    let to = asked
        .fresh
        .map_or_else(|| "/ops/reports/files".into(), |asked| format!("/ops/reports/files/{}", asked.id));
    Ok(done(&to, "The file is being written."))
}

/// The files, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let found = export::list(&ctx, None, window.before.map(AnalyticsExportId), window.rows).await?;
    let shown = window.page(found, |file| file.id.0);
    show(&List {
        page: viewer.page("Files"),
        tabs: tabs(&viewer, "Files"),
        rows: shown.items.into_iter().map(Row::of).collect(),
        next: shown.next_cursor,
    })
}

/// A file, and how far it is.
pub async fn show_file(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
) -> Answer {
    page_of(&viewer, &ctx, id, app.platform.clock.now(), None).await
}

async fn page_of(
    viewer: &Viewer,
    ctx: &Ctx,
    id: AnalyticsExportId,
    now: chrono::DateTime<chrono::Utc>,
    fresh: Option<FileLink>,
) -> Answer {
    let file = export::get(ctx, id).await?;
    let progress = match file.state {
        FileState::Writing => progress(ctx, &file).await?,
        FileState::Ready | FileState::Gone => None,
    };
    let ready = file.state == FileState::Ready && file.expires_at.is_some_and(|kept| kept > now);
    let may = viewer.look().is_none() && viewer.may(Permission::AnalyticsExport);
    let delete = (may && file.state != FileState::Gone).then(|| ui::Confirm {
        action: format!("/ops/reports/files/{id}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: short(id.0),
        warning: "Links to it are good no longer, and nothing brings it back.".into(),
        verb: "Take it away".into(),
        fields: Vec::new(),
    });
    // What follows a form leads back to the page, and not to where the form was sent.
    let title = format!("File {}", short(id.0));
    let page = Page { here: format!("/ops/reports/files/{id}"), ..viewer.page(&title) };
    show(&One {
        page,
        tabs: tabs(viewer, "Files"),
        progress,
        fresh,
        link: may && ready && (!file.personal || viewer.may(Permission::PersonalRead)),
        jobs: viewer.may_of_all(Permission::JobsRead),
        delete,
        row: Row::of(file),
    })
}

/// How far its operation is; none once that is not known any more.
async fn progress(ctx: &Ctx, file: &ExportView) -> Result<Option<Progress>, Problem> {
    let job = match accepted(ctx, file.operation_id).await {
        Ok(Accepted::Job(job)) => job,
        Ok(Accepted::Run(_)) | Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let percent = job.progress.map(|share| format!("{:.0}", share * 100.0));
    Ok(Some(Progress { percent, note: job.note.unwrap_or_default() }))
}

/// Makes a link. It opens the file without a login, so it stands on the page that answers and in no cookie.
pub async fn link(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
) -> Result<Response, Problem> {
    let fresh = links::issue(&ctx, id).await?;
    Ok(page_of(&viewer, &ctx, id, app.platform.clock.now(), Some(fresh)).await?.into_response())
}

/// Takes a file away before its time, once its name was typed.
pub async fn delete(
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&short(id.0))?;
    links::delete(&ctx, id).await?;
    Ok(done(&format!("/ops/reports/files/{id}"), "The file is taken away."))
}
