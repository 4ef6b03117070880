//! What a tenant says of the attributes of its leads.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    leads::attributes::{self, AttributeView, NewAttribute},
    types::AttributeId,
};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Define an attribute: from now on values of it are looked at. Others may be there too, and nothing is said of them.
#[utoipa::path(post, path = "/api/v1/leads/attributes", tag = "leads", request_body = NewAttribute,
    responses((status = 201, body = AttributeView)))]
pub async fn create_attribute(
    Caller(ctx): Caller,
    Json(new): Json<NewAttribute>,
) -> Result<Response, Problem> {
    Ok(reply::once(attributes::create(&ctx, new).await?, |view| view))
}

/// The attributes that are defined, newest first.
#[utoipa::path(get, path = "/api/v1/leads/attributes", tag = "leads", params(Paging),
    responses((status = 200, body = Page<AttributeView>)))]
pub async fn list_attributes(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<AttributeView>>, Problem> {
    let window = paging.window()?;
    let rows = attributes::list(&ctx, window.before.map(AttributeId), window.rows).await?;
    Ok(Body(window.page(rows, |attribute| attribute.id.0)))
}

/// One attribute.
#[utoipa::path(get, path = "/api/v1/leads/attributes/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = AttributeView)))]
pub async fn get_attribute(Caller(ctx): Caller, Path(id): Path<AttributeId>) -> Result<Response, Problem> {
    let view = attributes::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Say something else of an attribute; its name and its type stay.
#[utoipa::path(put, path = "/api/v1/leads/attributes/{id}", tag = "leads", params(("id" = Uuid, Path)),
    request_body = NewAttribute, responses((status = 200, body = AttributeView)))]
pub async fn replace_attribute(
    Caller(ctx): Caller,
    Path(id): Path<AttributeId>,
    Json(new): Json<NewAttribute>,
) -> Result<Response, Problem> {
    let view = attributes::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take back what was said of an attribute; what leads have of it stays.
#[utoipa::path(delete, path = "/api/v1/leads/attributes/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_attribute(
    Caller(ctx): Caller,
    Path(id): Path<AttributeId>,
) -> Result<StatusCode, Problem> {
    attributes::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
