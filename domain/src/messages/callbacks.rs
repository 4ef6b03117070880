//! Takes in what providers tell by themselves: late, twice, in any order, and before we know what they are talking of.
//!
//! Each thing is written down once and only acts if it was not there before, in one transaction with what it changes. It
//! is about the message whose id of ours it gives back, if that message was handed to this provider, or else about the
//! one that the provider calls so. Where a message goes by it says the lattice ([`super::rules::told`]), and `course` which
//! reason stays, so the order does not matter; `kept` says what of it is written down. A message that is just being sent moves too; whoever settles its attempt finds it further on.
//!
//! What belongs to no message yet waits for one that gets the provider's id ([`meet`]). A callback and the settling that
//! makes the id known may come at the same moment, and must not miss each other though neither sees what the other has
//! not committed. So both hold a lock of the provider's id until they commit, each after it has written and before it
//! reads: the callback writes its row, takes the lock, and looks for the message; the settling writes the id to the
//! message, takes the lock, and looks for rows that wait. Whoever takes it second reads after the first has committed,
//! and finds what that one wrote. (Each statement of `read committed` sees what was committed before it began, which is
//! why the lock is a statement of its own.)
//!
//! Nobody waits in a circle: the lock is taken after messages and leads are, and a callback that waits has locked none of
//! those. If it finds the message at its second look after all, it takes back what it wrote and begins anew, as one whose
//! message is known.

mod course;
mod kept;

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

pub(super) use course::{Course, Heard};
pub(super) use kept::identity;

use super::{
    callback::Callback,
    inbound,
    provider::{Account, Scope},
    rules::Status,
    send,
    store::{self, ToldMessage, ToldRow},
    suppressions::{self, Fresh, Reason},
};
use crate::{
    Ctx,
    access::permission::PermissionSet,
    error::{Error, Result},
    events::{Event, EventType},
    leads::activities,
    tenancy::TenantTx,
    types::{MessageId, ProviderId, SubjectId},
    vault::Vault,
};

/// Things told that are taken in by one transaction.
const AT_A_TIME: usize = 100;
/// How often what was told is looked for anew because its message became known in between. Each time somebody has
/// settled an attempt in that moment, so the second look is enough but for a rare third.
const LOOKS: usize = 5;

/// Takes in what an adapter has read, after it has looked at the signature. What was taken in before changes nothing, so
/// after an error the provider may tell all of it again. Each hundred things told, and each message that somebody wrote,
/// has a transaction of its own.
///
/// # Errors
/// If the database refuses.
pub async fn take(ctx: &Ctx, account: &Account, kind: &str, callback: Callback) -> Result<()> {
    tracing::debug!(kind, told = callback.told.len(), inbound = callback.inbound.len(), "a provider told us");
    for told in callback.told.chunks(AT_A_TIME) {
        let rows = told.iter().map(|told| ToldRow::of(ctx, told)).collect();
        take_told(ctx, account.id, rows).await?;
    }
    for one in callback.inbound {
        inbound::take(ctx, account, one).await?;
    }
    Ok(())
}

async fn take_told(ctx: &Ctx, provider: ProviderId, mut rows: Vec<ToldRow>) -> Result<()> {
    for _ in 0..LOOKS {
        let mut tx = ctx.begin().await?;
        find(&mut tx, provider, &mut rows).await?;
        let (known, lone): (Vec<ToldRow>, Vec<ToldRow>) =
            rows.into_iter().partition(|row| row.message.is_some());
        if known.is_empty() {
            // One connection at a time.
            drop(tx);
        } else {
            let fresh = insert(&mut tx, provider, &known).await?;
            let fresh = known.iter().filter(|row| fresh.contains(&row.id));
            let heard: Vec<Heard> = fresh.filter_map(|row| row.heard(provider)).collect();
            let named = apply(&mut tx, &heard).await?;
            meet(&mut tx, &named).await?;
            tx.commit().await?;
        }
        if lone.is_empty() || wait(ctx, provider, &lone).await? {
            return Ok(());
        }
        rows = lone;
    }
    Err(Error::internal("what a provider told was looked for too often"))
}

/// Says of each thing which message it is about, as far as that is known.
async fn find(tx: &mut TenantTx, provider: ProviderId, rows: &mut [ToldRow]) -> Result<()> {
    let tenant = tx.tenant;
    let ours: Vec<MessageId> = rows.iter().filter_map(|row| row.ours).collect();
    let handed: HashSet<MessageId> = if ours.is_empty() {
        HashSet::new()
    } else {
        store::handed(tx.conn(), tenant, provider, &ours).await?.into_iter().collect()
    };
    let names: Vec<String> = rows.iter().filter_map(|row| row.name.clone()).collect();
    let known = if names.is_empty() {
        HashMap::new()
    } else {
        store::named(tx.conn(), tenant, provider, &names).await?
    };
    for row in rows {
        let by_name = || row.name.as_ref().and_then(|name| known.get(name).copied());
        row.message = row.ours.filter(|id| handed.contains(id)).or_else(by_name);
    }
    Ok(())
}

/// Writes things down; answers which of them were not told before.
async fn insert(tx: &mut TenantTx, provider: ProviderId, rows: &[ToldRow]) -> Result<HashSet<Uuid>> {
    let tenant = tx.tenant;
    Ok(store::insert_told(tx.conn(), tenant, provider, rows).await?.into_iter().collect())
}

/// Writes down what belongs to no message, for one that gets the id; `false`, and nothing is written, if one has got it
/// meanwhile.
async fn wait(ctx: &Ctx, provider: ProviderId, rows: &[ToldRow]) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let fresh = insert(&mut tx, provider, rows).await?;
    let fresh = rows.iter().filter(|row| fresh.contains(&row.id));
    let names: Vec<String> = fresh.filter_map(|row| row.name.clone()).collect();
    if !names.is_empty() {
        let held: Vec<(ProviderId, String)> = names.iter().map(|name| (provider, name.clone())).collect();
        store::hold_names(tx.conn(), ctx.tenant, &held).await?;
        if !store::named(tx.conn(), ctx.tenant, provider, &names).await?.is_empty() {
            return Ok(false);
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Applies callbacks that came before we knew what the provider calls these messages. For the transaction that writes the
/// ids, after it has: its caller has locked the messages, and has done with their leads.
///
/// # Errors
/// If the database refuses.
pub async fn meet(tx: &mut TenantTx, known: &[(MessageId, ProviderId, String)]) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let names: Vec<(ProviderId, String)> =
        known.iter().map(|(_, provider, name)| (*provider, name.clone())).collect();
    store::hold_names(tx.conn(), tenant, &names).await?;
    let heard = store::claim_waiting(tx.conn(), tenant, known).await?;
    // All are under an id that is known, so none becomes known by them.
    apply(tx, &heard).await.map(drop)
}

/// Brings messages as far as is told of them, with all that comes with it. Answers the ids that became known by it.
async fn apply(tx: &mut TenantTx, heard: &[Heard]) -> Result<Vec<(MessageId, ProviderId, String)>> {
    if heard.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant;
    let about: HashSet<MessageId> = heard.iter().map(|one| one.message).collect();
    let about: Vec<MessageId> = about.into_iter().collect();
    let mut messages = store::lock_told(tx.conn(), tenant, &about).await?;
    let (mut changed, mut events) = (Vec::new(), Vec::new());
    let (mut sent, mut named) = (Vec::new(), Vec::new());
    for message in &mut messages {
        let (id, before) = (message.id, message.course.clone());
        for one in heard.iter().filter(|one| one.message == id) {
            if message.course.hear(one) {
                let body = json!({ "attempt": message.fence, "code": message.course.code });
                events.extend(event(one.status).map(|kind| Event::new(kind, "message", id).with(body)));
            }
        }
        let after = &message.course;
        if *after == before {
            continue;
        }
        if after.taken && !before.taken {
            sent.push(id);
        }
        if let (None, Some(name), Some(provider)) = (&before.name, &after.name, after.provider) {
            named.push((id, provider, name.clone()));
        }
        changed.push(&*message);
    }
    if !changed.is_empty() {
        store::move_told(tx.conn(), tenant, &changed).await?;
    }
    if !events.is_empty() {
        tx.emit(&events).await?;
    }
    if !sent.is_empty() {
        activities::messages_sent(tx, &sent).await?;
    }
    suppress(tx, &messages, heard).await?;
    Ok(named)
}

fn event(told: Status) -> Option<EventType> {
    match told {
        Status::Sent => Some(EventType::MessageSent),
        Status::Delivered => Some(EventType::MessageDelivered),
        Status::Read => Some(EventType::MessageRead),
        Status::Failed => Some(EventType::MessageFailed),
        Status::Bounced => Some(EventType::MessageBounced),
        Status::Pending
        | Status::Queued
        | Status::Sending
        | Status::Suppressed
        | Status::Cancelled
        | Status::Unknown => None,
    }
}

/// Keeps addresses from being written to of which the provider says so, whatever became of the message meanwhile. Whether
/// a bounce is for good the adapter says: a full mailbox is none.
async fn suppress(tx: &mut TenantTx, messages: &[ToldMessage], heard: &[Heard]) -> Result<()> {
    let asked: Vec<(&ToldMessage, &Heard, Scope)> = heard
        .iter()
        .filter_map(|one| {
            let message = messages.iter().find(|message| message.id == one.message)?;
            Some((message, one, one.suppress?))
        })
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let subjects: Vec<SubjectId> = asked.iter().map(|(message, ..)| message.subject_id).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut fresh = Vec::with_capacity(asked.len());
    for (message, one, scope) in asked {
        let place = send::place(tx.tenant, "to_sealed", message.id);
        let to = keys.open(&place, &message.to_sealed).ok().flatten();
        fresh.push(Fresh {
            channel: store::stored_channel(&message.channel)?,
            scope,
            reason: if one.status == Status::Bounced { Reason::Bounce } else { Reason::Provider },
            message: Some(message.id),
            subject: message.subject_id,
            // Of whoever was erased, and where it cannot be opened, the index is enough.
            to: to.unwrap_or_default(),
            to_index: message.to_index.clone(),
        });
    }
    suppressions::put(&context(tx), tx, &fresh).await
}

/// The context of a transaction whose caller has none at hand; it has no rights.
fn context(tx: &TenantTx) -> Ctx {
    Ctx { actor: tx.actor(), grants: PermissionSet::default(), ..Ctx::itself(&tx.platform, tx.tenant) }
}
