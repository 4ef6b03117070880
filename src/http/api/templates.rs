//! Templates of messages.

use axum::{
    Json as Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use domain::{
    messages::{
        provider::Channel,
        templates::{
            self, Filter, NewTemplate, TemplateParts, TemplatePreview, TemplateSample, TemplateView,
        },
    },
    types::{Locale, TemplateId},
};
use serde::Deserialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Save a template; a known name and locale make their next version.
#[utoipa::path(post, path = "/api/v1/communication/templates", tag = "communication", request_body = NewTemplate,
    responses((status = 201, body = TemplateView)))]
pub async fn create_template(Caller(ctx): Caller, Json(new): Json<NewTemplate>) -> Result<Response, Problem> {
    Ok(reply::once(templates::save(&ctx, new).await?, |view| view))
}

/// Which templates, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TemplateQuery {
    pub name: Option<String>,
    pub channel: Option<Channel>,
    #[param(value_type = Option<String>)]
    pub locale: Option<Locale>,
    /// Only the newest version of each name and locale.
    pub latest: Option<bool>,
    /// Also those that are not offered any more.
    pub archived: Option<bool>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The templates, newest first; a page holds about a MiB and then has fewer than was asked for.
#[utoipa::path(get, path = "/api/v1/communication/templates", tag = "communication", params(TemplateQuery),
    responses((status = 200, body = Page<TemplateView>)))]
pub async fn list_templates(
    Caller(ctx): Caller,
    Query(query): Query<TemplateQuery>,
) -> Result<Body<Page<TemplateView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let (latest, archived) = (query.latest.unwrap_or(false), query.archived.unwrap_or(false));
    let TemplateQuery { name, channel, locale, .. } = query;
    let filter = Filter { name, channel, locale, latest, archived };
    let found = templates::list(&ctx, &filter, window.before.map(TemplateId), window.rows).await?;
    Ok(Body(window.bounded(found, |row| row.id.0)))
}

/// One version of a template.
#[utoipa::path(get, path = "/api/v1/communication/templates/{id}", tag = "communication", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = TemplateView)))]
pub async fn get_template(Caller(ctx): Caller, Path(id): Path<TemplateId>) -> Result<Response, Problem> {
    let view = templates::get(&ctx, id).await?;
    tagged(view.version.into(), &view)
}

/// Save the next version of the name and locale that a version is of. The answer is the new version, which
/// Content-Location names; the one before stays as it is. With If-Match, only if it was the newest. What says the same
/// as the newest changes nothing.
#[utoipa::path(put, path = "/api/v1/communication/templates/{id}", tag = "communication", params(("id" = uuid::Uuid, Path)),
    request_body = TemplateParts, responses((status = 200, body = TemplateView)))]
pub async fn replace_template(
    Caller(ctx): Caller,
    Path(id): Path<TemplateId>,
    Json(parts): Json<TemplateParts>,
) -> Result<Response, Problem> {
    let view = templates::replace(&ctx, id, parts).await?;
    let mut response = tagged(view.version.into(), &view)?;
    if let Ok(location) = HeaderValue::try_from(templates::location(view.id)) {
        response.headers_mut().insert(header::CONTENT_LOCATION, location);
    }
    Ok(response)
}

/// Take the name and locale that a version is of from offer, with all its versions. Messages that were accepted before
/// are sent.
#[utoipa::path(delete, path = "/api/v1/communication/templates/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)))]
pub async fn archive_template(
    Caller(ctx): Caller,
    Path(id): Path<TemplateId>,
) -> Result<StatusCode, Problem> {
    templates::archive(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a template would look with sample data, with the parts that a short message would go out in. Nothing is sent.
#[utoipa::path(post, path = "/api/v1/communication/templates/preview", tag = "communication",
    request_body = TemplateSample, responses((status = 200, body = TemplatePreview)))]
pub async fn preview_template(
    Caller(ctx): Caller,
    Json(sample): Json<TemplateSample>,
) -> Result<Body<TemplatePreview>, Problem> {
    Ok(Body(templates::preview(&ctx, sample).await?))
}
