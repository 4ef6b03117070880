//! Which leads a job is about: those of an import, or all.

use super::store;
use crate::{
    Ctx,
    error::{Error, Result},
    tenancy::TenantTx,
    types::ImportId,
};

/// Refuses an import that is not there.
///
/// # Errors
/// If it is not there.
pub(crate) async fn known(tx: &mut TenantTx, import: Option<ImportId>) -> Result<()> {
    let Some(import) = import else { return Ok(()) };
    let tenant = tx.tenant;
    let found = store::imports(tx.conn(), tenant, Some(import), None, None, 1).await?.pop();
    found.map(drop).ok_or_else(|| Error::invalid("/import_id", "there is no such import"))
}

/// How many leads a selection holds.
///
/// # Errors
/// If the database does not answer.
pub async fn size(ctx: &Ctx, import: Option<ImportId>) -> Result<i64> {
    let mut tx = ctx.begin().await?;
    store::count(tx.conn(), ctx.tenant, import).await
}
