//! How long things are kept.

use axum::{Json as Body, response::Response};
use domain::privacy::retention::{self, RetentionPreview, RetentionRules, RetentionView};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json},
    problem::Problem,
};

/// How long things are kept. Sessions and the reports of imports have their days among the tenant's settings.
#[utoipa::path(get, path = "/api/v1/compliance/retention", tag = "compliance",
    responses((status = 200, body = RetentionView)))]
pub async fn get_retention(Caller(ctx): Caller) -> Result<Response, Problem> {
    let view = retention::get(&ctx).await?;
    tagged(view.version, &view)
}

/// Say how long things are kept. What is too old by that goes within the hour, and nothing brings it back: look at a
/// preview first.
#[utoipa::path(put, path = "/api/v1/compliance/retention", tag = "compliance", request_body = RetentionRules,
    responses((status = 200, body = RetentionView)))]
pub async fn put_retention(
    Caller(ctx): Caller,
    Json(rules): Json<RetentionRules>,
) -> Result<Response, Problem> {
    let view = retention::replace(&ctx, &rules).await?;
    tagged(view.version, &view)
}

/// Say what rules would do if they were applied now: how much would go, and how much a legal hold keeps. Nothing is
/// changed.
#[utoipa::path(post, path = "/api/v1/compliance/retention/preview", tag = "compliance", request_body = RetentionRules,
    responses((status = 200, body = RetentionPreview)))]
pub async fn preview_retention(
    Caller(ctx): Caller,
    Json(rules): Json<RetentionRules>,
) -> Result<Body<RetentionPreview>, Problem> {
    Ok(Body(retention::preview(&ctx, &rules).await?))
}
