//! Reports that are wanted again and again, and sent by e-mail.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    analytics::saved::{
        self, DeliveryView, SavedReportView,
        change::{self, SavedReportDraft},
        send,
    },
    types::SavedReportId,
};
use uuid::Uuid;

use super::access::Made;
use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Save a report: what it is about, which days of it, seen from the one on which it is made, and in which form. With recipients
/// it can be sent to them, and with a crontab it is sent by itself. A mail holds a link to the file, which is good for 14 days.
#[utoipa::path(post, path = "/api/v1/analytics/saved-reports", tag = "analytics", request_body = SavedReportDraft,
    responses((status = 201, body = SavedReportView)))]
pub async fn create_saved_report(
    Caller(ctx): Caller,
    Json(new): Json<SavedReportDraft>,
) -> Result<Response, Problem> {
    Ok(reply::once(change::create(&ctx, new).await?, |view| view))
}

/// The saved reports, newest first.
#[utoipa::path(get, path = "/api/v1/analytics/saved-reports", tag = "analytics", params(Paging),
    responses((status = 200, body = Page<SavedReportView>)))]
pub async fn list_saved_reports(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<SavedReportView>>, Problem> {
    let window = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = saved::list(&ctx, window.before.map(SavedReportId), window.rows).await?;
    Ok(Body(window.page(rows, |report| report.id.0)))
}

/// One saved report.
#[utoipa::path(get, path = "/api/v1/analytics/saved-reports/{id}", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 200, body = SavedReportView)))]
pub async fn get_saved_report(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
) -> Result<Response, Problem> {
    let view = saved::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Put another in the place of a saved report. What was due before is forgotten; a delivery that goes on is ended as it was
/// begun.
#[utoipa::path(put, path = "/api/v1/analytics/saved-reports/{id}", tag = "analytics", params(("id" = Uuid, Path)),
    request_body = SavedReportDraft, responses((status = 200, body = SavedReportView)))]
pub async fn replace_saved_report(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
    Json(new): Json<SavedReportDraft>,
) -> Result<Response, Problem> {
    let view = change::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Take a saved report away, with its schedule. Files that were made of it stay as long as they were to.
#[utoipa::path(delete, path = "/api/v1/analytics/saved-reports/{id}", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_saved_report(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
) -> Result<StatusCode, Problem> {
    change::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a saved report to its recipients now. Answers the operation.
#[utoipa::path(post, path = "/api/v1/analytics/saved-reports/{id}/send", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 202, body = Made)))]
pub async fn send_saved_report(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
) -> Result<Response, Problem> {
    Ok(reply::once(send::now(&ctx, id).await?, |id| Made { id }))
}

/// When a saved report was sent, newest first: the days it was about, and the file.
#[utoipa::path(get, path = "/api/v1/analytics/saved-reports/{id}/deliveries", tag = "analytics",
    params(("id" = Uuid, Path), Paging), responses((status = 200, body = Page<DeliveryView>)))]
pub async fn list_report_deliveries(
    Caller(ctx): Caller,
    Path(id): Path<SavedReportId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<DeliveryView>>, Problem> {
    let window: Window<Uuid> = Window::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = saved::deliveries(&ctx, id, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |delivery| delivery.id)))
}
