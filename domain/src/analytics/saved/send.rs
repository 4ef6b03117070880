//! A saved report is sent by hand.

use engine::NewJob;
use serde_json::json;
use uuid::Uuid;

use super::{
    store,
    work::{DeliverReport, business_key},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once},
    types::SavedReportId,
};

/// What it takes to send one, by whatever way: a mail gives a file out.
pub(crate) const PERMISSIONS: &[Permission] =
    &[Permission::SavedReportsWrite, Permission::AnalyticsExport, Permission::MessagesSend];

/// Sends it to its recipients now. Answers the run.
///
/// # Errors
/// If a permission is missing, there is none of this id, or a conflict if it has no recipients.
pub async fn now(ctx: &Ctx, id: SavedReportId) -> Result<Once<Uuid>> {
    PERMISSIONS.iter().try_for_each(|permission| ctx.require(*permission))?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("saved report"))?;
    if store::recipients(tx.conn(), ctx.tenant, &[id]).await?.is_empty() {
        return Err(Error::conflict("no-recipients", "it is sent to nobody; name recipients first"));
    }
    let first = NewJob::of(ctx.tenant.0, ctx.id(), &DeliverReport { report: id }).map_err(Error::internal)?;
    let run = tx.start_workflow(first.about(business_key(id))).await?.id;
    tx.audit(&[Entry::new("send", "saved_report", id).detail(json!({ "operation": run }))]).await?;
    keyed.commit(run, 202, format!("/api/v1/operations/{run}")).await
}
