//! Templates of messages.

use axum::{Json as Body, response::Response};
use domain::{
    messages::templates::{self, NewTemplate, TemplateView},
    types::TemplateId,
};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Save a template; a known name makes its next version.
#[utoipa::path(post, path = "/api/v1/communication/templates", tag = "communication", request_body = NewTemplate,
    responses((status = 201, body = TemplateView)))]
pub async fn create_template(Caller(ctx): Caller, Json(new): Json<NewTemplate>) -> Result<Response, Problem> {
    Ok(reply::once(templates::save(&ctx, new).await?, |view| view))
}

/// The templates, newest first.
#[utoipa::path(get, path = "/api/v1/communication/templates", tag = "communication", params(Paging),
    responses((status = 200, body = Page<TemplateView>)))]
pub async fn list_templates(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<TemplateView>>, Problem> {
    let window = paging.window()?;
    let rows = templates::list(&ctx, window.before.map(TemplateId), window.rows).await?;
    Ok(Body(window.page(rows, |row| row.id.0)))
}

/// One template.
#[utoipa::path(get, path = "/api/v1/communication/templates/{id}", tag = "communication", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = TemplateView)))]
pub async fn get_template(Caller(ctx): Caller, Path(id): Path<TemplateId>) -> Result<Response, Problem> {
    let view = templates::get(&ctx, id).await?;
    tagged(view.version.into(), &view)
}
