//! What nobody asked for but must be done, as schedules of the product's own tenant: operators see when it
//! ran, what came of it and when it runs again, and can pause it. One line of [`install`] for each.

mod store;

use std::time::Duration;

use chrono::TimeDelta;
use engine::{
    Engine, JobKind, NewJob,
    enqueue::Provenance,
    schedules::{self, Refused, Spec, When},
    upkeep::Retention,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    analytics,
    archive::work::BeginArchive,
    audit,
    ctx::Platform,
    error::{Error, Result},
    privacy::retention::apply::ApplyRetention,
    processing,
    routing::watch::WatchQueues,
    sequences::walk::WatchSequences,
    tenancy::SystemTx,
    types::TenantId,
};

/// The tenant of the product itself: it has no users, and nobody else's work.
pub const ITSELF: TenantId = TenantId(Uuid::nil());

/// The number of the schedule that comes once a month: the history may be shorter than its pauses.
pub(crate) const MONTHLY: u128 = 7;

/// Shared with operators' work: each queue more is asked about once a second.
const QUEUE: &str = "operations";

/// Drops what is past its keeping.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct KeepHistory {
    #[serde(flatten)]
    pub retention: Retention,
}

impl JobKind for KeepHistory {
    const KIND: &'static str = "keep_history";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// Settles messages, imports and sockets whose process was lost while it held them and calls whose end nobody tells, and
/// has agents looked for who are gone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SettleLost {}

impl JobKind for SettleLost {
    const KIND: &'static str = "settle_lost";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// Adds up how many messages have come to what; see `messages::stats`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CountMessages {}

impl JobKind for CountMessages {
    const KIND: &'static str = "count_messages";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// Makes the product's schedules, or brings them up to date. One that is as it should be is left alone, also
/// if an operator has paused it.
///
/// # Errors
/// If the database refuses.
pub async fn install(platform: &Platform, retention: Retention) -> Result<()> {
    months_ahead(platform).await?;
    let engine = &platform.engine;
    put(engine, 1, "history and the days ahead", "17 * * * *", &KeepHistory { retention }).await?;
    put(engine, 2, "what was cut off", "* * * * *", &SettleLost {}).await?;
    put(engine, 3, "leads that wait", "* * * * *", &WatchQueues {}).await?;
    put(engine, 4, "figures of messages", "*/5 * * * *", &CountMessages {}).await?;
    put(engine, 6, "steps of sequences", "* * * * *", &WatchSequences {}).await?;
    put(engine, MONTHLY, "old logs to the archive", "41 2 2 * *", &BeginArchive {}).await?;
    put(engine, 8, "how long things are kept", "43 * * * *", &ApplyRetention {}).await
}

/// Makes the months of the audit log that are to come: without one nothing could be written.
///
/// # Errors
/// If the database refuses.
pub async fn months_ahead(platform: &Platform) -> Result<()> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    audit::store::make_months(tx.conn()).await?;
    tx.commit().await
}

/// Rows deleted in one transaction.
const BATCH: i64 = 1_000;

/// Days that is kept what became of each lead that was routed: two years can be compared.
const KEEP_ROUTINGS: i32 = 750;

/// Days that is kept which webhooks about calls were taken in: nobody sends one again for so long.
const KEEP_DELIVERIES: i32 = 7;

/// Days that is kept what became of deliveries of webhooks, counted from when they were made or replayed last.
const KEEP_WEBHOOKS: i32 = 30;
/// Days that is kept what providers told of messages: none tells it again for so long.
const KEEP_CALLBACKS: i32 = 30;

/// Days that a callback waits for its message, which is known seconds later if at all.
const KEEP_WAITING_CALLBACKS: i32 = 7;

/// Minutes that is kept whose rights have changed: a token is good for ten.
const KEEP_CHANGES: i32 = 15;

/// Days that an `Idempotency-Key` is known again: longer than any client tries the same request.
const KEEP_ANSWERS: i32 = 7;

/// Days that is kept whose data was opened for whom: a breach of the year before can still be looked into.
const KEEP_READS: i64 = 400;
/// Rows of these that are deleted in one transaction.
const READS: i64 = 10_000;

/// Deletes some of what is not kept any longer: sessions that are over, reports of imports, what dry runs remember, old
/// routings, which webhooks were taken in, what became of those that were sent, what providers told, whose rights have
/// changed, answers to requests that carried a key, and reports that were made.
/// Answers how many rows; none when nothing is left.
///
/// # Errors
/// If the database refuses.
pub async fn forget_some(platform: &Platform) -> Result<u64> {
    let now = platform.clock.now();
    let mut tx = SystemTx::begin(&platform.engine).await?;
    // Before the sessions: that those are deleted is itself a change, and kept.
    let changes = store::drop_changes(tx.conn(), KEEP_CHANGES, BATCH).await?;
    let sessions = store::drop_sessions(tx.conn(), now, BATCH).await?;
    let reports = store::drop_reports(tx.conn(), now, BATCH).await?;
    let contacts = store::drop_contacts(tx.conn(), BATCH).await?;
    let routings = store::drop_routings(tx.conn(), now, KEEP_ROUTINGS, BATCH).await?;
    let deliveries = store::drop_deliveries(tx.conn(), now, KEEP_DELIVERIES, BATCH).await?;
    let lost = store::end_lost_webhooks(tx.conn(), BATCH).await?;
    let webhooks = store::drop_webhooks(tx.conn(), now, KEEP_WEBHOOKS, BATCH).await?;
    let callbacks =
        store::drop_callbacks(tx.conn(), now, (KEEP_CALLBACKS, KEEP_WAITING_CALLBACKS), BATCH).await?;
    let answers = store::drop_answers(tx.conn(), now, KEEP_ANSWERS, BATCH).await?;
    let made = analytics::store::drop_made(tx.conn(), analytics::make::KEPT_DAYS, BATCH).await?;
    tx.commit().await?;
    let gone = [
        changes, sessions, reports, contacts, routings, deliveries, lost, webhooks, callbacks, answers, made,
    ];
    Ok(gone.iter().sum())
}

/// Deletes some of whose data was opened for whom, once that is past its keeping. Answers how many rows; none when nothing
/// is left. It is by far the most that is deleted, so it is done by itself and holds nothing else up.
///
/// # Errors
/// If the database refuses.
pub async fn forget_reads(platform: &Platform) -> Result<u64> {
    let before = platform.clock.now() - TimeDelta::days(KEEP_READS);
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let gone = processing::store::drop_old(tx.conn(), before.date_naive(), READS).await?;
    tx.commit().await?;
    Ok(gone)
}

async fn put<K: JobKind>(engine: &Engine, number: u128, name: &str, crontab: &str, args: &K) -> Result<()> {
    let id = Uuid::from_u128(number);
    let job = NewJob::of(ITSELF.0, Uuid::nil(), args).map_err(Error::internal)?;
    let spec = Spec::of(name, job, When::Crontab(crontab.into()));
    // Two processes that start together both find none; the second finds the first one's then.
    match put_once(engine, id, &spec).await {
        Err(Refused::Name) => Ok(put_once(engine, id, &spec).await?),
        done => Ok(done?),
    }
}

async fn put_once(engine: &Engine, id: Uuid, spec: &Spec) -> Result<(), Refused> {
    let mut tx = engine.begin_tenant(ITSELF.0).await?;
    let there = schedules::get(tx.conn(), ITSELF.0, id).await?;
    if there.is_some_and(|view| view.is_as(spec)) {
        return Ok(());
    }
    let by = Provenance { actor: json!({"kind": "system"}), trace: None };
    tx.put_schedule(id, spec, &by).await?;
    Ok(tx.commit().await?)
}
