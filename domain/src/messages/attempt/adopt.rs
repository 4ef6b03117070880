//! Messages that wait for a job that is not there any more: it was cancelled or discarded by hand, or ended while its
//! message was out. They are given another one, but for those of workflows that do not go on.

use super::hand_on;
use crate::{
    Ctx,
    ctx::Platform,
    error::Result,
    messages::{accept::first_of, of_run, send::SendMessage, store},
    tenancy::SystemTx,
    types::TenantId,
};

/// Messages that one turn looks after for a tenant.
const AT_A_TIME: i64 = 200;

/// Tenants that have such messages.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants_with_orphans(platform: &Platform, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants_with_orphans(tx.conn(), limit).await
}

/// Gives some of them a job again, and ends those whose workflow is over. Answers how many there were.
///
/// # Errors
/// If the database refuses.
pub async fn adopt(ctx: &Ctx) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let orphans = store::lock_orphans(tx.conn(), ctx.tenant, AT_A_TIME).await?;
    let found = orphans.len();
    let (over, orphans): (Vec<_>, Vec<_>) = orphans.into_iter().partition(|orphan| orphan.is_over);
    of_run::end(&mut tx, &over.iter().map(|orphan| orphan.id).collect::<Vec<_>>(), of_run::OVER).await?;
    let carriers = store::carriers(tx.conn(), ctx.tenant).await?;
    let mut handed = Vec::with_capacity(orphans.len());
    for orphan in &orphans {
        let by = orphan.provider.or_else(|| first_of(&carriers, orphan.channel));
        let mut job = SendMessage { message: orphan.id, of_step: false, by }.job(ctx)?;
        if let Some(at) = orphan.send_at {
            job = job.run_at(at);
        }
        handed.push((orphan.id, job));
    }
    hand_on(&mut tx, handed).await?;
    tx.commit().await?;
    Ok(found)
}
