//! Steps that are due, a page of leads in one transaction: the messages, the jobs that send them, what was taken and where
//! each lead stands from then on commit together, or nothing does.
//!
//! Nothing is kept of a walk but what it has done, so a job that is cut off is begun again, and two that walk the same
//! sequence take no step twice: an enrolment that one of them holds is passed over by the other.

mod page;

use std::{collections::BTreeMap, time::Duration};

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use page::Page;

use super::store;
use crate::{
    Ctx,
    access::rows::Rows,
    ctx::Platform,
    error::{Error, Result},
    leads::merged,
    tenancy::{SystemTx, TenantTx},
    types::{EnrolmentId, LeadId, SequenceId, TenantId},
};

/// Leads whose steps are taken in one transaction.
const PAGE: i64 = 200;
const SEQUENCES_AT_A_TIME: i64 = 1_000;
/// Changes of figures that are added up in one transaction.
const BATCH: i64 = 5_000;

/// The job that looks, once a minute, of which sequences of all tenants a step is due.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WatchSequences {}

impl JobKind for WatchSequences {
    const KIND: &'static str = "watch_sequences";
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_mins(10);
}

/// The job that takes the steps of one sequence that are due.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WalkSequence {
    pub sequence: SequenceId,
}

impl JobKind for WalkSequence {
    const KIND: &'static str = "walk_sequence";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
}

/// A sequence of which a step is due.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    pub tenant: TenantId,
    pub sequence: SequenceId,
}

/// Sequences of all tenants of which a step is due, behind one.
///
/// # Errors
/// If the database does not answer.
pub async fn waiting(platform: &Platform, behind: Option<Waiting>) -> Result<Vec<Waiting>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let behind = behind.map_or((Uuid::nil(), Uuid::nil()), |last| (last.tenant.0, last.sequence.0));
    let now = store::now(tx.conn()).await?;
    let rows = store::with_due(tx.conn(), now, behind, SEQUENCES_AT_A_TIME).await?;
    Ok(rows.into_iter().map(|(tenant, sequence)| Waiting { tenant, sequence }).collect())
}

/// Adds up how many leads stand where; answers how many changes there were, and whether there may be more than those that
/// come in meanwhile.
///
/// # Errors
/// If the database does not answer.
pub async fn add_up(platform: &Platform) -> Result<(u64, bool)> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let taken = store::add_up(tx.conn(), BATCH).await?;
    tx.commit().await?;
    Ok((taken, taken >= BATCH.unsigned_abs()))
}

/// Has the steps of a sequence taken that are due, unless a job that was asked for so has not ended: it looks until nothing is
/// due.
///
/// # Errors
/// If the database does not answer.
pub async fn begin(ctx: &Ctx, sequence: SequenceId) -> Result<()> {
    let mut tx = ctx.begin().await?;
    let job = job(&tx, sequence)?.unique(sequence.to_string());
    tx.enqueue(&[job]).await?;
    tx.commit().await
}

/// The same once this transaction is committed, whoever walks it at the moment: they may have looked before.
///
/// # Errors
/// If the database refuses.
pub(super) async fn wake(tx: &mut TenantTx, sequence: SequenceId) -> Result<()> {
    let job = job(tx, sequence)?;
    tx.enqueue(&[job]).await.map(drop)
}

fn job(tx: &TenantTx, sequence: SequenceId) -> Result<NewJob> {
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &WalkSequence { sequence });
    Ok(job.map_err(Error::internal)?.about(format!("sequence:{sequence}")))
}

/// What came of a page.
pub enum Walked {
    /// So many enrolments were moved; there may be more.
    Page(usize),
    /// Others work on what is due.
    Held,
    /// The next step of some cannot be taken by anybody, for this reason, so they are put off: see [`super::publish::stop`].
    /// There may be more.
    Stuck(&'static str),
    /// Nothing is due, or the sequence does not go on.
    Over,
}

/// Takes the steps of some leads that are due.
///
/// # Errors
/// If the database refuses; nothing of the page is written then.
pub async fn page(ctx: &Ctx, sequence: SequenceId) -> Result<Walked> {
    let mut tx = ctx.begin().await?;
    let now = store::now(tx.conn()).await?;
    let found = store::due(tx.conn(), ctx.tenant, sequence, now, PAGE).await?;
    if found.is_empty() {
        return Ok(Walked::Over);
    }
    let leads = hold(&mut tx, &found).await?;
    let shared = store::share_sequence(tx.conn(), ctx.tenant, sequence).await?;
    if shared.is_none_or(|shared| shared.state != "active") {
        return Ok(Walked::Over);
    }
    let ids: Vec<EnrolmentId> = found.iter().map(|(id, _)| *id).collect();
    let mut rows = store::lock_due(tx.conn(), ctx.tenant, &ids, now).await?;
    // One that was merged meanwhile goes by the id of another lead, which is not held.
    rows.retain(|row| leads.contains_key(&row.lead));
    if rows.is_empty() {
        return Ok(Walked::Held);
    }
    for row in &mut rows {
        row.lead = leads.get(&row.lead).copied().flatten().unwrap_or(row.lead);
    }
    let page = Page::decide(&mut tx, sequence, &rows, now).await?;
    page.write(ctx, &mut tx, sequence).await?;
    tx.commit().await?;
    Ok(page.stuck.map_or(Walked::Page(rows.len()), Walked::Stuck))
}

/// Keeps the leads of enrolments from being merged or deleted until commit, in the order of their ids. Answers what each
/// is by now.
async fn hold(
    tx: &mut TenantTx,
    found: &[(EnrolmentId, LeadId)],
) -> Result<BTreeMap<LeadId, Option<LeadId>>> {
    let mut leads: BTreeMap<LeadId, Option<LeadId>> = found.iter().map(|(_, lead)| (*lead, None)).collect();
    for (lead, now) in &mut leads {
        *now = merged::hold(tx, *lead, Rows::All).await?;
    }
    Ok(leads)
}
