//! The fence around each attempt: claimed and committed before a byte leaves, settled after.
//!
//! Both are done for many messages of one tenant at a time.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Ending, NewJob};
use serde_json::{Value, json};

use super::{
    accounts::credentials_place,
    provider::{Account, Answer, CALL_LIMIT, Outgoing, Provider, Refusal},
    rules::{self, Facts, OnUnknown, Settlement, Status, Stop},
    send::{SendMessage, place},
    store,
    template::{self, Part},
};
use crate::{
    Ctx,
    ctx::Platform,
    error::{Error, Result},
    events::{Event, EventType},
    leads::activities,
    tenancy::{SystemTx, TenantTx},
    types::{MessageId, SubjectId, TenantId},
    vault::{Place, SubjectKeys, Vault, cipher::sha256},
};

/// How long an attempt may hold a message. What is still `sending` after it is of unknown fate.
pub const LEASE: Duration = Duration::from_secs(30);
/// Messages that one upkeep turn settles for a tenant.
const EXPIRE_AT_A_TIME: i64 = 200;

/// A claimed attempt: the right to call the provider once.
pub struct Attempt {
    pub message: MessageId,
    pub fence: i64,
    pub on_unknown: OnUnknown,
    pub outgoing: Outgoing,
    account: Arc<Account>,
    adapter: Arc<dyn Provider>,
    /// Read before the lease was taken, on the monotonic clock.
    since: Instant,
}

/// What there is to do for a message.
pub enum Start {
    Go(Box<Attempt>),
    /// It is not queued any more, or it failed before anything could be sent: the job is done. What became of it;
    /// none if it is not there.
    Over(Option<Status>),
}

/// The end of an attempt, with the end of the job that made it.
pub struct Finished {
    pub message: MessageId,
    pub fence: i64,
    pub settlement: Settlement,
    pub ending: Option<Ending>,
}

impl Attempt {
    /// Calls the provider; the connection to it is dropped with the task if the call takes too long.
    pub async fn call(&self, ctx: &Ctx) -> Answer {
        if self.since.elapsed() + CALL_LIMIT >= LEASE {
            return Answer::Refused {
                refusal: Refusal::Transient,
                code: "lease_short".into(),
                text: "the attempt waited too long for its turn; nothing was sent".into(),
                retry_after: Some(Duration::ZERO),
            };
        }
        let (adapter, account) = (Arc::clone(&self.adapter), Arc::clone(&self.account));
        let (ctx, outgoing) = (ctx.clone(), self.outgoing.clone());
        let mut call = tokio::spawn(async move { adapter.send(&ctx, &account, &outgoing).await });
        match tokio::time::timeout(CALL_LIMIT, &mut call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Answer::Unknown { text: "the adapter failed in the middle of the call".into() },
            Err(_) => {
                call.abort();
                Answer::Unknown { text: "the provider did not answer in time".into() }
            }
        }
    }
}

/// Claims attempts at queued messages in one transaction, answering in the order asked. Rendering
/// happens here, so that what is sent is what was written down.
///
/// # Errors
/// If the database refuses; nothing was claimed then.
pub async fn begin(ctx: &Ctx, messages: &[MessageId]) -> Result<Vec<Start>> {
    let since = Instant::now();
    let mut tx = ctx.begin().await?;
    let rows = store::lock_queued(tx.conn(), ctx.tenant, messages).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let tenant_keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let (mut claims, mut failed, mut going) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let fence = row.fence + 1;
        let adapter = ctx.platform.providers.get(&row.provider_kind);
        let facts = Facts { erased: !keys.knows(row.subject_id) };
        let ready = rules::gate(facts).and_then(|()| render(ctx, &keys, &row)).and_then(|outgoing| {
            let adapter =
                adapter.ok_or_else(|| stop("no_adapter", "this build has no adapter for the provider"))?;
            Ok((outgoing, adapter))
        });
        match ready {
            Ok((outgoing, adapter)) => {
                let request = serde_json::to_string(&outgoing).map_err(Error::internal)?;
                let sealed =
                    keys.seal(&ctx.platform, row.subject_id, &request_place(ctx.tenant, row.id), &request)?;
                claims.push(store::Claimed { id: row.id, fence, hash: sha256(request.as_bytes()), sealed });
                let place = credentials_place(ctx.tenant, row.provider_id);
                let credentials = tenant_keys.open(&place, &row.credentials_sealed)?;
                let account = Account { id: row.provider_id, credentials, version: row.provider_version };
                going.push(Attempt {
                    message: row.id,
                    fence,
                    on_unknown: row.on_unknown(),
                    outgoing,
                    account: Arc::new(account),
                    adapter,
                    since,
                });
            }
            Err(Stop { status, code, text }) => {
                claims.push(store::Claimed { id: row.id, fence, hash: sha256(b""), sealed: Vec::new() });
                let event = if status == Status::Failed {
                    EventType::MessageFailed
                } else {
                    EventType::MessageCancelled
                };
                let (code, text) = (Some(code.to_owned()), Some(text));
                let settlement =
                    Settlement { status, event, again: None, provider_message_id: None, code, text };
                failed.push(Finished { message: row.id, fence, settlement, ending: None });
            }
        }
    }
    store::claim(tx.conn(), ctx.tenant, &claims, LEASE).await?;
    apply(&mut tx, &failed).await?;
    let over = if going.len() < messages.len() {
        store::statuses(tx.conn(), ctx.tenant, messages).await?
    } else {
        HashMap::new()
    };
    tx.commit().await?;
    let start = |id: &MessageId| {
        if let Some(at) = going.iter().position(|attempt| attempt.message == *id) {
            return Start::Go(Box::new(going.swap_remove(at)));
        }
        Start::Over(over.get(id).copied())
    };
    Ok(messages.iter().map(start).collect())
}

/// Records the ends of attempts, each under its fence, with the events and the ends of the jobs.
///
/// A job that was meanwhile given to another node does not end here, but what the provider said of
/// the message counts all the same: the message's own fence decides.
///
/// # Errors
/// If the database refuses; nothing was recorded then.
pub async fn settle(ctx: &Ctx, finished: &[Finished]) -> Result<()> {
    let mut tx = ctx.begin().await?;
    apply(&mut tx, finished).await?;
    let endings: Vec<Ending> = finished.iter().filter_map(|one| one.ending.clone()).collect();
    tx.finish(&endings).await?;
    tx.commit().await
}

async fn apply(tx: &mut TenantTx, finished: &[Finished]) -> Result<()> {
    if finished.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let moved = store::apply(tx.conn(), tenant, finished).await?;
    let events: Vec<Event> = finished
        .iter()
        .filter(|one| moved.contains(&one.message))
        .map(|one| {
            let body = json!({"attempt": one.fence, "code": one.settlement.code});
            Event::new(one.settlement.event, "message", one.message).with(body)
        })
        .collect();
    tx.emit(&events).await?;
    let sent = finished.iter().filter(|one| one.settlement.status == Status::Sent);
    let sent: Vec<MessageId> = sent.map(|one| one.message).filter(|id| moved.contains(id)).collect();
    if sent.is_empty() { Ok(()) } else { activities::messages_sent(tx, &sent).await }
}

/// Tenants that hold attempts whose lease ran out.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants_with_expired(platform: &Platform, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants_with_expired(tx.conn(), limit).await
}

/// Settles attempts whose lease ran out: their fate is unknown. Answers how many there were.
///
/// # Errors
/// If the database refuses.
pub async fn expire(ctx: &Ctx) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let expired = store::lock_expired(tx.conn(), ctx.tenant, EXPIRE_AT_A_TIME).await?;
    let (mut finished, mut again) = (Vec::new(), Vec::new());
    for (message, fence, on_unknown) in expired {
        let lost = Answer::Unknown { text: "the process that sent it did not report back".into() };
        let settlement = rules::settle(lost, on_unknown, false);
        if settlement.again.is_some() {
            let job = NewJob::of(ctx.tenant.0, ctx.id(), &SendMessage { message, of_step: false })
                .map_err(Error::internal)?;
            again.push(job.about(format!("message:{message}")));
        }
        finished.push(Finished { message, fence, settlement, ending: None });
    }
    apply(&mut tx, &finished).await?;
    tx.enqueue(&again).await?;
    tx.commit().await?;
    Ok(finished.len())
}

fn render(ctx: &Ctx, keys: &SubjectKeys, row: &store::QueuedRow) -> Result<Outgoing, Stop> {
    let open = |column, blob: &[u8]| {
        let opened = keys.open(&place(ctx.tenant, column, row.id), blob).ok().flatten();
        opened.ok_or_else(|| stop("unreadable", "the message's sealed fields cannot be opened"))
    };
    let to = open("to_sealed", &row.to_sealed)?;
    let variables: Value = serde_json::from_str(&open("vars_sealed", &row.vars_sealed)?).unwrap_or_default();
    let part = |part, source: &str| {
        template::parse(source)
            .and_then(|parsed| template::render(&parsed, part, &variables))
            .map_err(|why| stop("template", &why))
    };
    Ok(Outgoing {
        message: row.id,
        subject_id: row.subject_id,
        to,
        subject: row.subject.as_deref().map(|source| part(Part::Header, source)).transpose()?,
        text: part(Part::Text, &row.text)?,
        html: row.html.as_deref().map(|source| part(Part::Html, source)).transpose()?,
    })
}

fn stop(code: &'static str, text: &str) -> Stop {
    Stop { status: Status::Failed, code, text: text.into() }
}

fn request_place(tenant: TenantId, message: MessageId) -> Place {
    Place { tenant, table: "message_attempts", column: "request_sealed", row: message.0 }
}
