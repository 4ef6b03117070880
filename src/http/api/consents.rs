//! What people have agreed to.

use axum::{Json as Body, response::Response};
use domain::{
    messages::{
        consents::{self, ConsentFilter, ConsentRecorded, ConsentView, NewConsent, Said},
        provider::Channel,
    },
    types::{ConsentId, LeadId},
};
use serde::Deserialize;

use crate::http::{
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::Problem,
    reply,
};

/// Record that somebody agrees to be written to, or does not: a withdrawal counts for all that has not left.
#[utoipa::path(post, path = "/api/v1/compliance/gdpr/consent", tag = "compliance", request_body = NewConsent,
    responses((status = 201, body = ConsentRecorded)))]
pub async fn record_consent(Caller(ctx): Caller, Json(new): Json<NewConsent>) -> Result<Response, Problem> {
    Ok(reply::once(consents::record(&ctx, new).await?, |recorded| recorded))
}

/// Whose consents, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsentQuery {
    /// The one that a record's Location names.
    pub id: Option<ConsentId>,
    /// Of this lead; where it was merged into another, of that one.
    pub lead_id: Option<LeadId>,
    pub channel: Option<Channel>,
    /// Of this address of the channel; asks for `personal:read`, for what is found tells whose it is.
    pub to: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What people have said last of each channel and purpose, newest first by the first record.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/consent", tag = "compliance", params(ConsentQuery),
    responses((status = 200, body = Page<ConsentView>)))]
pub async fn list_consents(
    Caller(ctx): Caller,
    Query(query): Query<ConsentQuery>,
) -> Result<Body<Page<ConsentView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let filter = ConsentFilter { id: query.id, lead: query.lead_id, channel: query.channel, to: query.to };
    let rows = consents::list(&ctx, &filter, window.before.map(ConsentId), window.rows).await?;
    Ok(Body(window.page(rows, |consent| consent.id.0)))
}

/// How much of a history.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// All that somebody has said of one channel and purpose, newest first: what they were told, where it was said, and where
/// it is kept what shows it.
#[utoipa::path(get, path = "/api/v1/compliance/gdpr/consent/{id}/history", tag = "compliance",
    params(("id" = Uuid, Path), HistoryQuery), responses((status = 200, body = Page<Said>)))]
pub async fn consent_history(
    Caller(ctx): Caller,
    Path(id): Path<ConsentId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Body<Page<Said>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = consents::history(&ctx, id, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |said| said.id)))
}
