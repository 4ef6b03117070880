//! Recording what came of attempts.

use std::{collections::BTreeMap, time::Duration};

use engine::{Ending, NewJob};
use serde_json::json;

use super::{Finished, again, hand_on};
use crate::{
    Ctx,
    error::{Error, Result},
    events::Event,
    leads::activities,
    messages::{
        accounts, callbacks,
        reconcile::{self, ReconcileMessage},
        rules::{AccountWord, Next, Status},
        store,
        suppressions::{self, Fresh, Reason},
    },
    tenancy::TenantTx,
    types::{MessageId, ProviderId},
};

/// Records the ends of attempts, each under its fence, with the events and the ends of the jobs.
///
/// A job that was meanwhile given to another node does not end here, but what the provider said of
/// the message counts all the same: the message's own fence decides.
///
/// # Errors
/// If the database refuses; nothing was recorded then.
pub async fn settle(ctx: &Ctx, finished: &[Finished]) -> Result<()> {
    let mut tx = ctx.begin().await?;
    apply(ctx, &mut tx, finished).await?;
    let endings: Vec<Ending> = finished.iter().filter_map(|one| one.ending.clone()).collect();
    tx.finish(&endings).await?;
    tx.commit().await
}

/// A callback may have moved a message further while it was being sent: then it stays there, and only what the provider
/// calls it is added.
pub(super) async fn apply(ctx: &Ctx, tx: &mut TenantTx, finished: &[Finished]) -> Result<()> {
    if finished.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let applied = store::apply(tx.conn(), tenant, finished).await?;
    let has_moved = |one: &&Finished| applied.get(&one.message).is_some_and(|found| found.moved);
    let moved: Vec<&Finished> = finished.iter().filter(has_moved).collect();
    let told = |one: &&Finished| {
        let body = json!({ "attempt": one.fence, "code": one.settlement.code });
        Event::new(one.settlement.event, "message", one.message).with(body)
    };
    tx.emit(&moved.iter().map(told).collect::<Vec<_>>()).await?;
    let is_first = |id: &MessageId| applied.get(id).is_some_and(|found| !found.was_sent);
    let sent = moved.iter().filter(|one| one.settlement.status == Status::Sent).map(|one| one.message);
    let sent: Vec<MessageId> = sent.filter(is_first).collect();
    if !sent.is_empty() {
        activities::messages_sent(tx, &sent).await?;
    }
    suppress(ctx, tx, &moved).await?;
    let known: Vec<(MessageId, ProviderId, String)> = finished
        .iter()
        .filter(|one| applied.contains_key(&one.message))
        .filter_map(|one| Some((one.message, one.provider, one.settlement.provider_message_id.clone()?)))
        .collect();
    if !known.is_empty() {
        callbacks::meet(tx, &known).await?;
    }
    heed(ctx, tx, finished).await?;
    follow(ctx, tx, &moved).await
}

/// Keeps others from being sent where nobody should write again.
async fn suppress(ctx: &Ctx, tx: &mut TenantTx, moved: &[&Finished]) -> Result<()> {
    let fresh = |one: &&Finished| {
        let (scope, whom) = (one.settlement.suppress?, one.recipient.as_ref()?);
        Some(Fresh {
            channel: whom.channel,
            scope,
            reason: if one.settlement.status == Status::Bounced { Reason::Bounce } else { Reason::Provider },
            message: Some(one.message),
            subject: whom.subject,
            to: whom.to.clone(),
            to_index: whom.to_index.clone(),
        })
    };
    let fresh: Vec<Fresh> = moved.iter().filter_map(fresh).collect();
    if fresh.is_empty() { Ok(()) } else { suppressions::put(ctx, tx, &fresh).await }
}

/// What providers said of one account.
#[derive(Default)]
struct Said<'f> {
    /// Hand it nothing for so long.
    wait: Option<Duration>,
    /// It is at fault, in the newest of the versions that were called, by this code.
    fault: Option<(i64, &'f str)>,
}

/// Heeds what providers said of whole accounts, one account after the other in the order of their ids: whoever else does
/// so does not wait in a circle.
async fn heed(ctx: &Ctx, tx: &mut TenantTx, finished: &[Finished]) -> Result<()> {
    let mut said: BTreeMap<ProviderId, Said<'_>> = BTreeMap::new();
    for one in finished {
        let Some(word) = one.settlement.account else { continue };
        let of = said.entry(one.provider).or_default();
        match word {
            AccountWord::Throttled(wait) => of.wait = of.wait.max(Some(wait)),
            AccountWord::Fault => {
                let code = one.settlement.code.as_deref().unwrap_or("account");
                of.fault = of.fault.max(Some((one.version, code)));
            }
        }
    }
    let tenant = tx.tenant;
    for (provider, Said { wait, fault }) in said {
        if let Some(wait) = wait {
            store::throttle(tx.conn(), tenant, provider, wait).await?;
        }
        if let Some((version, code)) = fault {
            accounts::pause_for_fault(ctx, tx, (provider, version), code).await?;
        }
    }
    Ok(())
}

/// Puts in the jobs that go on with what the ending ones leave.
async fn follow(ctx: &Ctx, tx: &mut TenantTx, moved: &[&Finished]) -> Result<()> {
    let (mut handed, mut asking) = (Vec::new(), Vec::new());
    for one in moved {
        match (one.settlement.next, one.another) {
            (Next::Another, Some(another)) => {
                handed.push((one.message, again(ctx, one.message, another)?));
            }
            (Next::Ask, _) => {
                let ask = ReconcileMessage { message: one.message, fence: one.fence };
                let job = NewJob::of(ctx.tenant.0, ctx.id(), &ask).map_err(Error::internal)?;
                asking.push(job.about(format!("message:{}", one.message)).delay(reconcile::FIRST_LOOK));
            }
            _ => {}
        }
    }
    hand_on(tx, handed).await?;
    tx.enqueue(&asking).await?;
    Ok(())
}
