//! Imports: a CSV file of any size, read as it streams in.

use std::time::Duration;

use axum::{
    Json as Body,
    body::{Body as Stream, BodyDataStream, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use domain::{
    leads::{
        csv::LONGEST_ROW,
        import::{self, Import, ImportView, Rejection},
    },
    tenancy::Once,
    types::ImportId,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::http::{
    Shared,
    extract::{Caller, Path, Query},
    problem::Problem,
    reply,
};

/// How long the next piece of a file may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands between columns.
#[derive(Deserialize, Clone, Copy, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

/// How to read the file.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Found out from the header if not said.
    #[param(inline)]
    pub delimiter: Option<Delimiter>,
}

/// Import leads from a CSV file (RFC 4180, UTF-8). The first line names the columns: `phone` or
/// `email`, and perhaps `name`, `status`, `source`, `language`, `region`, `value_cents`, `cost_cents`, `tags`
/// (with | between them); all others are kept as attributes.
#[utoipa::path(post, path = "/api/v1/leads/imports", tag = "leads", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = ImportView)))]
pub async fn create_import(
    State(app): Shared,
    Caller(ctx): Caller,
    headers: HeaderMap,
    Query(query): Query<ImportQuery>,
    body: Stream,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("text/csv") {
        let detail = "send the file as it is with Content-Type: text/csv";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-csv", detail));
    }
    let delimiter = query.delimiter.map(|delimiter| match delimiter {
        Delimiter::Comma => b',',
        Delimiter::Semicolon => b';',
        Delimiter::Tab => b'\t',
        Delimiter::Pipe => b'|',
    });
    let mut body = body.into_data_stream();
    let mut head = Vec::new();
    while !head.contains(&b'\n') && head.len() <= LONGEST_ROW {
        let Some(chunk) = next(&mut body).await? else { break };
        head.extend_from_slice(&chunk);
    }
    let begun = Import::begin(&ctx, &head, delimiter).await?;
    let Some(mut import) = begun.fresh else {
        return Ok(reply::once(Once::<ImportView> { answer: begun.answer, fresh: None }, |view| view));
    };
    let view = loop {
        match next(&mut body).await {
            Ok(Some(chunk)) => {
                if let Err(error) = app.gate.require_still(&ctx).await {
                    import.refuse("whoever sent it may not any longer; the rows before are there").await?;
                    return Err(error.into());
                }
                import.push(&chunk).await?;
            }
            Ok(None) => break import.finish().await?,
            Err(problem) => {
                import.interrupt(&problem.detail).await?;
                return Err(problem);
            }
        }
    };
    Ok(reply::once(Once { answer: begun.answer, fresh: Some(view) }, |view| view))
}

async fn next(body: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    match tokio::time::timeout(PATIENCE, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(_))) => {
            let detail = "the file broke off; the complete rows before are there, send the rest again";
            Err(Problem::new(StatusCode::BAD_REQUEST, "body-incomplete", detail))
        }
        Err(_) => {
            let detail =
                "the file paused for more than 30 seconds; the rows before are there, send the rest again";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail))
        }
    }
}

/// How an import went.
#[utoipa::path(get, path = "/api/v1/leads/imports/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportView)))]
pub async fn get_import(Caller(ctx): Caller, Path(id): Path<ImportId>) -> Result<Body<ImportView>, Problem> {
    Ok(Body(import::get(&ctx, id).await?))
}

/// Where in the report to go on.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// `next_after_line` of the page before.
    pub after_line: Option<i64>,
    /// 1 to 1000, 200 if not said.
    pub limit: Option<u16>,
}

/// Lines that were left out, in order.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Report {
    pub items: Vec<Rejection>,
    /// Absent on the last page.
    pub next_after_line: Option<i64>,
}

/// Every line that was left out, with its reason.
#[utoipa::path(get, path = "/api/v1/leads/imports/{id}/rejections", tag = "leads",
    params(("id" = Uuid, Path), ReportQuery), responses((status = 200, body = Report)))]
pub async fn list_rejections(
    Caller(ctx): Caller,
    Path(id): Path<ImportId>,
    Query(query): Query<ReportQuery>,
) -> Result<Body<Report>, Problem> {
    let limit = query.limit.unwrap_or(200);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::field("?limit", "1 to 1000"));
    }
    let after = query.after_line.unwrap_or(0);
    let mut items = import::rejections(&ctx, id, after, i64::from(limit) + 1).await?;
    let more = items.len() > usize::from(limit);
    items.truncate(limit.into());
    let next_after_line = items.last().filter(|_| more).map(|last| last.line);
    Ok(Body(Report { items, next_after_line }))
}
