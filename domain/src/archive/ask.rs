//! Archiving that is asked for: what would go, or the run by which it goes.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    plan::{Due, of_tenant},
    work,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::Result,
    tenancy::{Begun, Once, SystemTx},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveRequest {
    /// Only tell what would go.
    #[serde(default)]
    pub dry_run: bool,
}

/// What goes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ArchiveAnswer {
    /// The run of the workflow `archive_logs`; none of a dry run. Rows leave the database with the months that all tenants
    /// of the installation have archived.
    pub run_id: Option<Uuid>,
    /// Months that are past their keeping. Those with open rows stay until these are settled.
    pub due: Vec<Due>,
}

/// What of the caller's tenant would go to the archive; nothing does.
///
/// # Errors
/// If the permission is missing or the database refuses.
pub async fn dry_run(ctx: &Ctx) -> Result<ArchiveAnswer> {
    ctx.require(Permission::AuditArchive)?;
    Ok(ArchiveAnswer { run_id: None, due: due(ctx, true).await? })
}

/// Begins a run that archives what is past its keeping; one that goes on already is answered.
///
/// # Errors
/// If the permission is missing or the database refuses.
pub async fn archive(ctx: &Ctx) -> Result<Once<ArchiveAnswer>> {
    ctx.require(Permission::AuditArchive)?;
    // Before the transaction of the answer, which may not lie idle; and without counting, which takes long.
    let due = due(ctx, false).await?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let run = work::begin(ctx, &mut keyed.tx).await?;
    let detail = json!({ "run_id": run, "months": due.len() });
    keyed.tx.audit(&[Entry::new("archive", "audit_log", "").detail(detail).notice()]).await?;
    let answer = ArchiveAnswer { run_id: Some(run), due };
    keyed.commit(answer, 202, format!("/api/v1/workflows/{run}")).await
}

/// Begins a run for all tenants, as the product itself.
///
/// # Errors
/// If the database refuses.
pub async fn begin(ctx: &Ctx) -> Result<Uuid> {
    let ctx = ctx.by_itself();
    let mut tx = ctx.begin().await?;
    let run = work::begin(&ctx, &mut tx).await?;
    tx.commit().await?;
    Ok(run)
}

async fn due(ctx: &Ctx, counted: bool) -> Result<Vec<Due>> {
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    of_tenant(tx.conn(), ctx.tenant, counted).await
}
