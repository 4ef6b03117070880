//! What deeds are worth.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    gamification::point_rules::{self, NewPointRule, PointRuleView},
    types::PointRuleId,
};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Say what a deed is worth from now on.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/rules", tag = "gamification", request_body = NewPointRule,
    responses((status = 201, body = PointRuleView)))]
pub async fn create_point_rule(
    Caller(ctx): Caller,
    Json(new): Json<NewPointRule>,
) -> Result<Response, Problem> {
    Ok(reply::once(point_rules::create(&ctx, new).await?, |view| view))
}

/// The rules, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/rules", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<PointRuleView>)))]
pub async fn list_point_rules(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<PointRuleView>>, Problem> {
    let window = paging.window()?;
    let rows = point_rules::list(&ctx, window.before.map(PointRuleId), window.rows).await?;
    Ok(Body(window.page(rows, |rule| rule.id.0)))
}

/// One rule.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/rules/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = PointRuleView)))]
pub async fn get_point_rule(Caller(ctx): Caller, Path(id): Path<PointRuleId>) -> Result<Response, Problem> {
    let view = point_rules::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Have a rule say something else from now on; what it gave stays.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/rules/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewPointRule, responses((status = 200, body = PointRuleView)))]
pub async fn replace_point_rule(
    Caller(ctx): Caller,
    Path(id): Path<PointRuleId>,
    Json(new): Json<NewPointRule>,
) -> Result<Response, Problem> {
    let view = point_rules::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a rule away; what it gave stays.
#[utoipa::path(delete, path = "/api/v1/gamification-advanced/rules/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_point_rule(
    Caller(ctx): Caller,
    Path(id): Path<PointRuleId>,
) -> Result<StatusCode, Problem> {
    point_rules::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
