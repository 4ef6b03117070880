//! Roles and permissions: who may do what.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    access::{
        permission::Permission,
        roles::{self, NewRole, RoleView},
    },
    types::RoleId,
};
use serde::Serialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// A right that a role or a key may hold.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PermissionView {
    pub name: &'static str,
    /// What it is about: permissions of one capability share it.
    pub group: &'static str,
    /// What whoever holds it may do.
    pub about: &'static str,
    /// Whether the caller holds it.
    pub held: bool,
}

/// Every permission there is, and whether the caller holds it.
#[utoipa::path(get, path = "/api/v1/compliance/permissions", tag = "compliance",
    responses((status = 200, body = Vec<PermissionView>)))]
pub async fn list_permissions(Caller(ctx): Caller) -> Body<Vec<PermissionView>> {
    let shown = |permission: &Permission| PermissionView {
        name: permission.as_str(),
        group: permission.group(),
        about: permission.about(),
        held: ctx.grants.contains(*permission),
    };
    Body(Permission::ALL.iter().map(shown).collect())
}

/// Make a role of your own.
#[utoipa::path(post, path = "/api/v1/compliance/roles", tag = "compliance", request_body = NewRole,
    responses((status = 201, body = RoleView)))]
pub async fn create_role(Caller(ctx): Caller, Json(new): Json<NewRole>) -> Result<Response, Problem> {
    Ok(reply::once(roles::create(&ctx, new).await?, |role| role))
}

/// The roles, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/roles", tag = "compliance", params(Paging),
    responses((status = 200, body = Page<RoleView>)))]
pub async fn list_roles(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<RoleView>>, Problem> {
    let window = paging.window()?;
    let rows = roles::list(&ctx, window.before.map(RoleId), window.rows).await?;
    Ok(Body(window.page(rows, |role| role.id.0)))
}

/// One role.
#[utoipa::path(get, path = "/api/v1/compliance/roles/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = RoleView)))]
pub async fn get_role(Caller(ctx): Caller, Path(id): Path<RoleId>) -> Result<Response, Problem> {
    let view = roles::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Put another in the place of a role of your own. Whoever has it is held to it at once.
#[utoipa::path(put, path = "/api/v1/compliance/roles/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    request_body = NewRole, responses((status = 200, body = RoleView)))]
pub async fn replace_role(
    Caller(ctx): Caller,
    Path(id): Path<RoleId>,
    Json(new): Json<NewRole>,
) -> Result<Response, Problem> {
    let view = roles::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a role of your own away; nobody may have it then.
#[utoipa::path(delete, path = "/api/v1/compliance/roles/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_role(Caller(ctx): Caller, Path(id): Path<RoleId>) -> Result<StatusCode, Problem> {
    roles::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
