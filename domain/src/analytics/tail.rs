//! Reading the log for figures. Of each call and lead that it names, what is counted now is compared with what was counted
//! before, and the difference is added; the place up to which was read commits with it. So what is told twice, late or in
//! another order changes nothing that it should not, and what is corrected, merged or erased comes out right. The audit log
//! is read along, by its own numbers.
//!
//! Several processes may read: who finds a tenant's position locked goes on without it.

use engine::NewJob;

use super::{
    rebuild::{KEY, RebuildRollups},
    store::{self, Position},
};
use crate::{
    Ctx,
    ctx::Platform,
    error::{Error, Result},
    tenancy::SystemTx,
    types::TenantId,
};

/// Entries of the log that are read in one transaction, and of the audit log.
const BATCH: i64 = 5_000;
const ACTIONS: i32 = 10_000;

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// There may be more.
    More,
    /// It has come to the end.
    Over,
    /// Somebody else reads.
    Held,
}

/// The next tenants for whom there is something to read, after one of them.
///
/// # Errors
/// If the database does not answer.
pub async fn behind(platform: &Platform, after: TenantId, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::behind(tx.conn(), after, limit).await
}

/// Reads the next part for the tenant of a context.
///
/// # Errors
/// If the database does not answer; nothing of the part is written then.
pub async fn advance(ctx: &Ctx) -> Result<Advanced> {
    let mut tx = ctx.begin().await?;
    let Some(held) = store::try_lock(tx.conn(), ctx.tenant).await? else { return Ok(Advanced::Held) };
    let part = store::next_part(tx.conn(), ctx.tenant, held.sequence, BATCH).await?;
    let more = part.last.is_some_and(|last| last < part.head);
    // Some was dropped before it was read, before this part or amid it: what was lost with it is found by going through
    // everything.
    let gap = match part.first.zip(part.last) {
        Some((first, last)) => first > held.sequence + 1 || last - first + 1 > part.entries,
        None => part.head > held.sequence,
    };
    let moved = Position {
        sequence: part.last.unwrap_or(part.head).max(held.sequence),
        audit_sequence: held.audit_sequence,
        rebuild_wanted: held.rebuild_wanted || gap,
    };
    store::take_in(tx.conn(), ctx.tenant, &part.calls, &part.leads).await?;
    let until = if more { part.at.unwrap_or(part.now) } else { part.now };
    let more_actions = store::move_on(tx.conn(), ctx.tenant, &moved, until, ACTIONS).await?;
    if moved.rebuild_wanted {
        let job = NewJob::of(ctx.tenant.0, ctx.id(), &RebuildRollups {}).map_err(Error::internal)?;
        tx.enqueue(&[job.unique(KEY)]).await?;
    }
    tx.commit().await?;
    Ok(if more || more_actions { Advanced::More } else { Advanced::Over })
}
