//! Addresses that are not written to.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    messages::{
        provider::Channel,
        suppressions::{self, NewSuppression, Reason, SuppressionFilter, SuppressionView},
    },
    types::SuppressionId,
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Keep an address from being written to. One that is suppressed already stays so, and is what is answered.
#[utoipa::path(post, path = "/api/v1/communication/suppressions", tag = "communication",
    request_body = NewSuppression, responses((status = 201, body = SuppressionView)))]
pub async fn create_suppression(
    Caller(ctx): Caller,
    Json(new): Json<NewSuppression>,
) -> Result<Response, Problem> {
    Ok(reply::once(suppressions::create(&ctx, new).await?, |view| view))
}

/// Which suppressions, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionQuery {
    pub channel: Option<Channel>,
    #[param(inline)]
    pub reason: Option<Reason>,
    /// This address of the channel, whole; asks for `personal:read`, for what is found tells whose it is.
    pub to: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The addresses that are not written to, newest first; masked without `personal:read`.
#[utoipa::path(get, path = "/api/v1/communication/suppressions", tag = "communication",
    params(SuppressionQuery), responses((status = 200, body = Page<SuppressionView>)))]
pub async fn list_suppressions(
    Caller(ctx): Caller,
    Query(query): Query<SuppressionQuery>,
) -> Result<Body<Page<SuppressionView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = SuppressionFilter { channel: query.channel, reason: query.reason, to: query.to };
    let rows = suppressions::list(&ctx, &filter, window.before.map(SuppressionId), window.rows).await?;
    Ok(Body(window.page(rows, |view| view.id.0)))
}

/// One address that is not written to.
#[utoipa::path(get, path = "/api/v1/communication/suppressions/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SuppressionView)))]
pub async fn get_suppression(
    Caller(ctx): Caller,
    Path(id): Path<SuppressionId>,
) -> Result<Body<SuppressionView>, Problem> {
    Ok(Body(suppressions::get(&ctx, id).await?))
}

/// Let an address be written to again, whatever it was suppressed for. Consent that was withdrawn stays withdrawn.
#[utoipa::path(delete, path = "/api/v1/communication/suppressions/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)))]
pub async fn delete_suppression(
    Caller(ctx): Caller,
    Path(id): Path<SuppressionId>,
) -> Result<StatusCode, Problem> {
    suppressions::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
