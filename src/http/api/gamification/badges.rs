//! Badges, and who was given them.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    gamification::badges::{self, BadgeAwardView, BadgeView, NewAward, NewBadge},
    types::{BadgeAwardId, BadgeId},
};

use super::OfAgent;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Make a badge.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/badges", tag = "gamification", request_body = NewBadge,
    responses((status = 201, body = BadgeView)))]
pub async fn create_badge(Caller(ctx): Caller, Json(new): Json<NewBadge>) -> Result<Response, Problem> {
    Ok(reply::once(badges::create(&ctx, new).await?, |view| view))
}

/// The badges, newest first, each with how many have it.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/badges", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<BadgeView>)))]
pub async fn list_badges(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<BadgeView>>, Problem> {
    let window = paging.window()?;
    let rows = badges::list(&ctx, window.before.map(BadgeId), window.rows).await?;
    Ok(Body(window.page(rows, |badge| badge.id.0)))
}

/// The badges that an agent was given, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/badges/awards", tag = "gamification", params(OfAgent),
    responses((status = 200, body = Page<BadgeAwardView>)))]
pub async fn list_badge_awards(
    Caller(ctx): Caller,
    Query(query): Query<OfAgent>,
) -> Result<Body<Page<BadgeAwardView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = badges::awards(&ctx, query.agent_id, window.before.map(BadgeAwardId), window.rows).await?;
    Ok(Body(window.page(rows, |award| award.id.0)))
}

/// One badge.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/badges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = BadgeView)))]
pub async fn get_badge(Caller(ctx): Caller, Path(id): Path<BadgeId>) -> Result<Response, Problem> {
    let view = badges::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a badge; whoever has it keeps it.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/badges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewBadge, responses((status = 200, body = BadgeView)))]
pub async fn replace_badge(
    Caller(ctx): Caller,
    Path(id): Path<BadgeId>,
    Json(new): Json<NewBadge>,
) -> Result<Response, Problem> {
    let view = badges::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a badge away: nobody is given it any more, and whoever has it keeps it.
#[utoipa::path(delete, path = "/api/v1/gamification-advanced/badges/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_badge(Caller(ctx): Caller, Path(id): Path<BadgeId>) -> Result<StatusCode, Problem> {
    badges::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a badge by hand. Whoever has it for this occasion is answered with that and 200.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/badges/{id}/awards", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewAward,
    responses((status = 200, body = BadgeAwardView), (status = 201, body = BadgeAwardView)))]
pub async fn award_badge(
    Caller(ctx): Caller,
    Path(id): Path<BadgeId>,
    Json(new): Json<NewAward>,
) -> Result<Response, Problem> {
    Ok(reply::once(badges::by_hand(&ctx, id, new).await?, |view| view))
}
