//! What people ask to see of what is held of them, and the files that they get.

use axum::{
    Json as Body,
    body::Body as Bytes,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    privacy::{
        export::{
            Download,
            link::{self, ExportAnswer},
        },
        requests::{
            self, AccessRequestView, AccessRequestWhole, IdentityCheck, RequestFilter, RequestReason,
            RequestStatus,
            ask::{self, NewAccessRequest},
            work,
        },
    },
    types::{LeadId, PrivacyRequestId},
};
use futures::stream;
use serde::Deserialize;

use crate::http::{
    Shared,
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::{Problem, request_id},
    reply,
};

/// Take down that somebody asks to see what is held of them (GDPR Art. 15), or to take it elsewhere (Art. 20). It is to be
/// answered within a month. Nothing is made before it is known who asks: see `identity`.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/access", tag = "compliance", request_body = NewAccessRequest,
    responses((status = 201, body = AccessRequestView)))]
pub async fn ask_for_access(
    Caller(ctx): Caller,
    Json(new): Json<NewAccessRequest>,
) -> Result<Response, Problem> {
    Ok(reply::once(ask::ask(&ctx, new).await?, |view| view))
}

/// Which requests, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    pub status: Option<RequestStatus>,
    /// Of this lead, or of one that was merged with it.
    pub lead_id: Option<LeadId>,
    /// `true` for those that are not answered and whose time is over.
    pub overdue: Option<bool>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Requests of access, newest first.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/access", tag = "compliance", params(AccessQuery),
    responses((status = 200, body = Page<AccessRequestView>)))]
pub async fn list_access_requests(
    Caller(ctx): Caller,
    Query(query): Query<AccessQuery>,
) -> Result<Body<Page<AccessRequestView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter =
        RequestFilter { id: None, status: query.status, lead: query.lead_id, overdue: query.overdue };
    let rows = requests::list(&ctx, &filter, window.before.map(PrivacyRequestId), window.rows).await?;
    Ok(Body(window.page(rows, |request| request.id.0)))
}

/// A request with what was done about it, and its files.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/access/{id}", tag = "compliance", params(("id" = Uuid, Path)),
    responses((status = 200, body = AccessRequestWhole)))]
pub async fn get_access_request(
    Caller(ctx): Caller,
    Path(id): Path<PrivacyRequestId>,
) -> Result<Body<AccessRequestWhole>, Problem> {
    Ok(Body(requests::get(&ctx, id).await?))
}

/// Say how it was found out that it is the person who asks. From then on the file is made.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/access/{id}/identity", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = IdentityCheck, responses((status = 200, body = AccessRequestWhole)))]
pub async fn identify_asker(
    Caller(ctx): Caller,
    Path(id): Path<PrivacyRequestId>,
    Json(by): Json<IdentityCheck>,
) -> Result<Body<AccessRequestWhole>, Problem> {
    Ok(Body(work::identify(&ctx, id, &by).await?))
}

/// Take two months more, once and within the first (GDPR Art. 12(3)). Tell the person, with the reason.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/access/{id}/extension", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = RequestReason, responses((status = 200, body = AccessRequestWhole)))]
pub async fn extend_access_request(
    Caller(ctx): Caller,
    Path(id): Path<PrivacyRequestId>,
    Json(why): Json<RequestReason>,
) -> Result<Body<AccessRequestWhole>, Problem> {
    Ok(Body(work::extend(&ctx, id, &why).await?))
}

/// Refuse it (GDPR Art. 12(4) to (6)). Tell the person why, and that they may complain to the authority.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/access/{id}/refusal", tag = "compliance",
    params(("id" = Uuid, Path)), request_body = RequestReason, responses((status = 200, body = AccessRequestWhole)))]
pub async fn refuse_access_request(
    Caller(ctx): Caller,
    Path(id): Path<PrivacyRequestId>,
    Json(why): Json<RequestReason>,
) -> Result<Body<AccessRequestWhole>, Problem> {
    Ok(Body(work::refuse(&ctx, id, &why).await?))
}

/// Make another file: the one before is gone, or what is held has changed.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/access/{id}/export", tag = "compliance",
    params(("id" = Uuid, Path)), responses((status = 200, body = AccessRequestWhole)))]
pub async fn export_again(
    Caller(ctx): Caller,
    Path(id): Path<PrivacyRequestId>,
) -> Result<Body<AccessRequestWhole>, Problem> {
    Ok(Body(work::again(&ctx, id).await?))
}

/// Of which request.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    pub request_id: PrivacyRequestId,
}

/// How far the file of a request is, and once it is there a fresh link to it, which is good for 72 hours and needs no login.
/// The file is kept for 14 days.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/export", tag = "compliance", params(ExportQuery),
    responses((status = 200, body = ExportAnswer)))]
pub async fn get_export(
    Caller(ctx): Caller,
    Query(query): Query<ExportQuery>,
) -> Result<Body<ExportAnswer>, Problem> {
    Ok(Body(link::issue(&ctx, query.request_id).await?))
}

/// The file that a link is for: a zip archive. A file that could not be ended breaks off with its connection.
#[utoipa::path(get, path = "/exports/{token}", tag = "compliance", params(("token" = String, Path)),
    responses((status = 200, body = String, content_type = "application/zip")))]
pub async fn fetch_export(State(app): Shared, Path(token): Path<String>) -> Result<Response, Problem> {
    let (ctx, export) = app.gate.admit_export_reader(&token, request_id()).await?;
    let file = Download::begin(&ctx, export).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"your-data.zip\"".to_owned()),
        (header::CONTENT_LENGTH, file.size.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    let pieces = stream::try_unfold((file, ctx.trace), |(mut file, trace)| async move {
        let piece = file.piece().await.inspect_err(|error| {
            tracing::warn!(%error, request_id = trace.as_deref().unwrap_or_default(), "an export broke off");
        })?;
        Ok::<_, Error>(piece.map(|piece| (piece, (file, trace))))
    });
    Ok((headers, Bytes::from_stream(pieces)).into_response())
}
