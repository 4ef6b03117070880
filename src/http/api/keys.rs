//! The keys that everything is encrypted by, and their replacement. The keys themselves are shown to nobody.

use axum::{Json as Body, response::Response};
use domain::vault::rotation::{
    self, What,
    view::{self, KeysView, RotationView},
};
use serde::Deserialize;
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Which keys are to be replaced.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    pub what: What,
}

/// The keys of the tenant: of what state and age they are, what wraps them, and how much they have sealed.
#[utoipa::path(get, path = "/api/v1/compliance/keys", tag = "compliance", responses((status = 200, body = KeysView)))]
pub async fn list_keys(Caller(ctx): Caller) -> Result<Body<KeysView>, Problem> {
    Ok(Body(view::keys(&ctx, true).await?))
}

/// Replace keys, while everything goes on. It is a workflow, and one that was stopped goes on where it stood, `kek` with the
/// key in use by then; a tenant has one at a time. A `kek` that was stopped is given up if something else is asked for.
#[utoipa::path(post, path = "/api/v1/compliance/keys/rotate", tag = "compliance", request_body = Rotate,
    responses((status = 202, body = Made)))]
pub async fn rotate_keys(Caller(ctx): Caller, Json(asked): Json<Rotate>) -> Result<Response, Problem> {
    Ok(reply::once(rotation::start(&ctx, asked.what).await?, |id| Made { id }))
}

/// The rotations there were, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/keys/rotations", tag = "compliance", params(Paging),
    responses((status = 200, body = Page<RotationView>)))]
pub async fn list_key_rotations(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<RotationView>>, Problem> {
    let window = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = view::list(&ctx, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |row| row.id)))
}

/// How far a rotation has come.
#[utoipa::path(get, path = "/api/v1/compliance/keys/rotations/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = RotationView)))]
pub async fn get_key_rotation(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Result<Body<RotationView>, Problem> {
    Ok(Body(view::get(&ctx, id).await?))
}
