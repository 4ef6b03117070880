//! Writing down which addresses are suppressed, and letting them go again: for whoever has a reason to.

use serde_json::json;

use super::{Reason, place};
use crate::{
    Ctx,
    audit::Entry,
    error::Result,
    events::{Event, EventType},
    messages::{
        provider::{Channel, Scope},
        store,
    },
    tenancy::TenantTx,
    types::{MessageId, SubjectId, SuppressionId},
    vault::Vault,
};

/// An address that is not to be written to any more.
pub struct Fresh {
    pub channel: Channel,
    pub scope: Scope,
    pub reason: Reason,
    /// The message that it came of.
    pub message: Option<MessageId>,
    /// Under whose key the address is sealed; not at all once they were erased.
    pub subject: SubjectId,
    pub to: String,
    /// `messages.to` of it.
    pub to_index: Vec<u8>,
}

/// Suppresses addresses. One that is suppressed already in the same scope stays as it is.
///
/// # Errors
/// If the database refuses.
pub async fn put(ctx: &Ctx, tx: &mut TenantTx, new: &[Fresh]) -> Result<()> {
    let with_ids: Vec<(SuppressionId, &Fresh)> =
        new.iter().map(|one| (SuppressionId(ctx.id()), one)).collect();
    insert(ctx, tx, with_ids).await
}

/// The same under ids that are given.
pub(super) async fn insert(
    ctx: &Ctx,
    tx: &mut TenantTx,
    mut new: Vec<(SuppressionId, &Fresh)>,
) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    // One order for all who write several, so that no two wait for one another; and each place once, for a statement
    // cannot meet its own rows.
    new.sort_by_cached_key(|(_, one)| key(one));
    new.dedup_by_key(|(_, one)| key(one));
    let subjects: Vec<SubjectId> = new.iter().map(|(_, one)| one.subject).collect();
    // Who was erased gets no key again: the index is enough, as it is for whose key cannot be read.
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut rows = Vec::with_capacity(new.len());
    for (id, one) in new {
        let sealed = if keys.seals(one.subject) {
            keys.seal(&ctx.platform, one.subject, &place(ctx.tenant, id), &one.to)?
        } else {
            Vec::new()
        };
        rows.push(store::NewSuppressionRow { id, fresh: one, sealed });
    }
    let put = store::put_suppressions(tx.conn(), ctx.tenant, &rows).await?;
    let (mut entries, mut events) = (Vec::new(), Vec::new());
    for one in put.iter().filter(|one| !one.fresh) {
        // Another reason has taken the place of the person's own.
        let detail = json!({ "reason": one.reason, "message_id": one.message_id });
        entries.push(Entry::new("update", "suppression", one.id).detail(detail));
    }
    for row in rows.iter().filter(|row| put.iter().any(|one| one.fresh && one.id == row.id)) {
        let one = row.fresh;
        let detail = json!({
            "channel": one.channel, "scope": one.scope, "reason": one.reason, "message_id": one.message,
        });
        entries.push(Entry::new("create", "suppression", row.id).detail(detail.clone()));
        events.push(Event::new(EventType::SuppressionAdded, "suppression", row.id).with(detail));
    }
    tell(tx, &entries, &events).await
}

/// Lets an address be written to again, as far as it was suppressed for one of these reasons. Answers how many
/// suppressions went.
///
/// # Errors
/// If the database refuses.
pub async fn lift(
    ctx: &Ctx,
    tx: &mut TenantTx,
    channel: Channel,
    to_index: &[u8],
    reasons: &[Reason],
) -> Result<u64> {
    let gone = store::lift_suppressions(tx.conn(), ctx.tenant, channel, to_index, reasons).await?;
    tell_gone(tx, &gone).await?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

pub(super) async fn tell_gone(tx: &mut TenantTx, gone: &[store::Gone]) -> Result<()> {
    let (mut entries, mut events) = (Vec::new(), Vec::new());
    for one in gone {
        let detail = json!({ "channel": one.channel, "scope": one.scope, "reason": one.reason });
        entries.push(Entry::new("delete", "suppression", one.id).detail(detail.clone()).notice());
        events.push(Event::new(EventType::SuppressionRemoved, "suppression", one.id).with(detail));
    }
    tell(tx, &entries, &events).await
}

async fn tell(tx: &mut TenantTx, entries: &[Entry], events: &[Event]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    tx.audit(entries).await?;
    tx.emit(events).await
}

/// What there is one suppression of.
fn key(fresh: &Fresh) -> (Vec<u8>, &'static str, &'static str) {
    (fresh.to_index.clone(), fresh.channel.as_str(), fresh.scope.as_str())
}
