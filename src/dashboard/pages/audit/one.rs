//! One entry, with what was there before.

use askama::Template;
use domain::{
    access::permission::Permission,
    audit::course::{self, Field},
};
use uuid::Uuid;

use super::{Row, tabs, text};
use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::extract::{Caller, Path},
};

struct Change {
    name: String,
    /// What an earlier entry said, and its address.
    before: Option<(String, String)>,
    after: String,
}

#[derive(Template)]
#[template(path = "audit/one.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    row: Row,
    /// The page of whoever did it.
    actor: Option<String>,
    changes: Vec<Change>,
    /// What was done with the same thing before.
    rows: Vec<Row>,
}

/// An entry with what it changed.
pub async fn show_entry(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let whole = course::entry(&ctx, id).await?;
    let list = "/ops/audit";
    let actor = match (whole.entry.actor_kind.as_str(), whole.entry.actor_id) {
        ("user", Some(id)) if viewer.may(Permission::UsersRead) => Some(format!("/ops/users/{id}")),
        ("api_key", Some(id)) if viewer.may(Permission::ApiKeysRead) => Some(format!("/ops/api-keys/{id}")),
        _ => None,
    };
    let change = |field: Field| Change {
        before: field.before.map(|(value, entry)| (text(&value), format!("/ops/audit/{entry}"))),
        after: text(&field.after),
        name: field.name,
    };
    show(&One {
        page: viewer.page(&format!(
            "{} {} {}",
            whole.entry.action,
            whole.entry.resource,
            ui::short(whole.entry.id)
        )),
        tabs: tabs("Entries"),
        actor,
        changes: whole.fields.into_iter().map(change).collect(),
        rows: whole.earlier.into_iter().map(|entry| Row::of(entry, list, true)).collect(),
        row: Row::of(whole.entry, list, true),
    })
}
