//! Rows and reports as files that people take out: leads, calls, messages, recipients of campaigns, reports.
//!
//! A file is asked for ([`ask`]) and written by a job ([`write`](mod@write)) out of one snapshot of the database, a page of rows at a time,
//! so that it is right as of one moment and no file is too large. It lies in storage sealed under a key of its own
//! ([`storage::sealed`](crate::storage::sealed)), for some hours, and is fetched by a link that needs no login ([`link`],
//! [`Download`]). An attempt that dies leaves nothing that anybody is given: the next one begins anew, from a fresh snapshot.
//!
//! What is known of people is masked for whoever may not see it. Who was erased is in no file that is made afterwards, and
//! files in which they may be end with them (`erase`, by `people`).
//!
//! - `rights` who may have a file
//! - `source` what there is to take out; `report` a report as a file, [`printer`] its pages; `sheet` rows as text, pure
//! - `over` what ends by itself; `store` the table

pub mod ask;
mod attempt;
mod download;
pub(crate) mod erase;
pub mod link;
pub mod over;
mod people;
pub mod printer;
mod report;
mod rights;
mod sheet;
pub mod source;
pub(in crate::analytics) mod store;
pub mod write;

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::JobKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    download::Download,
    report::{ReportDays, at_once},
    source::{
        CallColumn, CallSelection, LeadColumn, MessageColumn, MessageSelection, RecipientColumn,
        RecipientSelection,
    },
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    leads::export::rows::Selection,
    storage::{FileName, sealed::Sealed},
    types::{AnalyticsExportId, TenantId},
    vault::Place,
    words::words,
};

words! {
    /// How a file is written.
    FileFormat {
        /// Comma-separated values (RFC 4180) with a header line, for spreadsheets: a cell that one would take for a formula
        /// begins with an apostrophe, and numbers stay numbers.
        Csv = "csv",
        /// One list of JSON objects.
        Json = "json",
        /// A JSON object a line.
        Ndjson = "ndjson",
        /// Pages to print. Of reports only.
        Pdf = "pdf",
    }
}

impl FileFormat {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Pdf => "application/pdf",
        }
    }
}

/// Whether a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AnalyticsExportState)]
pub enum FileState {
    Writing,
    Ready,
    Gone,
}

/// Why a file is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AnalyticsExportGoneWhy)]
pub enum GoneWhy {
    /// Its time is over.
    Expired,
    /// Somebody took it away.
    Deleted,
    /// It could not be written, or its job was cancelled.
    Failed,
    /// Somebody who may have been in it was erased. It can be asked for again.
    Erased,
    /// Somebody who may be in it was restricted (GDPR Art. 18). It can be asked for again, without them.
    Restricted,
}

/// A file that somebody took out, or is to get.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AnalyticsExport)]
pub struct ExportView {
    pub id: AnalyticsExportId,
    /// `leads`, `calls`, `messages`, `recipients` or `report`.
    pub what: String,
    /// `csv`, `json`, `ndjson` or `pdf`.
    pub format: String,
    pub state: FileState,
    /// It holds what is known of people in full.
    pub personal: bool,
    /// The user or key that asked for it; null for the product itself.
    pub asked_by: Option<Uuid>,
    /// The operation that writes it; of a report that is sent, the job.
    pub operation_id: Uuid,
    pub rows: Option<i64>,
    /// In bytes.
    pub size: Option<i64>,
    /// Of the file as it is fetched, in hexadecimal digits.
    pub sha256: Option<String>,
    /// As of when everything in it is.
    pub snapshot_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub ready_at: Option<DateTime<Utc>>,
    /// When it is taken away.
    pub expires_at: Option<DateTime<Utc>>,
    pub gone_at: Option<DateTime<Utc>>,
    pub gone_why: Option<GoneWhy>,
    /// How often it was fetched.
    pub downloads: i32,
}

/// What was asked for, as its row keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(in crate::analytics) enum Spec {
    Leads { selection: Selection, columns: Option<Vec<LeadColumn>> },
    Calls { selection: CallSelection, columns: Option<Vec<CallColumn>> },
    Messages { selection: MessageSelection, columns: Option<Vec<MessageColumn>> },
    Recipients { selection: RecipientSelection, columns: Option<Vec<RecipientColumn>> },
    Report { report: ReportDays },
}

impl Spec {
    fn what(&self) -> &'static str {
        match self {
            Self::Leads { .. } => "leads",
            Self::Calls { .. } => "calls",
            Self::Messages { .. } => "messages",
            Self::Recipients { .. } => "recipients",
            Self::Report { .. } => "report",
        }
    }
}

/// The job that writes a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WriteFile {
    pub export: AnalyticsExportId,
}

impl JobKind for WriteFile {
    const KIND: &'static str = "write_file";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = 20;
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// Few at a time: none is to take from what is sent and called.
pub(in crate::analytics) const QUEUE: &str = "operations";

/// Who sees the list of files, and takes them away.
fn require(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::AnalyticsExport)?;
    ctx.require_all_rows()
}

/// Files, newest first, those with ids below `before`; in a state, if one is asked for.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    state: Option<FileState>,
    before: Option<AnalyticsExportId>,
    limit: i64,
) -> Result<Vec<ExportView>> {
    require(ctx)?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, None, state, before, limit).await
}

/// One of them.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: AnalyticsExportId) -> Result<ExportView> {
    require(ctx)?;
    let mut tx = ctx.begin().await?;
    let found = store::list(tx.conn(), ctx.tenant, Some(id), None, None, 1).await?.pop();
    found.ok_or(Error::NotFound("export"))
}

/// Where the key of a file lies.
fn key_place(tenant: TenantId, export: AnalyticsExportId) -> Place {
    Place { tenant, table: "analytics_exports", column: "key_sealed", row: export.0 }
}

/// What the file is.
fn sealed_as(tenant: TenantId, export: AnalyticsExportId) -> Sealed {
    Sealed { tenant, table: "analytics_exports", id: export.0 }
}

/// The folder of an export: its attempts write to names of their own.
fn folder(export: AnalyticsExportId) -> Result<FileName> {
    format!("analytics/{}", export.0.simple()).parse().map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_kept_as_it_was() {
        let leads = Spec::Calls {
            selection: CallSelection { status: None, ..CallSelection::default() },
            columns: Some(vec![CallColumn::Id, CallColumn::Number]),
        };
        let kept = serde_json::to_value(&leads).expect("JSON");
        assert_eq!((&kept["what"], &kept["columns"][1]), (&"calls".into(), &"number".into()));
        let read: Spec = serde_json::from_value(kept.clone()).expect("a spec");
        assert_eq!((read.what(), serde_json::to_value(&read).expect("JSON")), ("calls", kept));
    }
}
