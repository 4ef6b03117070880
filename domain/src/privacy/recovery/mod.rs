//! After the database was restored to an earlier moment: nothing is sent a second time, and whoever was erased since then is
//! forgotten again.
//!
//! [`guard`] stops all work of an installation that finds itself on another cluster, or on another timeline of it, than it
//! was at work on last: that is what a restore looks like, and a failover too. [`recover`] does what is to be done and lets
//! work go on. A copy of the data folder that was put back is on the same timeline: run `switchboard recover --anyway` after
//! it, before any worker starts.

mod store;

use engine::operate::{Decider, Scope};

use super::{
    erasure::{begin, certificate, keys, rows, stop},
    tombstones::{self, Tombstone},
};
use crate::{
    Ctx,
    access::{permission::PermissionSet, rows::Rows},
    audit::Entry,
    campaigns::steer,
    ctx::{Actor, OperatorCtx, Platform},
    error::Result,
    messages::restored,
    processing::reads::Opens,
    sequences,
    tenancy::SystemTx,
    types::TenantId,
};

/// Why nothing works.
const WHY: &str = "the database was restored, or another took over: run `switchboard recover`";
/// Everything, everywhere.
const ALL: Scope<'static> = Scope { queue: None, tenant: None, kind: None };
/// Tenants looked up at a time, and messages settled.
const PAGE: i64 = 200;

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub tenants: usize,
    /// Messages that may have been sent after the moment of the restore: they are `unknown` now.
    pub unknown: usize,
    /// Campaigns and sequences that would have written again to whom they had written: they are paused now.
    pub paused: usize,
    /// Jobs that would have written to a lead for a workflow: they are dead letters now.
    pub discarded: usize,
    /// Erasures that were carried out again.
    pub erased: usize,
    /// Tombstones in the storage in all.
    pub tombstones: usize,
    /// Files in the place of tombstones that this installation did not write, or not so: look why.
    pub unreadable: Vec<String>,
}

/// Whether the installation is where it was last; the first time it settles there.
///
/// # Errors
/// If the database does not answer.
pub async fn is_at_home(platform: &Platform) -> Result<bool> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let home = store::is_at_home(tx.conn()).await?;
    tx.commit().await?;
    Ok(home)
}

/// Pauses all work if the installation is somewhere else than it was last. Answers whether it is.
///
/// # Errors
/// If the database refuses.
pub async fn guard(platform: &Platform) -> Result<bool> {
    if is_at_home(platform).await? {
        return Ok(false);
    }
    let mut tx = SystemTx::begin(&platform.engine).await?;
    tx.pause_scope(Decider::Product, ALL, WHY).await?;
    tx.commit().await?;
    tracing::error!("all work is paused: {WHY}");
    Ok(true)
}

/// Does what is to be done after a restore, tenant by tenant, and lets work go on. Cut off, it is run again. None if the
/// installation is where it was, unless it is to be done `anyway`.
///
/// # Errors
/// If the database or storage refuses; then work stays paused.
pub async fn recover(platform: &Platform, anyway: bool) -> Result<Option<Recovered>> {
    if is_at_home(platform).await? && !anyway {
        return Ok(None);
    }
    let mut tx = SystemTx::begin(&platform.engine).await?;
    tx.pause_scope(Decider::Product, ALL, WHY).await?;
    tx.commit().await?;
    let mut done = Recovered::default();
    let mut after = TenantId(uuid::Uuid::nil());
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let tenants = store::tenants(tx.conn(), after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = tenants.last() else { break };
        after = *last;
        for tenant in tenants {
            of_tenant(&itself(platform, tenant), &mut done).await?;
        }
    }
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::settle_here(tx.conn()).await?;
    tx.resume_scope(Decider::Product, ALL).await?;
    let entry = Entry::new("recover", "installation", uuid::Uuid::nil());
    tx.audit(&OperatorCtx::of_machine(platform), crate::upkeep::ITSELF, &[entry.notice()]).await?;
    tx.commit().await?;
    Ok(Some(done))
}

async fn of_tenant(ctx: &Ctx, done: &mut Recovered) -> Result<()> {
    done.tenants += 1;
    // Whoever is forgotten again first gets nothing of what follows.
    let found = tombstones::all(&ctx.platform, ctx.tenant).await?;
    done.tombstones += found.good.len();
    done.unreadable.extend(found.unreadable.iter().map(|name| format!("{}: {name}", ctx.tenant)));
    for stone in &found.good {
        done.erased += usize::from(forget_again(ctx, stone).await?);
    }
    let mut tx = ctx.begin().await?;
    let (campaigns, series) = store::going_on(tx.conn(), ctx.tenant).await?;
    let jobs = store::writing_jobs(tx.conn(), ctx.tenant).await?;
    tx.act(engine::operate::Action::Discard, &jobs).await?;
    tx.commit().await?;
    done.discarded += jobs.len();
    for campaign in &campaigns {
        Box::pin(steer::pause(ctx, *campaign)).await?;
    }
    for sequence in &series {
        sequences::publish::pause(ctx, *sequence).await?;
    }
    done.paused += campaigns.len() + series.len();
    loop {
        let settled = restored::settle(ctx, PAGE).await?;
        done.unknown += settled;
        if settled == 0 {
            return Ok(());
        }
    }
}

/// Carries an erasure out again that the database does not know of any more. All of it at once: nothing else works.
///
/// # Errors
/// If the database or storage refuses; then it goes on where it was when it is called again.
pub async fn forget_again(ctx: &Ctx, stone: &Tombstone) -> Result<bool> {
    if !begin::again(ctx, stone).await? {
        return Ok(false);
    }
    while stop::stop(ctx, stone.erasure).await? == stop::Stopped::Some {}
    keys::destroy(ctx, stone.erasure).await?;
    while rows::page(ctx, stone.erasure).await? {}
    certificate::certify(ctx, stone.erasure).await?;
    Ok(true)
}

/// The product itself in a tenant.
fn itself(platform: &Platform, tenant: TenantId) -> Ctx {
    Ctx {
        platform: platform.clone(),
        tenant,
        actor: Actor::System,
        session: None,
        grants: PermissionSet::all(),
        rows: Rows::All,
        pace: None,
        trace: None,
        idempotency: None,
        expected: None,
        opens: Opens::ForWork,
    }
}
