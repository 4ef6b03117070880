//! The roles beside each other: who may do what.

use askama::Template;
use domain::{
    access::{
        permission::{Permission, PermissionSet},
        roles::{self, RoleView},
    },
    types::RoleId,
};
use serde::Deserialize;

use super::{Group, table};
use crate::{
    dashboard::{
        page::{Answer, Page, show},
        pages::users::tabs,
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Query},
        page::Window,
    },
};

/// Roles that a screen has columns for.
const BESIDE: u16 = 8;

/// The parameters of the address.
#[derive(Deserialize)]
pub struct Asked {
    pub cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "roles/list.html")]
struct List {
    page: Page,
    tabs: Vec<ui::Tab>,
    roles: Vec<RoleView>,
    next: Option<String>,
    groups: Vec<Group>,
    write: bool,
}

/// Some roles with what each holds.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let window = Window::of(asked.cursor.as_deref(), Some(BESIDE))?;
    let rows = roles::list(&ctx, window.before.map(RoleId), window.rows).await?;
    let shown = window.page(rows, |role| role.id.0);
    let held: Vec<PermissionSet> =
        shown.items.iter().map(|role| PermissionSet::from_names(&role.permissions)).collect();
    show(&List {
        page: viewer.page("Roles"),
        tabs: tabs(&viewer, "Roles"),
        groups: table(&held, ctx.grants),
        roles: shown.items,
        next: shown.next_cursor,
        write: viewer.may(Permission::RolesWrite),
    })
}
