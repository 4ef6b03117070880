//! Roles of the tenant's own: made, changed and deleted.

use askama::Template;
use axum::response::Response;
use domain::{
    Ctx,
    access::{
        roles::{self, NewRole},
        rows::RowScope,
    },
    types::RoleId,
};

use super::{Group, table};
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        pages::users::tabs,
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

#[derive(Template)]
#[template(path = "roles/new.html")]
struct New {
    page: Page,
    tabs: Vec<ui::Tab>,
    groups: Vec<Group>,
    scopes: Vec<&'static str>,
}

/// How far the caller may let a role see.
pub(super) fn scopes(ctx: &Ctx) -> Vec<&'static str> {
    let all = [RowScope::All, RowScope::Team, RowScope::Own];
    all.into_iter().filter(|scope| *scope <= ctx.rows.scope()).map(RowScope::as_str).collect()
}

/// The form.
pub async fn form(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let tabs = tabs(&viewer, "Roles");
    show(&New { page: viewer.page("A new role"), tabs, groups: table(&[], ctx.grants), scopes: scopes(&ctx) })
}

/// Makes a role.
pub async fn make(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let made = roles::create(&ctx, wanted(&fields)?).await?;
    let id = made.answer.id().to_owned();
    Ok(done(&format!("/ops/roles/{id}"), "The role is made."))
}

/// Puts another in its place.
pub async fn replace(
    Caller(ctx): Caller,
    Path(id): Path<RoleId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let role = roles::replace(&fields.of_version(&ctx), id, wanted(&fields)?).await?;
    let said = format!("The role {} is changed; whoever has it is held to it at once.", role.name);
    Ok(done(&format!("/ops/roles/{id}"), &said))
}

/// Takes it away, once its name was typed.
pub async fn delete(
    Caller(ctx): Caller,
    Path(id): Path<RoleId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let role = roles::get(&ctx, id).await?;
    fields.confirms(&role.name)?;
    roles::delete(&ctx, id).await?;
    Ok(done("/ops/roles", &format!("The role {} is deleted.", role.name)))
}

fn wanted(fields: &Fields) -> Result<NewRole, Problem> {
    let name = fields.read_as("name", "a name of 1 to 100 characters")?;
    let scope = match fields.text("scope") {
        None => None,
        Some("all") => Some(RowScope::All),
        Some("team") => Some(RowScope::Team),
        Some("own") => Some(RowScope::Own),
        Some(_) => return Err(Problem::field("/scope", "all, team or own")),
    };
    Ok(NewRole {
        name: name.ok_or_else(|| Problem::field("/name", "say what it is called"))?,
        permissions: fields.all("permission").map(ToOwned::to_owned).collect(),
        scope,
    })
}
