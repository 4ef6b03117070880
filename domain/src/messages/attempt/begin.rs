//! Claiming attempts.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use uuid::Uuid;

use super::{LEASE, Start, Turn, again, desk::Desk, hand_on};
use crate::{
    Ctx,
    campaigns::hold,
    error::Result,
    events::{Event, EventType},
    messages::{
        gates::{self, Asking},
        of_run,
        store::{self, Before, QueuedRow},
        wording::{Wording, Wordings},
    },
    tenancy::TenantTx,
    types::{MessageId, SubjectId, TemplateId},
    vault::Vault,
};

/// How soon a message is looked at again for which its batch had no room.
const NO_ROOM: Duration = Duration::from_millis(250);

/// Claims attempts at queued messages in one transaction, answering in the order asked. What may not leave is settled
/// here, what must wait is left queued, and what goes by another account than its job counts against gets another job.
/// Rendering happens here, so that what is sent is what was written down. Once that comes to as many bytes as a transaction
/// takes, the others are left queued too, for a batch that comes soon.
///
/// # Errors
/// If the database refuses; nothing was claimed then.
pub async fn begin(ctx: &Ctx, turns: &[Turn]) -> Result<Vec<Start>> {
    let since = Instant::now();
    let messages: Vec<MessageId> = turns.iter().map(|turn| turn.message).collect();
    let mut tx = ctx.begin().await?;
    let rows = store::lock_queued(tx.conn(), ctx.tenant, &messages).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let runs: Vec<Uuid> = rows.iter().filter_map(|row| row.run_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let ways = store::ways(tx.conn(), ctx.tenant).await?;
    let sealed = ways.iter().map(|way| way.credentials_sealed.as_slice());
    let tenant_keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, sealed).await?;
    let mut desk = Desk {
        ctx,
        since,
        turns,
        turn_of: rows.iter().filter_map(|row| Some((row.id, turn_of(turns, row)?))).collect(),
        holds: hold::of(&mut tx, rows.iter().filter_map(|row| row.run).collect()).await?,
        ways,
        wordings: wordings(ctx, &mut tx, rows.iter().map(|row| row.template_id)).await?,
        before: before(ctx, &mut tx, &rows).await?,
        stopped_runs: store::stopped_runs(tx.conn(), ctx.tenant, &runs).await?,
        keys,
        tenant_keys,
        accounts: HashMap::new(),
        claims: Vec::new(),
        going: Vec::new(),
        stops: Vec::new(),
        deferred: Vec::new(),
        left: Vec::new(),
        bytes: 0,
        elsewhere: Vec::new(),
    };
    let mut asking = Vec::new();
    let mut judged = Vec::new();
    for row in rows {
        if let Some((choice, to)) = desk.place(&row) {
            asking.push(asking_of(&row, to, desk.is_in_doubt(row.id)));
            judged.push((row, choice));
        }
    }
    let verdicts = gates::judge(ctx, &mut tx, &asking).await?;
    for (((row, choice), asked), verdict) in judged.into_iter().zip(asking).zip(verdicts) {
        desk.go(&row, choice, asked, verdict)?;
    }
    write(desk, tx, &messages).await
}

/// Whose turn it is with a message, by its place: of several jobs of one message that one's which the message names.
fn turn_of(turns: &[Turn], row: &QueuedRow) -> Option<usize> {
    let is_its = |turn: &Turn| turn.message == row.id;
    let is_named = |turn: &Turn| is_its(turn) && turn.slot.is_some_and(|slot| row.job_id == Some(slot.job));
    turns.iter().position(is_named).or_else(|| turns.iter().position(is_its))
}

/// Writes all down and commits.
async fn write(mut desk: Desk<'_>, mut tx: TenantTx, messages: &[MessageId]) -> Result<Vec<Start>> {
    let tenant = desk.ctx.tenant;
    store::claim(tx.conn(), tenant, &desk.claims, LEASE).await?;
    store::stop(tx.conn(), tenant, &desk.stops).await?;
    // Who waits for the same thing as before is not told of again.
    let begun = store::defer(tx.conn(), tenant, &desk.deferred).await?;
    let stopped = desk.stops.iter().map(|(id, stop)| of_run::told(*id, stop));
    let waiting = desk.deferred.iter().filter(|one| begun.contains(&one.id)).map(|one| {
        Event::new(EventType::MessageDeferred, "message", one.id).with(json!({ "code": one.code }))
    });
    tx.emit(&stopped.chain(waiting).collect::<Vec<_>>()).await?;
    let handed = desk.elsewhere.iter().map(|(id, by)| Ok((*id, again(desk.ctx, *id, *by)?)));
    hand_on(&mut tx, handed.collect::<Result<_>>()?).await?;
    let placed = desk.going.len() + desk.deferred.len() + desk.left.len() + desk.elsewhere.len();
    let over = if placed < messages.len() {
        store::statuses(tx.conn(), tenant, messages).await?
    } else {
        HashMap::new()
    };
    tx.commit().await?;
    let start = |(at, turn): (usize, &Turn)| {
        let id = turn.message;
        if desk.turn_of.get(&id) == Some(&at) {
            if let Some(at) = desk.going.iter().position(|attempt| attempt.message == id) {
                return Start::Go(Box::new(desk.going.swap_remove(at)));
            }
            if let Some(one) = desk.deferred.iter().find(|one| one.id == id) {
                return Start::Later(one.after);
            }
            if desk.left.contains(&id) {
                return Start::Later(NO_ROOM);
            }
            if desk.elsewhere.iter().any(|(message, _)| *message == id) {
                return Start::Elsewhere;
            }
        }
        Start::Over(over.get(&id).copied())
    };
    Ok(desk.turns.iter().enumerate().map(start).collect())
}

/// The wordings of some versions: parsed once for each version and process.
pub(in crate::messages) async fn wordings(
    ctx: &Ctx,
    tx: &mut TenantTx,
    versions: impl Iterator<Item = TemplateId>,
) -> Result<HashMap<TemplateId, Result<Arc<Wording>, String>>> {
    let kept: &Wordings = &ctx.platform.wordings;
    let mut found = HashMap::new();
    let mut missing = Vec::new();
    for version in versions {
        if found.contains_key(&version) || missing.contains(&version) {
            continue;
        }
        match kept.kept(version) {
            Some(wording) => drop(found.insert(version, Ok(wording))),
            None => missing.push(version),
        }
    }
    if !missing.is_empty() {
        for text in store::texts(tx.conn(), ctx.tenant, &missing).await? {
            let (subject, html) = (text.subject.as_deref(), text.html.as_deref());
            let made = kept.get(text.id, || Wording::parse(subject, &text.text, html, text.extra.as_ref()));
            found.insert(text.id, made);
        }
    }
    Ok(found)
}

/// What went before of messages that were tried already.
async fn before(ctx: &Ctx, tx: &mut TenantTx, rows: &[QueuedRow]) -> Result<HashMap<MessageId, Before>> {
    let tried: Vec<MessageId> = rows.iter().filter(|row| row.fence > 0).map(|row| row.id).collect();
    if tried.is_empty() {
        return Ok(HashMap::new());
    }
    store::before(tx.conn(), ctx.tenant, &tried).await
}

/// What the gates are asked about.
fn asking_of(row: &QueuedRow, to: String, in_doubt: bool) -> Asking {
    Asking {
        message: row.id,
        subject: row.subject_id,
        lead: row.lead_id,
        channel: row.channel,
        purpose: row.purpose,
        to,
        to_index: row.to_index.clone(),
        in_doubt,
    }
}
