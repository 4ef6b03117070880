//! Accounts at providers.

use axum::{Json as Body, response::Response};
use domain::{
    messages::accounts::{self, NewProvider, ProviderView},
    types::ProviderId,
};

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
