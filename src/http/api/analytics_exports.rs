//! Rows and reports as files that people take out.

use axum::{
    Json as Body,
    body::Body as Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    analytics::export::{
        self, CallColumn, CallSelection, Download, ExportView, FileFormat, FileState, LeadColumn,
        MessageColumn, MessageSelection, RecipientColumn, RecipientSelection, ReportDays,
        ask::{self, Wanted},
        link::{self, FileLink},
    },
    types::AnalyticsExportId,
};
use futures::stream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lead_actions::LeadFilter;
use crate::http::{
    Shared,
    extract::{Caller, Json, Path, Query},
    page::{Page, Window},
    problem::{Problem, request_id},
    reply,
};

/// What is wanted as a file, and in which form. Of rows those that fit everything that their filter says; `columns` names
/// those that are wanted, in their order: all if none is named.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = NewAnalyticsExport)]
pub enum NewExport {
    Leads {
        #[serde(default = "csv")]
        #[schema(required = false)]
        format: FileFormat,
        filter: Option<LeadFilter>,
        columns: Option<Vec<LeadColumn>>,
    },
    Calls {
        #[serde(default = "csv")]
        #[schema(required = false)]
        format: FileFormat,
        filter: Option<CallSelection>,
        columns: Option<Vec<CallColumn>>,
    },
    Messages {
        #[serde(default = "csv")]
        #[schema(required = false)]
        format: FileFormat,
        filter: Option<MessageSelection>,
        columns: Option<Vec<MessageColumn>>,
    },
    Recipients {
        #[serde(default = "csv")]
        #[schema(required = false)]
        format: FileFormat,
        filter: RecipientSelection,
        columns: Option<Vec<RecipientColumn>>,
    },
    Report {
        #[serde(default = "csv")]
        #[schema(required = false)]
        format: FileFormat,
        report: ReportDays,
    },
}

fn csv() -> FileFormat {
    FileFormat::Csv
}

impl NewExport {
    fn read(self) -> Result<(Wanted, FileFormat), Problem> {
        Ok(match self {
            Self::Leads { format, filter, columns } => {
                let filter = filter.map(|filter| filter.read_below("")).transpose()?.unwrap_or_default();
                (Wanted::Leads { filter, columns }, format)
            }
            Self::Calls { format, filter, columns } => {
                (Wanted::Calls { selection: filter.unwrap_or_default(), columns }, format)
            }
            Self::Messages { format, filter, columns } => {
                (Wanted::Messages { selection: filter.unwrap_or_default(), columns }, format)
            }
            Self::Recipients { format, filter, columns } => {
                (Wanted::Recipients { selection: filter, columns }, format)
            }
            Self::Report { format, report } => (Wanted::Report { report }, format),
        })
    }
}

/// What was begun.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsExportBegun)]
pub struct ExportBegun {
    /// The operation.
    pub id: Uuid,
    /// The file, once it is written.
    pub export_id: AnalyticsExportId,
}

/// Have a file written: of leads, calls, messages, recipients of a campaign, or of a report. It is written by an operation,
/// out of one snapshot of the database, so it is right as of one moment; `result` of the operation names the export, of which
/// `POST /api/v1/analytics/exports/{id}/link` gives a link. It is kept for 72 hours, sealed. In a spreadsheet a cell that would be
/// taken for a formula begins with an apostrophe, and numbers stay numbers. Without `personal:read` names, numbers and
/// addresses are masked, and notes left out. It is about all leads, so whoever sees only some cannot ask for it; whoever is
/// restricted (GDPR Art. 18) is not in it. Three files of a tenant are written at a time.
#[utoipa::path(post, path = "/api/v1/analytics/export", tag = "analytics", request_body = NewExport,
    responses((status = 202, body = ExportBegun)))]
pub async fn begin_export(Caller(ctx): Caller, Json(new): Json<NewExport>) -> Result<Response, Problem> {
    let (wanted, format) = new.read()?;
    let asked = ask::ask(&ctx, wanted, format).await?;
    Ok(reply::once(asked, |asked| ExportBegun { id: asked.operation, export_id: asked.id }))
}

/// Which files, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportsQuery {
    #[param(inline)]
    pub state: Option<FileState>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// The files, newest first; what was taken out is listed for 90 days after its file is gone.
#[utoipa::path(get, path = "/api/v1/analytics/exports", tag = "analytics", params(ExportsQuery),
    responses((status = 200, body = Page<ExportView>)))]
pub async fn list_exports(
    Caller(ctx): Caller,
    Query(query): Query<ExportsQuery>,
) -> Result<Body<Page<ExportView>>, Problem> {
    let window = Window::of(query.cursor.as_deref(), query.limit)?;
    let rows = export::list(&ctx, query.state, window.before.map(AnalyticsExportId), window.rows).await?;
    Ok(Body(window.page(rows, |export| export.id.0)))
}

/// One file, and how far it is.
#[utoipa::path(get, path = "/api/v1/analytics/exports/{id}", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 200, body = ExportView)))]
pub async fn get_analytics_export(
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
) -> Result<Body<ExportView>, Problem> {
    Ok(Body(export::get(&ctx, id).await?))
}

/// A fresh link to a file, which is good for 24 hours and needs no login, and no longer than whoever made it may have the file. Of one that holds what is known of people in full
/// it takes `personal:read`, and of rows the right to see such.
#[utoipa::path(post, path = "/api/v1/analytics/exports/{id}/link", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 200, body = FileLink)))]
pub async fn create_file_link(
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
) -> Result<Body<FileLink>, Problem> {
    Ok(Body(link::issue(&ctx, id).await?))
}

/// Take a file away before its time, or have it not written any more. Links to it are good no longer.
#[utoipa::path(delete, path = "/api/v1/analytics/exports/{id}", tag = "analytics", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_analytics_export(
    Caller(ctx): Caller,
    Path(id): Path<AnalyticsExportId>,
) -> Result<StatusCode, Problem> {
    link::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file that a link is for. One that could not be ended breaks off with its connection.
#[utoipa::path(get, path = "/files/{token}", tag = "analytics", params(("token" = String, Path)),
    responses((status = 200, content((String = "text/csv"), (String = "application/json"),
        (String = "application/x-ndjson"), (String = "application/pdf")))))]
pub async fn fetch_file(State(app): Shared, Path(token): Path<String>) -> Result<Response, Problem> {
    let (ctx, export, by) = app.gate.admit_file_reader(&token, request_id()).await?;
    let file = Download::begin(&ctx, export, by).await?;
    let headers = [
        (header::CONTENT_TYPE, file.format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)),
        (header::CONTENT_LENGTH, file.size.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    let pieces = stream::try_unfold((file, ctx.trace), |(mut file, trace)| async move {
        let piece = file.piece().await.inspect_err(|error| {
            tracing::warn!(%error, request_id = trace.as_deref().unwrap_or_default(), "a file broke off");
        })?;
        Ok::<_, Error>(piece.map(|piece| (piece, (file, trace))))
    });
    Ok((headers, Bytes::from_stream(pieces)).into_response())
}
