//! The chain: how far it is signed, when it was gone through last, and going through it.

use askama::Template;
use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    audit::{course, read::EntryView, report::NewestHead},
};
use uuid::Uuid;

use super::tabs;
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{Shared, extract::Caller, problem::Problem},
};

/// What going through the chain came to.
struct Gone {
    entry: Uuid,
    at: DateTime<Utc>,
    whole: bool,
    rows: i64,
    broken_at: Option<i64>,
    files: bool,
}

#[derive(Template)]
#[template(path = "audit/chain.html")]
struct Chain {
    page: Page,
    tabs: Vec<ui::Tab>,
    head: Option<NewestHead>,
    gone: Option<Gone>,
    verify: bool,
}

/// How far the chain holds, as far as anybody has looked.
pub async fn show_chain(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let course = course::course(&ctx).await?;
    show(&Chain {
        page: viewer.page("Chain of the audit log"),
        tabs: tabs("Chain"),
        head: course.head,
        gone: course.verified.as_ref().map(gone),
        verify: viewer.may(Permission::AuditVerify),
    })
}

fn gone(entry: &EntryView) -> Gone {
    let said = |name: &str| entry.detail[name].as_bool().unwrap_or_default();
    Gone {
        entry: entry.id,
        at: entry.at,
        whole: said("whole"),
        rows: entry.detail["rows"].as_i64().unwrap_or_default(),
        broken_at: entry.detail["broken_at"].as_i64(),
        files: said("archive"),
    }
}

/// Goes through it, and through the files of the archive if so wished.
pub async fn verify(State(app): Shared, Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let verified = app.verifier.verify(&ctx, fields.ticked("archive")).await?;
    let said = match verified.breaks.first() {
        None => format!("The chain holds: {} entries, from the first one on.", ui::count(&verified.rows)),
        Some(found) => format!("The chain does NOT hold at place {}: {}.", found.seq, found.what),
    };
    Ok(done("/ops/audit/chain", &said))
}
