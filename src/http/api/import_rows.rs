//! What became of the rows of an import, page by page and as a file.

use axum::{Json as Body, extract::State, response::Response};
use domain::{
    Ctx,
    leads::import::{
        ImportRow, RowOutcome,
        report::{self, Download},
    },
    types::ImportId,
};
use serde::Deserialize;

use crate::http::{
    Shared,
    download::{Pieces, attached},
    extract::{Caller, Path, Query},
    page::{Page, Window},
    problem::Problem,
};

/// Which rows, and how many.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RowQuery {
    /// Only rows of which this became.
    #[param(inline)]
    pub outcome: Option<RowOutcome>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200, 50 if not said.
    pub limit: Option<u16>,
}

/// What became of each row, in the order of the file. It is kept as long as the tenant's `retention.imports_days` say.
#[utoipa::path(get, path = "/api/v1/leads/imports/{id}/rows", tag = "leads",
    params(("id" = Uuid, Path), RowQuery), responses((status = 200, body = Page<ImportRow>)))]
pub async fn list_import_rows(
    Caller(ctx): Caller,
    Path(id): Path<ImportId>,
    Query(query): Query<RowQuery>,
) -> Result<Body<Page<ImportRow>>, Problem> {
    let window = Window::<i64>::of(query.cursor.as_deref(), query.limit)?;
    let rows = report::rows(&ctx, id, query.outcome, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |row| row.line)))
}

/// Which rows.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DownloadQuery {
    /// Only rows of which this became.
    #[param(inline)]
    pub outcome: Option<RowOutcome>,
}

/// What became of each row, as a file for spreadsheets; a cell that one would take for a formula begins with an
/// apostrophe. A file that could not be ended breaks off with its connection.
#[utoipa::path(get, path = "/api/v1/leads/imports/{id}/rows/export", tag = "leads",
    params(("id" = Uuid, Path), DownloadQuery),
    responses((status = 200, content((String = "text/csv")))))]
pub async fn export_import_rows(
    State(app): Shared,
    Caller(ctx): Caller,
    Path(id): Path<ImportId>,
    Query(query): Query<DownloadQuery>,
) -> Result<Response, Problem> {
    let download = Download::begin(&ctx, id, query.outcome).await?;
    Ok(attached(app, "text/csv; charset=utf-8; header=present", &format!("import-{id}.csv"), download))
}

impl Pieces for Download {
    fn ctx(&self) -> &Ctx {
        self.ctx()
    }

    async fn piece(&mut self) -> domain::Result<Option<Vec<u8>>> {
        self.piece().await
    }
}
