//! Leads as a file, written as it is read.

use axum::{extract::State, response::Response};
use domain::{
    Ctx,
    leads::export::{Export, ExportFormat},
};
use serde::Deserialize;

use super::{lead_filter::lead_filter, leads::Asked};
use crate::http::{
    Shared,
    download::{Pieces, attached},
    extract::Caller,
    problem::Problem,
};

lead_filter! {
    /// Which leads, and in which form.
    #[derive(Deserialize, utoipa::IntoParams)]
    #[serde(deny_unknown_fields)]
    #[into_params(parameter_in = Query)]
    LeadExportQuery by param {
        /// The whole address; found by its blind index.
        email,
        /// The whole number in E.164; found by its blind index.
        phone,
        /// As `q` of the list of leads.
        q,
        /// `csv`, which it is if not said, or `ndjson`.
        #[param(value_type = Option<String>)]
        pub format: Option<ExportFormat>,
    }
}

/// The leads that the caller sees as a file, newest first, found as in the list (`attr.<name>=<value>` too). `ndjson`
/// holds a lead a line as the list shows it. `csv` is for spreadsheets: tags are joined by `|`, each defined attribute is
/// a column `attr.<name>`, and a cell that a spreadsheet would take for a formula begins with an apostrophe; numbers and
/// phone numbers stay as they are. An import reads its columns `name` to `tags` again and keeps the others as attributes
/// of their names. Without `personal:read` names, numbers, addresses and attributes are masked as in the list. A file
/// that could not be ended breaks off with its connection.
#[utoipa::path(get, path = "/api/v1/leads/export", tag = "leads", params(LeadExportQuery),
    responses((status = 200, content((String = "text/csv"), (String = "application/x-ndjson")))))]
pub async fn export_leads(
    State(app): Shared,
    Caller(ctx): Caller,
    Asked(query, attributes): Asked<LeadExportQuery>,
) -> Result<Response, Problem> {
    let format = query.format.unwrap_or_default();
    let kind = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Ndjson => "application/x-ndjson",
    };
    let export = Export::begin(&ctx, query.into_filter(attributes), format).await?;
    Ok(attached(app, kind, &export.name(), export))
}

impl Pieces for Export {
    fn ctx(&self) -> &Ctx {
        self.ctx()
    }

    async fn piece(&mut self) -> domain::Result<Option<Vec<u8>>> {
        self.piece().await
    }
}
