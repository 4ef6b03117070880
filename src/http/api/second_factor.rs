//! The second factor of a user.

use axum::{Json as Body, extract::State, http::StatusCode};
use domain::{
    access::second_factor::{self, NewSecondFactor, RecoveryCodes},
    types::UserId,
};
use serde::Deserialize;

use crate::http::{
    Shared,
    extract::{Caller, Json, Path},
    peer::ClientAddress,
    problem::Problem,
};

/// A code of the caller's authenticator.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    pub code: String,
}

/// The caller's own password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    pub current: String,
}

/// Get a secret for your authenticator. Logins ask for its codes once you have confirmed it by one.
#[utoipa::path(post, path = "/api/v1/me/second-factor", tag = "access", request_body = OwnPassword,
    responses((status = 201, body = NewSecondFactor)))]
pub async fn offer_second_factor(
    State(app): Shared,
    Caller(ctx): Caller,
    ClientAddress(address): ClientAddress,
    Json(OwnPassword { current }): Json<OwnPassword>,
) -> Result<(StatusCode, Body<NewSecondFactor>), Problem> {
    Ok((StatusCode::CREATED, Body(second_factor::offer(&ctx, &app.gate, &current, address).await?)))
}

/// Confirm the secret by a code: all your other logins end. The recovery codes in the answer are shown this once.
#[utoipa::path(post, path = "/api/v1/me/second-factor/confirmation", tag = "access", request_body = Code,
    responses((status = 200, body = RecoveryCodes)))]
pub async fn confirm_second_factor(
    State(app): Shared,
    Caller(ctx): Caller,
    ClientAddress(address): ClientAddress,
    Json(Code { code }): Json<Code>,
) -> Result<Body<RecoveryCodes>, Problem> {
    Ok(Body(second_factor::confirm(&ctx, &app.gate, &code, address).await?))
}

/// Remove your second factor by a code of it: all your other logins end.
#[utoipa::path(post, path = "/api/v1/me/second-factor/removal", tag = "access", request_body = Code,
    responses((status = 204)))]
pub async fn remove_own_second_factor(
    State(app): Shared,
    Caller(ctx): Caller,
    ClientAddress(address): ClientAddress,
    Json(Code { code }): Json<Code>,
) -> Result<StatusCode, Problem> {
    second_factor::remove_own(&ctx, &app.gate, &code, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove the second factor of a user who has lost theirs.
#[utoipa::path(delete, path = "/api/v1/users/{id}/second-factor", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn remove_second_factor(
    Caller(ctx): Caller,
    Path(user): Path<UserId>,
) -> Result<StatusCode, Problem> {
    second_factor::remove(&ctx, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
