//! Phone systems that tell of calls.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    calls::sources::{
        self, CallSourceChange, CallSourceView, NewCallSource, NewCallSourceSecret, RotatedSecret,
    },
    types::CallSourceId,
};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Let a phone system in: the address it calls and the secret it signs by are shown once.
#[utoipa::path(post, path = "/api/v1/call-sources", tag = "calls", request_body = NewCallSource,
    responses((status = 201, body = NewCallSourceSecret)))]
pub async fn create_call_source(
    Caller(ctx): Caller,
    Json(new): Json<NewCallSource>,
) -> Result<Response, Problem> {
    Ok(reply::once(sources::create(&ctx, new).await?, |made| made))
}

/// The phone systems, newest first.
#[utoipa::path(get, path = "/api/v1/call-sources", tag = "calls", params(Paging),
    responses((status = 200, body = Page<CallSourceView>)))]
pub async fn list_call_sources(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<CallSourceView>>, Problem> {
    let window = paging.window()?;
    let rows = sources::list(&ctx, window.before.map(CallSourceId), window.rows).await?;
    Ok(Body(window.page(rows, |source| source.id.0)))
}

/// One phone system.
#[utoipa::path(get, path = "/api/v1/call-sources/{id}", tag = "calls", params(("id" = Uuid, Path)),
    responses((status = 200, body = CallSourceView)))]
pub async fn get_call_source(Caller(ctx): Caller, Path(id): Path<CallSourceId>) -> Result<Response, Problem> {
    let view = sources::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Change a phone system (RFC 7396: absent fields stay, null removes): its name, and whose agents take its calls that
/// nothing else says a team of.
#[utoipa::path(patch, path = "/api/v1/call-sources/{id}", tag = "calls", params(("id" = Uuid, Path)),
    request_body = CallSourceChange, responses((status = 200, body = CallSourceView)))]
pub async fn change_call_source(
    Caller(ctx): Caller,
    Path(id): Path<CallSourceId>,
    Json(change): Json<CallSourceChange>,
) -> Result<Response, Problem> {
    let source = sources::change(&ctx, id, change).await?;
    tagged(source.version, &source)
}

/// Give a phone system another secret, shown once; the one before is good for a day yet, and if the secret is replaced
/// again within that day, still the same one.
#[utoipa::path(post, path = "/api/v1/call-sources/{id}/rotate", tag = "calls", params(("id" = Uuid, Path)),
    responses((status = 200, body = RotatedSecret)))]
pub async fn rotate_call_source(
    Caller(ctx): Caller,
    Path(id): Path<CallSourceId>,
) -> Result<Response, Problem> {
    Ok(reply::once(sources::rotate(&ctx, id).await?, |rotated| rotated))
}

/// Keep a phone system out. Its calls stay.
#[utoipa::path(delete, path = "/api/v1/call-sources/{id}", tag = "calls", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_call_source(
    Caller(ctx): Caller,
    Path(id): Path<CallSourceId>,
) -> Result<StatusCode, Problem> {
    sources::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
