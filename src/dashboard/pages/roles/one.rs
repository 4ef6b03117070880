//! One role.

use askama::Template;
use domain::{
    access::{
        permission::{Permission, PermissionSet},
        roles::{self, RoleView},
    },
    types::RoleId,
};

use super::{Group, table};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        pages::users::tabs,
        ui,
        viewer::Viewer,
    },
    http::extract::{Caller, Path},
};

#[derive(Template)]
#[template(path = "roles/one.html")]
struct One {
    page: Page,
    tabs: Vec<ui::Tab>,
    role: RoleView,
    groups: Vec<Group>,
    users: Option<String>,
    write: bool,
    scopes: Vec<&'static str>,
    delete: Option<ui::Confirm>,
}

/// A role with what it holds.
pub async fn show_role(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<RoleId>) -> Answer {
    let role = roles::get(&ctx, id).await?;
    let held = PermissionSet::from_names(&role.permissions);
    let own = !role.built_in;
    let delete = (own && viewer.may(Permission::RolesDelete)).then(|| ui::Confirm {
        action: format!("/ops/roles/{id}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: role.name.clone(),
        warning: "It is gone for good. Nobody may have it then.".into(),
        verb: "Delete the role".into(),
        fields: Vec::new(),
    });
    let list = link::to("/ops/users", &[("role", &role.name)]);
    show(&One {
        page: viewer.page(&role.name),
        tabs: tabs(&viewer, "Roles"),
        groups: table(&[held], ctx.grants),
        users: viewer.may(Permission::UsersRead).then_some(list),
        // Nobody changes a role that holds more than they do.
        write: own && viewer.may(Permission::RolesWrite) && ctx.grants.covers(held),
        scopes: super::change::scopes(&ctx),
        delete,
        role,
    })
}
