//! Reading the log for endpoints. What is found, the jobs that deliver it and the place up to which was read commit
//! together under the lock of the endpoint, so no event is left out and none has two deliveries, whoever dies. Several
//! processes may read: who finds an endpoint locked goes on to the next.

use engine::log::{self, Entry};
use uuid::Uuid;

use super::{
    BATCH, MOST_WAITING, enqueue,
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

/// Reads the next part of the log for an endpoint.
///
/// # Errors
/// If the database does not answer; nothing of the part is written then.
pub async fn advance(ctx: &Ctx, webhook: WebhookId) -> Result<Advanced> {
    let mut tx = ctx.begin().await?;
    let Some(reading) = store::try_lock_endpoint(tx.conn(), ctx.tenant, webhook).await? else {
        return Ok(Advanced::Held);
    };
    if store::waiting(tx.conn(), ctx.tenant, webhook, MOST_WAITING).await? >= MOST_WAITING {
        return Ok(Advanced::Full);
    }
    let from = reading.from_sequence;
    let entries = log::replay(tx.conn(), ctx.tenant.0, from, BATCH).await?;
    let (to, gap) = match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => (last.seq, left_out(from, first.seq)),
        // Either it has come to the end, or nothing is kept of what came behind its place.
        _ => match log::ends(tx.conn(), ctx.tenant.0).await? {
            (0, newest) if newest > from => (newest, left_out(from, newest + 1)),
            _ => return Ok(Advanced::Over),
        },
    };
    if let Some((first, last)) = gap {
        tracing::warn!(
            tenant.id = %ctx.tenant, webhook.id = %webhook, first, last,
            "the log was dropped before it was read for a webhook"
        );
    }
    let new = found(ctx, &reading.types, &entries);
    let put = store::insert_deliveries(tx.conn(), ctx.tenant, webhook, &new).await?;
    enqueue(&mut tx, webhook, &put).await?;
    store::move_on(tx.conn(), ctx.tenant, webhook, to, gap).await?;
    tx.commit().await?;
    let full = i64::try_from(entries.len()).unwrap_or(i64::MAX) >= BATCH;
    Ok(if full { Advanced::More } else { Advanced::Over })
}

/// The first and the last place between the one up to which was read and the next that there is.
fn left_out(read: i64, next: i64) -> Option<(i64, i64)> {
    (next > read + 1).then_some((read + 1, next - 1))
}

/// The entries that an endpoint is told of.
pub(super) fn found<'e>(
    ctx: &Ctx,
    types: &[String],
    entries: impl IntoIterator<Item = &'e Entry>,
) -> NewDeliveries {
    let mut new = NewDeliveries::default();
    for entry in entries.into_iter().filter(|entry| types.contains(&entry.kind)) {
        new.ids.push(ctx.id());
        new.jobs.push(ctx.id());
        new.sequences.push(entry.seq);
        new.types.push(entry.kind.clone());
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_places_is_left_out() {
        for (read, next, gap) in [(0, 1, None), (4, 5, None), (4, 6, Some((5, 5))), (0, 9, Some((1, 8)))] {
            assert_eq!(left_out(read, next), gap, "{read} {next}");
        }
    }
}
