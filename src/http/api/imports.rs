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
    leads::import::{Import, ImportView, head::Head, report},
    tenancy::Once,
    types::ImportId,
};
use futures::StreamExt;

use super::import_query::{ImportQuery, Wanted};
use crate::http::{
    Shared,
    extract::{Caller, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// How long the next piece of a file may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Import leads from a CSV file (RFC 4180, UTF-8). The first line names the columns: `phone` or
/// `email`, and perhaps `name`, `status`, `source`, `language`, `region`, `value_cents`, `cost_cents`, `tags`
/// (with ; or | between them); all others are kept as attributes. Where the columns are called otherwise, say
/// `map.<field>=<column>` for each that is to be read, for example `map.email=E-Mail`; an attribute is `attr.<name>`, and
/// columns that are not named so are left out. `default.<field>=<value>` is what a new lead gets where its row says
/// nothing of a field; phone and email have none. Empty fields change nothing of a lead that is there, and of its
/// attributes those stay that the row does not name.
#[utoipa::path(post, path = "/api/v1/leads/imports", tag = "leads", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = ImportView)))]
pub async fn create_import(
    State(app): Shared,
    Caller(ctx): Caller,
    headers: HeaderMap,
    Wanted(asked): Wanted,
    body: Stream,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("text/csv") {
        let detail = "send the file as it is with Content-Type: text/csv";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-csv", detail));
    }
    let mut body = body.into_data_stream();
    let mut head = Head::new(asked.delimiter);
    while !head.is_whole() {
        let Some(chunk) = next(&mut body).await? else {
            head.end();
            break;
        };
        head.push(&chunk);
    }
    let begun = Import::begin(&ctx, head, &asked).await?;
    let Some(mut import) = begun.fresh else {
        return Ok(reply::once(Once::<ImportView> { answer: begun.answer, fresh: None }, |view| view));
    };
    let (problem, reason) = loop {
        let failed = match next(&mut body).await {
            Ok(Some(chunk)) => match app.gate.require_still(&ctx).await {
                Ok(()) => import.push(&chunk).await.err(),
                Err(error) => {
                    let reason = "whoever sent it may not any longer; the rows before are there";
                    break (Problem::from(error), Some(reason));
                }
            },
            Ok(None) => match import.finish().await {
                Ok(view) => {
                    let once = Once { answer: begun.answer, fresh: Some(view) };
                    return Ok(reply::once(once, |view| view));
                }
                Err(error) => Some(error),
            },
            Err(problem) => match import.keep().await {
                Ok(()) => break (problem, None),
                Err(error) => Some(error),
            },
        };
        if let Some(error) = failed {
            break (error.into(), None);
        }
    };
    // Upkeep closes what cannot be closed now.
    if let Err(error) = import.interrupt(reason.unwrap_or(&problem.detail)).await {
        tracing::warn!(%error, "an import that failed could not be closed");
    }
    Err(problem)
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

/// The imports, newest first. Whoever sees only some leads sees the imports that they began themselves.
#[utoipa::path(get, path = "/api/v1/leads/imports", tag = "leads", params(Paging),
    responses((status = 200, body = Page<ImportView>)))]
pub async fn list_imports(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ImportView>>, Problem> {
    let window = paging.window()?;
    let rows = report::list(&ctx, window.before.map(ImportId), window.rows).await?;
    Ok(Body(window.page(rows, |import| import.id.0)))
}

/// How an import went.
#[utoipa::path(get, path = "/api/v1/leads/imports/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportView)))]
pub async fn get_import(Caller(ctx): Caller, Path(id): Path<ImportId>) -> Result<Body<ImportView>, Problem> {
    Ok(Body(report::get(&ctx, id).await?))
}
