//! The audit log as a file, written as it is read.

use axum::{extract::State, response::Response};
use domain::{
    Ctx,
    audit::{
        Severity,
        export::{Export, ExportFormat},
        read::Filter,
    },
    moment::Moment,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{BACK, denied, range};
use crate::http::{
    Shared,
    download::{Pieces, attached},
    extract::{Caller, Query},
    problem::Problem,
};

/// Which entries, and in which form.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// From this instant; 31 days before `to` if not said.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Before this instant; now if not said. At most 366 days after `from`.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
    /// A user or a key.
    pub actor_id: Option<Uuid>,
    /// For example `create`, `update`, `delete`, `read`, `login`.
    pub action: Option<String>,
    /// For example `lead`, `user`, `role`.
    pub resource: Option<String>,
    pub resource_id: Option<String>,
    /// `done` or `denied`.
    pub outcome: Option<String>,
    /// `notice`, `warning` or `critical` of what concerns security.
    #[param(value_type = Option<String>)]
    pub severity: Option<Severity>,
    /// `csv`, which it is if not said, or `jsonl`.
    #[param(value_type = Option<String>)]
    pub format: Option<ExportFormat>,
}

/// The audit log as a file, oldest first: all that was sealed of each entry, with its place in the chain and its hash.
/// `csv` is for spreadsheets, a cell that one would take for a formula begins with an apostrophe there; `jsonl` holds
/// every entry as its hash was taken. A file that could not be ended breaks off with its connection.
#[utoipa::path(get, path = "/api/v1/compliance/audit-logs/export", tag = "compliance", params(ExportQuery),
    responses((status = 200, content((String = "text/csv"), (String = "application/jsonl")))))]
pub async fn export_audit_logs(
    State(app): Shared,
    Caller(ctx): Caller,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let (from, to) = range(ctx.now(), query.from, query.to, BACK);
    let filter = Filter {
        actor: query.actor_id,
        action: query.action,
        resource: query.resource,
        resource_id: query.resource_id,
        denied: denied(query.outcome.as_deref())?,
        severity: query.severity,
        ..Filter::between(from, to)
    };
    let format = query.format.unwrap_or_default();
    let kind = match format {
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::Jsonl => "application/jsonl",
    };
    let export = Export::begin(&ctx, filter, format).await?;
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
