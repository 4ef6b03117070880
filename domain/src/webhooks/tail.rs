//! Reading the log for endpoints: once for those of a tenant that stand at about the same place. What is found, the jobs
//! that deliver it and the places up to which was read commit together under the locks of the endpoints, so no event is
//! left out and none has two deliveries, whoever dies. Several processes may read: who finds an endpoint locked goes on
//! without it.

use engine::log::{self, Entry};
use uuid::Uuid;

use super::{
    BATCH, MOST_WAITING, enqueue,
    part::Part,
    store::{self, NewDeliveries},
};
use crate::{
    Ctx,
    ctx::Platform,
    error::Result,
    tenancy::SystemTx,
    types::{TenantId, WebhookId},
};

/// An endpoint for which there is more in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lagging {
    pub tenant: TenantId,
    pub webhook: WebhookId,
}

impl Lagging {
    /// What stands before all of them.
    pub const NONE: Self = Self { tenant: TenantId(Uuid::nil()), webhook: WebhookId(Uuid::nil()) };
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// There may be more.
    More,
    /// It has come to the end.
    Over,
    /// So much waits for the endpoint that nothing more is read until some of it has ended.
    Full,
    /// Somebody else holds it, or it is told nothing.
    Held,
}

/// The next endpoints, over all tenants, for which there is something to read, after one of them.
///
/// # Errors
/// If the database does not answer.
pub async fn lagging(platform: &Platform, after: Lagging, limit: i64) -> Result<Vec<Lagging>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::lagging(tx.conn(), after, limit).await
}

/// Reads the next part of the log for endpoints of a tenant: for those that stand furthest behind, and for all others
/// that it reaches. Answers what came of it for each of these, at least one; the rest is to be asked for again.
///
/// # Errors
/// If the database does not answer; nothing of the part is written then.
pub async fn advance(ctx: &Ctx, webhooks: &[WebhookId]) -> Result<Vec<(WebhookId, Advanced)>> {
    let mut tx = ctx.begin().await?;
    let standing = store::try_lock_endpoints(tx.conn(), ctx.tenant, webhooks).await?;
    let is_held = |id: &&WebhookId| standing.iter().all(|one| one.id != **id);
    let mut done: Vec<_> = webhooks.iter().filter(is_held).map(|id| (*id, Advanced::Held)).collect();
    let Some(from) = standing.iter().map(|one| one.from_sequence).min() else { return Ok(done) };
    let entries = log::replay(tx.conn(), ctx.tenant.0, from, BATCH).await?;
    let part = if entries.is_empty() {
        // Either they have come to the end, or nothing is kept of what came behind their places.
        let (oldest, newest) = log::ends(tx.conn(), ctx.tenant.0).await?;
        Part::lost(&standing, if oldest == 0 { newest } else { 0 })
    } else {
        Part::of(&standing, &entries, usize::try_from(BATCH).unwrap_or(usize::MAX))
    };
    if part.shares.is_empty() {
        done.extend(standing.iter().map(|one| (one.id, Advanced::Over)));
        return Ok(done);
    }
    let wanting: Vec<WebhookId> =
        part.shares.iter().filter(|share| !share.wanted.is_empty()).map(|share| share.webhook).collect();
    let full = store::full(tx.conn(), ctx.tenant, &wanting, MOST_WAITING).await?;
    let mut moved = Vec::with_capacity(part.shares.len());
    for share in part.shares {
        if full.contains(&share.webhook) {
            done.push((share.webhook, Advanced::Full));
            continue;
        }
        if let Some((first, last)) = share.gap {
            tracing::warn!(
                tenant.id = %ctx.tenant, webhook.id = %share.webhook, first, last,
                "the log was dropped before it was read for a webhook"
            );
        }
        if !share.wanted.is_empty() {
            let new = fresh(ctx, share.wanted);
            let put = store::insert_deliveries(tx.conn(), ctx.tenant, share.webhook, &new).await?;
            enqueue(&mut tx, share.webhook, &put).await?;
        }
        done.push((share.webhook, if part.more { Advanced::More } else { Advanced::Over }));
        moved.push((share.webhook, share.gap));
    }
    store::move_on(tx.conn(), ctx.tenant, part.to, &moved).await?;
    tx.commit().await?;
    Ok(done)
}

/// The entries that an endpoint is told of.
pub(super) fn found<'e>(
    ctx: &Ctx,
    types: &[String],
    entries: impl IntoIterator<Item = &'e Entry>,
) -> NewDeliveries {
    fresh(ctx, entries.into_iter().filter(|entry| types.contains(&entry.kind)))
}

/// Deliveries of these entries.
fn fresh<'e>(ctx: &Ctx, entries: impl IntoIterator<Item = &'e Entry>) -> NewDeliveries {
    let mut new = NewDeliveries::default();
    for entry in entries {
        new.ids.push(ctx.id());
        new.jobs.push(ctx.id());
        new.sequences.push(entry.seq);
        new.types.push(entry.kind.clone());
    }
    new
}
