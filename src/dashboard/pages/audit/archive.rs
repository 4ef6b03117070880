//! One archive: what was signed of it, looking into its file, bringing it back and letting it go.

use askama::Template;
use axum::response::Response;
use chrono::DateTime;
use domain::{
    access::permission::Permission,
    archive::{
        Log,
        read::{self, ArchiveWhole},
        restore, search,
    },
};
use uuid::Uuid;

use super::{Row, asked::Asked, tabs};
use crate::{
    dashboard::{
        forms::done,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::{Page as Part, Window},
        problem::Problem,
    },
};

/// Entries of a page.
const SHOWN: u16 = 50;

#[derive(Template)]
#[template(path = "audit/archive.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    id: Uuid,
    whole: ArchiveWhole,
    manifest: Option<String>,
    asked: Asked,
    /// Whether its file can be looked into.
    opens: bool,
    /// What was found there; none before anybody looks.
    rows: Option<Vec<Row>>,
    next: Option<String>,
    restore: bool,
    release: bool,
    download: bool,
}

/// An archive, and what of its file fits the filters if somebody looks into it.
pub async fn show_archive(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer {
    let whole = read::get(&ctx, id).await?;
    let state = whole.archive.state.as_str();
    let written = ["written", "verified", "dropped"].contains(&state);
    let opens = written && whole.archive.log == Log::AuditLog;
    let back = whole.archive.restored_at.is_some();
    let (mut rows, mut next) = (None, None);
    if opens && asked.look.is_some() {
        let filter = asked.filter((DateTime::UNIX_EPOCH, ctx.now()))?;
        let window = Window::<i64>::of(asked.cursor.as_deref(), Some(SHOWN))?;
        let skipped = window.before.unwrap_or_default();
        let found = search::entries(&ctx, id, &filter, skipped, SHOWN.into()).await?;
        let part = Part::going_on(found.items, found.next.as_ref());
        let here = asked.address(&format!("/ops/audit/archives/{id}"));
        rows = Some(part.items.into_iter().map(|entry| Row::of(entry, &here, back)).collect());
        next = part.next_cursor;
    }
    let may = viewer.may(Permission::AuditArchive) && whole.archive.log == Log::AuditLog;
    let manifest = whole.manifest.as_ref().map(ui::pretty);
    show(&One {
        page: viewer.page(&format!(
            "{} of {}",
            whole.archive.log.as_str(),
            whole.archive.month.format("%Y-%m")
        )),
        tabs: tabs("Archive"),
        restore: may && state == "dropped" && !back,
        release: may && back,
        download: written && viewer.may(Permission::AuditExport),
        id,
        manifest,
        asked,
        opens,
        rows,
        next,
        whole,
    })
}

/// Brings its entries back, so that they are found beside the live ones.
pub async fn restore_it(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let once = restore::ask(&ctx, id).await?;
    let job = once.answer.id().to_owned();
    let said = "It is being brought back by a job. Once that has ended, entries are searched with the box for those from \
                the archive.";
    let to = if ctx.grants.contains(Permission::JobsRead) {
        format!("/ops/jobs/{job}")
    } else {
        format!("/ops/audit/archives/{id}")
    };
    Ok(done(&to, said))
}

/// Lets what was brought back go again.
pub async fn release(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    restore::release(&ctx, id).await?;
    Ok(done(&format!("/ops/audit/archives/{id}"), "What was brought back is gone again; the archive stays."))
}
