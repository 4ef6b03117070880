//! The jobs of the archive.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Ctx,
    error::{Error, Result},
    tenancy::TenantTx,
    types::TenantId,
    upkeep::ITSELF,
};

/// Shared with upkeep and operators' work: all of it goes on for minutes and nobody waits for it.
const QUEUE: &str = "operations";
/// A month of a large tenant, several times over. A step that is cut off goes on with the archive it was at.
const LONG: Duration = Duration::from_hours(1);
/// Storage that is away for a night is waited for.
const PATIENT: i16 = 50;

/// The workflow: what is past its keeping goes to the archive. In the product's own tenant it is about all tenants.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ArchiveLogs {}

impl JobKind for ArchiveLogs {
    const KIND: &'static str = "archive_logs";
    const QUEUE: &'static str = QUEUE;
    const WATCHED: bool = true;
}

/// Its first step: says which months go, and writes their files.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WriteArchives {}

impl JobKind for WriteArchives {
    const KIND: &'static str = "write_archives";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = LONG;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// The second: reads the files back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CheckArchives {}

impl JobKind for CheckArchives {
    const KIND: &'static str = "check_archives";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = LONG;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// The third: drops what was read back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct DropArchived {}

impl JobKind for DropArchived {
    const KIND: &'static str = "drop_archived";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = LONG;
    const MAX_ATTEMPTS: i16 = PATIENT;
}

/// Begins the workflow for all tenants, once a month.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct BeginArchive {}

impl JobKind for BeginArchive {
    const KIND: &'static str = "begin_archive";
    const QUEUE: &'static str = QUEUE;
}

/// Brings the rows of an archive back, so that they are found beside the live ones.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RestoreArchive {
    pub archive: Uuid,
}

impl JobKind for RestoreArchive {
    const KIND: &'static str = "restore_archive";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = LONG;
    const WATCHED: bool = true;
}

/// Whom a job of this tenant is about: only it, or all if it is the product's own.
#[must_use]
pub fn about(tenant: TenantId) -> Option<TenantId> {
    Some(tenant).filter(|tenant| *tenant != ITSELF)
}

/// Begins the workflow, if none of the tenant goes on. Answers the run.
pub(super) async fn begin(ctx: &Ctx, tx: &mut TenantTx) -> Result<Uuid> {
    let first = NewJob::of(ctx.tenant.0, ctx.id(), &ArchiveLogs {}).map_err(Error::internal)?;
    Ok(tx.start_workflow(first.unique(ArchiveLogs::KIND)).await?.id)
}
