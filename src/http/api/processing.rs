//! The account that is given of personal data: the record of processing, and who was affected by a breach.

use axum::{
    Json as Body,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    moment::Moment,
    processing::{
        breach::{self, Affected, BreachView, Range},
        page,
        record::{self, ProcessingAdded, ProcessingRecord},
    },
};
use serde::Deserialize;
use uuid::Uuid;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Query},
    page::{Page, Window},
    problem::Problem,
};

/// The record of processing (GDPR Art. 30): what the product does with personal data, and what was added.
#[utoipa::path(get, path = "/api/v1/compliance/processing", tag = "compliance",
    responses((status = 200, body = ProcessingRecord)))]
pub async fn get_processing_record(Caller(ctx): Caller) -> Result<Response, Problem> {
    let record = record::get(&ctx).await?;
    tagged(record.version, &record)
}

/// Say who answers for the processing, what is done besides what the product knows, and how it is protected. It takes the
/// place of what was said before.
#[utoipa::path(put, path = "/api/v1/compliance/processing", tag = "compliance", request_body = ProcessingAdded,
    responses((status = 200, body = ProcessingRecord)))]
pub async fn put_processing_record(
    Caller(ctx): Caller,
    Json(added): Json<ProcessingAdded>,
) -> Result<Response, Problem> {
    let record = record::put(&ctx, added).await?;
    tagged(record.version, &record)
}

/// The record as a page of HTML, to be read, printed and handed to an authority (Art. 30(4)).
#[utoipa::path(get, path = "/api/v1/compliance/processing/export", tag = "compliance",
    responses((status = 200, content((String = "text/html")))))]
pub async fn export_processing_record(Caller(ctx): Caller) -> Result<Response, Problem> {
    let record = record::export(&ctx).await?;
    let name = format!("attachment; filename=\"processing-{}.html\"", ctx.now().format("%Y-%m-%d"));
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, page::html(&record, ctx.now())).into_response())
}

/// Which time, and whose deeds.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreachQuery {
    /// From this instant.
    #[param(value_type = String, format = DateTime)]
    pub from: Moment,
    /// Before this instant, at most 92 days after `from`.
    #[param(value_type = String, format = DateTime)]
    pub until: Moment,
    /// Only what this user, key or operator did.
    pub actor_id: Option<Uuid>,
}

/// How many people's data was read, exported or changed between two moments, what kinds of people and data they are, and
/// by whom (GDPR Art. 33(3)). Reads are known to the hour, and for 400 days.
#[utoipa::path(get, path = "/api/v1/compliance/breach", tag = "compliance", params(BreachQuery),
    responses((status = 200, body = BreachView)))]
pub async fn look_at_breach(
    Caller(ctx): Caller,
    Query(query): Query<BreachQuery>,
) -> Result<Body<BreachView>, Problem> {
    let range = Range { from: query.from.utc(), until: query.until.utc(), actor: query.actor_id };
    Ok(Body(breach::look(&ctx, &range).await?))
}

/// The same, and how many people.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreachPeopleQuery {
    /// From this instant.
    #[param(value_type = String, format = DateTime)]
    pub from: Moment,
    /// Before this instant, at most 92 days after `from`.
    #[param(value_type = String, format = DateTime)]
    pub until: Moment,
    /// Only what this user, key or operator did.
    pub actor_id: Option<Uuid>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// Whose data it was, by their ids: who may have to be told (GDPR Art. 34). All pages are as of the moment of the first one.
#[utoipa::path(get, path = "/api/v1/compliance/breach/people", tag = "compliance", params(BreachPeopleQuery),
    responses((status = 200, body = Page<Affected>)))]
pub async fn list_breach_people(
    Caller(ctx): Caller,
    Query(query): Query<BreachPeopleQuery>,
) -> Result<Body<Page<Affected>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let range = Range { from: query.from.utc(), until: query.until.utc(), actor: query.actor_id };
    let (as_of, rows) = breach::people(&ctx, &range, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |one| (as_of, one.subject_id))))
}
