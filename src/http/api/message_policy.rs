//! What a tenant lets be sent when.

use axum::response::Response;
use domain::messages::policy::{self, Policy, PolicyView};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json},
    problem::Problem,
};

/// The policy in force: quiet hours, the cap, and what asks for consent.
#[utoipa::path(get, path = "/api/v1/communication/policy", tag = "communication",
    responses((status = 200, body = PolicyView)))]
pub async fn get_message_policy(Caller(ctx): Caller) -> Result<Response, Problem> {
    let view = policy::get(&ctx).await?;
    tagged(view.version, &view)
}

/// Put another policy in force, for all messages that have not left. What is not said is as the product has it.
#[utoipa::path(put, path = "/api/v1/communication/policy", tag = "communication", request_body = Policy,
    responses((status = 200, body = PolicyView)))]
pub async fn put_message_policy(
    Caller(ctx): Caller,
    Json(policy): Json<Policy>,
) -> Result<Response, Problem> {
    let view = policy::put(&ctx, policy).await?;
    tagged(view.version, &view)
}
