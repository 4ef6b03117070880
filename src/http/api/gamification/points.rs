//! Points: what was given, and points by hand.

use axum::{Json as Body, response::Response};
use domain::{
    gamification::ledger::{
        by_hand::{self, NewPoints},
        read::{self, PointEntryView},
    },
    types::PointEntryId,
};

use super::OfAgent;
use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Give points by hand. They count for challenges and competitions like those for deeds.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/points", tag = "gamification", request_body = NewPoints,
    responses((status = 201, body = PointEntryView)))]
pub async fn give_points(Caller(ctx): Caller, Json(new): Json<NewPoints>) -> Result<Response, Problem> {
    Ok(reply::once(by_hand::give(&ctx, new).await?, |view| view))
}

/// What all agents were given, what it went for and what was taken back, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/points", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<PointEntryView>)))]
pub async fn list_points(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<PointEntryView>>, Problem> {
    let window = paging.window()?;
    let rows = read::all(&ctx, window.before.map(PointEntryId), window.rows).await?;
    Ok(Body(window.page(rows, |entry| entry.id.0)))
}

/// What an agent was given, what it went for and what was taken back, newest first.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/history", tag = "gamification", params(OfAgent),
    responses((status = 200, body = Page<PointEntryView>)))]
pub async fn list_point_history(
    Caller(ctx): Caller,
    Query(query): Query<OfAgent>,
) -> Result<Body<Page<PointEntryView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = read::history(&ctx, query.agent_id, window.before.map(PointEntryId), window.rows).await?;
    Ok(Body(window.page(rows, |entry| entry.id.0)))
}

/// One row of the ledger.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/points/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = PointEntryView)))]
pub async fn get_points(
    Caller(ctx): Caller,
    Path(id): Path<PointEntryId>,
) -> Result<Body<PointEntryView>, Problem> {
    Ok(Body(read::get(&ctx, id).await?))
}

/// Take a row of the ledger back, by a row of its own, which is answered. What was spent of it is owed.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/points/{id}/reverse", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = PointEntryView)))]
pub async fn reverse_points(
    Caller(ctx): Caller,
    Path(id): Path<PointEntryId>,
) -> Result<Body<PointEntryView>, Problem> {
    Ok(Body(by_hand::reverse(&ctx, id).await?))
}
