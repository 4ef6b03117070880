//! Rewards, and points that are given for them.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    gamification::rewards::{
        self, NewReward, RewardView,
        redeem::{self, Redeem, RedemptionState, RedemptionView},
    },
    types::{RedemptionId, RewardId},
};
use serde::Deserialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Which redemptions, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RedemptionQuery {
    #[param(inline)]
    pub state: Option<RedemptionState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Make a reward.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/rewards", tag = "gamification", request_body = NewReward,
    responses((status = 201, body = RewardView)))]
pub async fn create_reward(Caller(ctx): Caller, Json(new): Json<NewReward>) -> Result<Response, Problem> {
    Ok(reply::once(rewards::create(&ctx, new).await?, |view| view))
}

/// The rewards, newest first, each with whether the caller can have it.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/rewards", tag = "gamification", params(Paging),
    responses((status = 200, body = Page<RewardView>)))]
pub async fn list_rewards(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<RewardView>>, Problem> {
    let window = paging.window()?;
    let rows = rewards::list(&ctx, window.before.map(RewardId), window.rows).await?;
    Ok(Body(window.page(rows, |reward| reward.id.0)))
}

/// One reward.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/rewards/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = RewardView)))]
pub async fn get_reward(Caller(ctx): Caller, Path(id): Path<RewardId>) -> Result<Response, Problem> {
    let view = rewards::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a reward. The stock is what is left from now on.
#[utoipa::path(put, path = "/api/v1/gamification-advanced/rewards/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), request_body = NewReward, responses((status = 200, body = RewardView)))]
pub async fn replace_reward(
    Caller(ctx): Caller,
    Path(id): Path<RewardId>,
    Json(new): Json<NewReward>,
) -> Result<Response, Problem> {
    let view = rewards::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a reward away; what was redeemed stays.
#[utoipa::path(delete, path = "/api/v1/gamification-advanced/rewards/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_reward(Caller(ctx): Caller, Path(id): Path<RewardId>) -> Result<StatusCode, Problem> {
    rewards::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give points for a reward.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/redeem", tag = "gamification", request_body = Redeem,
    responses((status = 201, body = RedemptionView)))]
pub async fn redeem_reward(Caller(ctx): Caller, Json(asked): Json<Redeem>) -> Result<Response, Problem> {
    Ok(reply::once(redeem::redeem(&ctx, asked).await?, |view| view))
}

/// Redemptions, newest first: of those whom one sees, and one's own.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/redemptions", tag = "gamification",
    params(RedemptionQuery), responses((status = 200, body = Page<RedemptionView>)))]
pub async fn list_redemptions(
    Caller(ctx): Caller,
    Query(query): Query<RedemptionQuery>,
) -> Result<Body<Page<RedemptionView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = redeem::list(&ctx, query.state, window.before.map(RedemptionId), window.rows).await?;
    Ok(Body(window.page(rows, |redemption| redemption.id.0)))
}

/// One redemption.
#[utoipa::path(get, path = "/api/v1/gamification-advanced/redemptions/{id}", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = RedemptionView)))]
pub async fn get_redemption(
    Caller(ctx): Caller,
    Path(id): Path<RedemptionId>,
) -> Result<Body<RedemptionView>, Problem> {
    Ok(Body(redeem::get(&ctx, id).await?))
}

/// Say that somebody has what they gave points for.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/redemptions/{id}/fulfil", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = RedemptionView)))]
pub async fn fulfil_redemption(
    Caller(ctx): Caller,
    Path(id): Path<RedemptionId>,
) -> Result<Body<RedemptionView>, Problem> {
    Ok(Body(redeem::fulfil(&ctx, id).await?))
}

/// Call a redemption off: the points are back, and there is one more of the reward.
#[utoipa::path(post, path = "/api/v1/gamification-advanced/redemptions/{id}/cancel", tag = "gamification",
    params(("id" = Uuid, Path)), responses((status = 200, body = RedemptionView)))]
pub async fn cancel_redemption(
    Caller(ctx): Caller,
    Path(id): Path<RedemptionId>,
) -> Result<Body<RedemptionView>, Problem> {
    Ok(Body(redeem::cancel(&ctx, id).await?))
}
