//! Accounts at providers.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    messages::accounts::{self, NewProvider, ProviderChange, ProviderView, Verification},
    types::ProviderId,
};
use serde::Deserialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Set up an account; its credentials are sealed and never shown again.
#[utoipa::path(post, path = "/api/v1/communication/providers", tag = "communication", request_body = NewProvider,
    responses((status = 201, body = ProviderView)))]
pub async fn create_provider(Caller(ctx): Caller, Json(new): Json<NewProvider>) -> Result<Response, Problem> {
    Ok(reply::once(accounts::create(&ctx, new).await?, |view| view))
}

/// The providers, newest first.
#[utoipa::path(get, path = "/api/v1/communication/providers", tag = "communication", params(Paging),
    responses((status = 200, body = Page<ProviderView>)))]
pub async fn list_providers(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ProviderView>>, Problem> {
    let window = paging.window()?;
    let rows = accounts::list(&ctx, window.before.map(ProviderId), window.rows).await?;
    Ok(Body(window.page(rows, |row| row.id.0)))
}

/// One provider.
#[utoipa::path(get, path = "/api/v1/communication/providers/{id}", tag = "communication", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = ProviderView)))]
pub async fn get_provider(Caller(ctx): Caller, Path(id): Path<ProviderId>) -> Result<Response, Problem> {
    let view = accounts::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a provider (RFC 7396: absent fields stay, null removes a limit). Credentials are replaced as a whole.
#[utoipa::path(patch, path = "/api/v1/communication/providers/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), request_body = ProviderChange, responses((status = 200, body = ProviderView)))]
pub async fn change_provider(
    Caller(ctx): Caller,
    Path(id): Path<ProviderId>,
    Json(change): Json<ProviderChange>,
) -> Result<Response, Problem> {
    let view = accounts::change(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// Take a provider away. Its messages stay; while some wait that only it may carry, this is refused.
#[utoipa::path(delete, path = "/api/v1/communication/providers/{id}", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)))]
pub async fn delete_provider(Caller(ctx): Caller, Path(id): Path<ProviderId>) -> Result<StatusCode, Problem> {
    accounts::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask the provider whether the credentials are good. Nothing is sent.
#[utoipa::path(post, path = "/api/v1/communication/providers/{id}/verify", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Verification)))]
pub async fn verify_provider(
    Caller(ctx): Caller,
    Path(id): Path<ProviderId>,
) -> Result<Body<Verification>, Problem> {
    Ok(Body(accounts::verify(&ctx, id).await?))
}

/// Why it is paused.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderPause {
    /// For those who wonder later; up to 500 characters.
    pub why: Option<String>,
}

/// Hand a provider nothing until it is resumed; its messages wait.
#[utoipa::path(post, path = "/api/v1/communication/providers/{id}/pause", tag = "communication",
    params(("id" = uuid::Uuid, Path)), request_body = ProviderPause, responses((status = 200, body = ProviderView)))]
pub async fn pause_provider(
    Caller(ctx): Caller,
    Path(id): Path<ProviderId>,
    Json(pause): Json<ProviderPause>,
) -> Result<Body<ProviderView>, Problem> {
    Ok(Body(accounts::pause(&ctx, id, pause.why.as_deref()).await?))
}

/// Let a provider go on, whoever paused it; messages that wait for it are tried now.
#[utoipa::path(post, path = "/api/v1/communication/providers/{id}/resume", tag = "communication",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = ProviderView)))]
pub async fn resume_provider(
    Caller(ctx): Caller,
    Path(id): Path<ProviderId>,
) -> Result<Body<ProviderView>, Problem> {
    Ok(Body(accounts::resume(&ctx, id).await?))
}
