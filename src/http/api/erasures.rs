//! People who ask to be forgotten.

use axum::{
    Json as Body,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use domain::{
    privacy::erasure::{
        self, ErasureFilter, ErasureView, Identified, NewErasure, State,
        certificate::{self, Certificate},
    },
    types::{ErasureId, LeadId},
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Take in that somebody asks to be erased (GDPR Art. 17). With how it was made sure who asks, the days begin in which it
/// may be withdrawn; after them nothing brings the person back.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/deletion", tag = "compliance", request_body = NewErasure,
    responses((status = 201, body = ErasureView)))]
pub async fn ask_for_erasure(Caller(ctx): Caller, Json(new): Json<NewErasure>) -> Result<Response, Problem> {
    Ok(reply::once(erasure::ask(&ctx, new).await?, |view| view))
}

/// Which requests, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ErasureQuery {
    pub state: Option<State>,
    pub lead_id: Option<LeadId>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Requests to be erased, newest first, with what keeps each from beginning.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/deletion", tag = "compliance", params(ErasureQuery),
    responses((status = 200, body = Page<ErasureView>)))]
pub async fn list_erasures(
    Caller(ctx): Caller,
    Query(query): Query<ErasureQuery>,
) -> Result<Body<Page<ErasureView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = ErasureFilter { id: None, state: query.state, lead: query.lead_id };
    let rows = erasure::list(&ctx, &filter, window.before.map(ErasureId), window.rows).await?;
    Ok(Body(window.page(rows, |view| view.id.0)))
}

/// One request to be erased.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/deletion/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = ErasureView)))]
pub async fn get_erasure(
    Caller(ctx): Caller,
    Path(id): Path<ErasureId>,
) -> Result<Body<ErasureView>, Problem> {
    Ok(Body(erasure::get(&ctx, id).await?))
}

/// Say how it was made sure who asks: the days begin in which it may be withdrawn.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/deletion/{id}/identity", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = Identified, responses((status = 200, body = ErasureView)))]
pub async fn confirm_erasure(
    Caller(ctx): Caller,
    Path(id): Path<ErasureId>,
    Json(identified): Json<Identified>,
) -> Result<Body<ErasureView>, Problem> {
    Ok(Body(erasure::confirm(&ctx, id, &identified).await?))
}

/// Withdraw a request, as long as it is not carried out. Again it changes nothing.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/deletion/{id}/withdraw", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 200, body = ErasureView)))]
pub async fn withdraw_erasure(
    Caller(ctx): Caller,
    Path(id): Path<ErasureId>,
) -> Result<Body<ErasureView>, Problem> {
    Ok(Body(erasure::withdraw(&ctx, id).await?))
}

/// Take out the certificate of an erasure: what was done, what is kept by which law, signed.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/deletion/{id}/certificate", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 200, body = Certificate)))]
pub async fn get_erasure_certificate(
    Caller(ctx): Caller,
    Path(id): Path<ErasureId>,
) -> Result<Response, Problem> {
    let mut response = Body(certificate::get(&ctx, id).await?).into_response();
    let name = format!("attachment; filename=\"erasure-{id}.json\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
