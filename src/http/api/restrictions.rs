//! People of whom what is known is kept, and nothing else done with it; and what they say is wrong.

use axum::{Json as Body, response::Response};
use domain::{
    privacy::{
        rectification::{self, NewRectification, RectificationView},
        restriction::{self, Lift, NewRestriction, RestrictionFilter, RestrictionView},
    },
    types::{LeadId, RectificationId, RestrictionId},
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Restrict what is done with what is known of somebody (GDPR Art. 18): they are sent nothing, not scored, not routed, and
/// in no file of many leads. It can still be read.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/restriction", tag = "compliance", request_body = NewRestriction,
    responses((status = 201, body = RestrictionView)))]
pub async fn restrict(Caller(ctx): Caller, Json(new): Json<NewRestriction>) -> Result<Response, Problem> {
    Ok(reply::once(restriction::set(&ctx, new).await?, |view| view))
}

/// Which restrictions, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RestrictionQuery {
    pub lead_id: Option<LeadId>,
    /// Those that stand, or those that were lifted; both if not said.
    pub standing: Option<bool>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Restrictions, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/restriction", tag = "compliance", params(RestrictionQuery),
    responses((status = 200, body = Page<RestrictionView>)))]
pub async fn list_restrictions(
    Caller(ctx): Caller,
    Query(query): Query<RestrictionQuery>,
) -> Result<Body<Page<RestrictionView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = RestrictionFilter { id: None, lead: query.lead_id, standing: query.standing };
    let rows = restriction::list(&ctx, &filter, window.before.map(RestrictionId), window.rows).await?;
    Ok(Body(window.page(rows, |view| view.id.0)))
}

/// One restriction.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/restriction/{id}", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 200, body = RestrictionView)))]
pub async fn get_restriction(
    Caller(ctx): Caller,
    Path(id): Path<RestrictionId>,
) -> Result<Body<RestrictionView>, Problem> {
    Ok(Body(restriction::get(&ctx, id).await?))
}

/// Lift a restriction; the person is told before (Art. 18(3)).
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/restriction/{id}/lift", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = Lift, responses((status = 200, body = RestrictionView)))]
pub async fn lift_restriction(
    Caller(ctx): Caller,
    Path(id): Path<RestrictionId>,
    Json(lift): Json<Lift>,
) -> Result<Body<RestrictionView>, Problem> {
    Ok(Body(restriction::lift(&ctx, id, &lift).await?))
}

/// Correct what somebody says is wrong (GDPR Art. 16). Webhooks are told that it was, and of which fields.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/rectification", tag = "compliance",
    request_body = NewRectification, responses((status = 201, body = RectificationView)))]
pub async fn rectify(Caller(ctx): Caller, Json(new): Json<NewRectification>) -> Result<Response, Problem> {
    Ok(reply::once(rectification::make(&ctx, new).await?, |view| view))
}

/// Whose corrections, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RectificationQuery {
    pub lead_id: Option<LeadId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Corrections that were made, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/rectification", tag = "compliance", params(RectificationQuery),
    responses((status = 200, body = Page<RectificationView>)))]
pub async fn list_rectifications(
    Caller(ctx): Caller,
    Query(query): Query<RectificationQuery>,
) -> Result<Body<Page<RectificationView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let before = window.before.map(RectificationId);
    let rows = rectification::list(&ctx, query.lead_id, before, window.rows).await?;
    Ok(Body(window.page(rows, |view| view.id.0)))
}

/// One correction.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/rectification/{id}", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 200, body = RectificationView)))]
pub async fn get_rectification(
    Caller(ctx): Caller,
    Path(id): Path<RectificationId>,
) -> Result<Body<RectificationView>, Problem> {
    Ok(Body(rectification::get(&ctx, id).await?))
}
