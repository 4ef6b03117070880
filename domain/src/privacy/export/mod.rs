//! All that is held of somebody, as a file for them (GDPR Art. 15(3) and 20): an archive of one table for spreadsheets and one
//! JSON file for each kind of record, and a page that explains them.
//!
//! What is in it the [`manifest`] says. It is made by the workflow [`ExportSubject`], a page of rows at a time, and a process
//! that dies leaves nothing: the next one begins anew. It lies in storage sealed and for some days only, and is fetched by
//! a link that needs no login.
//!
//! - [`Writer`] writes it, `archive` how it is packed; [`Download`] reads it; [`link`] who may; `record` rows, `index` the page, pure
//! - `store` the table of exports, and the statement that reads all others

mod archive;
mod index;
pub mod link;
mod open;
mod record;
pub(super) mod store;
mod writer;

use std::time::Duration;

use engine::JobKind;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

pub use self::{open::Download, writer::Writer};

use super::manifest::{self, Table};
use crate::{
    ctx::Platform,
    error::{Error, Result},
    storage::{
        FileName,
        sealed::{self, Sealed},
    },
    tenancy::SystemTx,
    types::{ExportId, PrivacyRequestId, TenantId},
    vault::Place,
};

/// Whether a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ExportState {
    Writing,
    Ready,
    /// Its time is over, or it was given up.
    Gone,
}

/// The workflow that answers a request of access.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ExportSubject {
    pub request: PrivacyRequestId,
    pub export: ExportId,
}

impl JobKind for ExportSubject {
    const KIND: &'static str = "export_subject";
    const QUEUE: &'static str = QUEUE;
    const WATCHED: bool = true;
}

/// Its step: writes the file and answers the request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WriteExport {
    pub request: PrivacyRequestId,
    pub export: ExportId,
}

impl JobKind for WriteExport {
    const KIND: &'static str = "write_export";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = 20;
    const TIMEOUT: Duration = Duration::from_mins(30);
}

/// Few at a time: none is to take from what is sent and called.
const QUEUE: &str = "operations";

/// The tables whose rows go to somebody: those with columns that are exported, or all.
fn tables_of(staff: bool, exported: bool) -> impl Iterator<Item = &'static Table> {
    manifest::tables()
        .filter(move |table| index::concerns(table.who, staff))
        .filter(move |table| !exported || table.exported().next().is_some())
}

/// Where the key of an export's file lies.
fn key_place(tenant: TenantId, export: ExportId) -> Place {
    Place { tenant, table: "privacy_exports", column: "key_sealed", row: export.0 }
}

/// What the file of an export is.
fn sealed_as(tenant: TenantId, export: ExportId) -> Sealed {
    Sealed { tenant, table: "privacy_exports", id: export.0 }
}

/// The folder of an export.
fn folder(export: ExportId) -> Result<FileName> {
    format!("exports/{}", export.0.simple()).parse().map_err(Error::internal)
}

/// Whether there is a tenant of this id, that is not the installation itself.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn is_tenant(conn: &mut PgConnection, tenant: TenantId) -> Result<bool> {
    store::is_tenant(conn, tenant).await
}

/// Takes away all that was written of an export.
///
/// # Errors
/// If storage does not answer.
pub(super) async fn take_away(platform: &Platform, tenant: TenantId, export: ExportId) -> Result<()> {
    sealed::take_away(platform, tenant, &folder(export)?).await
}

/// Takes some of the files away whose time is over. Answers how many; none when none is left.
///
/// # Errors
/// If the database or storage does not answer.
pub async fn forget_files(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let expired = store::expired(tx.conn(), 100).await?;
    drop(tx);
    for (tenant, export) in &expired {
        take_away(platform, *tenant, *export).await?;
        let mut tx = SystemTx::begin(&platform.engine).await?;
        store::gone(tx.conn(), *tenant, *export).await?;
        tx.commit().await?;
    }
    Ok(expired.len() as u64)
}
