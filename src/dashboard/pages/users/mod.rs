//! Users: the list, one of them with their sessions and second factor, and who is invited.

pub mod change;
pub mod invite;
pub mod list;
pub mod one;

use domain::{
    Ctx,
    access::{
        permission::{Permission, PermissionSet},
        roles,
    },
    vault::Personal,
};

use crate::{
    dashboard::{ui::Tab, viewer::Viewer},
    http::problem::Problem,
};

/// As many roles as a tenant may have.
pub const ROLES: i64 = 200;

/// The roles that the caller may give: those that hold no more than they do. None where they may not see roles.
///
/// # Errors
/// If the database does not answer.
pub async fn giveable(viewer: &Viewer, ctx: &Ctx) -> Result<Vec<String>, Problem> {
    if !viewer.may(Permission::RolesRead) {
        return Ok(Vec::new());
    }
    let all = roles::list(ctx, None, ROLES).await?.into_iter();
    let within = all.filter(|role| {
        role.scope <= ctx.rows.scope() && ctx.grants.covers(PermissionSet::from_names(&role.permissions))
    });
    let mut names: Vec<String> = within.map(|role| role.name).collect();
    names.sort();
    Ok(names)
}

/// The pages about who may come in, as far as the viewer may see them.
#[must_use]
pub fn tabs(viewer: &Viewer, current: &str) -> Vec<Tab> {
    let all = [
        ("Users", "/ops/users", Permission::UsersRead),
        ("Roles", "/ops/roles", Permission::RolesRead),
        ("API keys", "/ops/api-keys", Permission::ApiKeysRead),
    ];
    let seen = all.into_iter().filter(|(_, _, permission)| viewer.may(*permission));
    seen.map(|(word, href, _)| Tab::new(word, href, word == current)).collect()
}

/// A personal value for a page; of somebody who was erased there is none.
#[must_use]
pub fn said(value: Option<&Personal<String>>) -> String {
    value.map_or_else(|| "erased".to_owned(), |value| value.expose().clone())
}
