//! Where one stands by what one has ever earned.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    gamification::tiers::{self, NewTier, TierView},
    types::TierId,
};
use serde::Serialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path},
    problem::Problem,
    reply,
};

/// All tiers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Tiers {
    /// The lowest first.
    pub items: Vec<TierView>,
}

/// Make a tier.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/tiers", tag = "gamification", request_body = NewTier,
    responses((status = 201, body = TierView)))]
pub async fn create_tier(Caller(ctx): Caller, Json(new): Json<NewTier>) -> Result<Response, Problem> {
    Ok(reply::once(tiers::create(&ctx, new).await?, |view| view))
}

/// The tiers, the lowest first; there are 50 at most.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/tiers", tag = "gamification",
    responses((status = 200, body = Tiers)))]
pub async fn list_tiers(Caller(ctx): Caller) -> Result<Body<Tiers>, Problem> {
    Ok(Body(Tiers { items: tiers::list(&ctx).await? }))
}

/// One tier.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/tiers/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = TierView)))]
pub async fn get_tier(Caller(ctx): Caller, Path(id): Path<TierId>) -> Result<Response, Problem> {
    let view = tiers::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a tier; who is in it changes at once.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/tiers/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewTier, responses((status = 200, body = TierView)))]
pub async fn replace_tier(
    Caller(ctx): Caller,
    Path(id): Path<TierId>,
    Json(new): Json<NewTier>,
) -> Result<Response, Problem> {
    let view = tiers::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a tier away.
#[utoipa::path(delete, path = "/api/v1/gamification-advanced/tiers/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_tier(Caller(ctx): Caller, Path(id): Path<TierId>) -> Result<StatusCode, Problem> {
    tiers::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
