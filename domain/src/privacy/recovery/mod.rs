//! After the database was restored to an earlier moment: nothing is sent a second time by itself, and whoever was erased since
//! then is forgotten again. What may have been sent waits for a person.
//!
//! All work of an installation stops that finds itself on another cluster, or on another timeline of it, than it was at work
//! on last: that is what a restore looks like, and a failover too. [`guard`] looks as a process starts, and
//! `engine.leave_unless_at_home` on each new connection that claims: both cut all connections. [`recover`] does what is to be
//! done and lets work go on; [`planned_failover`] lets it go on at once where nothing was lost. A copy of the data folder that
//! was put back is on the same timeline: run `switchboard recover --anyway` after it, before any worker starts.

mod of_tenant;
mod store;

use engine::{
    ELSEWHERE,
    operate::{Decider, Scope},
};

pub use self::of_tenant::forget_again;
use crate::{
    audit::Entry,
    ctx::{OperatorCtx, Platform},
    error::{Error, Result},
    tenancy::SystemTx,
    types::TenantId,
};

/// Everything, everywhere.
const ALL: Scope<'static> = Scope { queue: None, tenant: None, kind: None };
/// Tenants looked up at a time, and messages, campaigns and runs settled.
const PAGE: i64 = 200;

/// How it is to be done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct How {
    /// Also where the installation is where it was last.
    pub anyway: bool,
    /// Work goes on although there are unreadable tombstones or something could not be held.
    pub regardless: bool,
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    pub tenants: usize,
    /// Messages that may have been sent after the moment of the restore: they are `unknown` now.
    pub unknown: usize,
    /// Campaigns and sequences that might have written again to whom they had written: they are paused now. Each with its
    /// tenant.
    pub paused: Vec<String>,
    /// Runs of workflows that might have: they are cancelled, and can be taken up again. The audit log names them.
    pub stopped: usize,
    /// Erasures that were carried out again.
    pub erased: usize,
    /// Tombstones in the storage in all.
    pub tombstones: usize,
    /// Files in the place of tombstones that this installation did not write, or not so: look why.
    pub unreadable: Vec<String>,
    /// Campaigns and sequences that could not be paused, and why.
    pub left: Vec<String>,
    /// Whether work goes on. If not, all of it is still paused.
    pub goes_on: bool,
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
    tx.pause_scope(Decider::Product, ALL, ELSEWHERE).await?;
    tx.commit().await?;
    tracing::error!("all work is paused: {ELSEWHERE}");
    Ok(true)
}

/// Does what is to be done after a restore, tenant by tenant, and lets work go on, unless something is left for people to
/// look at first. Cut off, it is run again. None if the installation is where it was and nothing was left by a run before,
/// unless it is to be done anyway.
///
/// # Errors
/// If the database or storage refuses; then work stays paused.
pub async fn recover(platform: &Platform, how: How) -> Result<Option<Recovered>> {
    let home = is_at_home(platform).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    if home && !how.anyway && !store::is_paused(tx.conn()).await? {
        return Ok(None);
    }
    tx.pause_scope(Decider::Product, ALL, ELSEWHERE).await?;
    tx.commit().await?;
    // A backup may be older than the days that were made ahead in it.
    platform.engine.ensure_partitions().await?;
    let mut done = Recovered::default();
    each_tenant(platform, async |tenant| of_tenant::recover(platform, tenant, &mut done).await).await?;
    // What was due since begins now that no campaign is left which it could begin, and is cancelled if it writes: left to a
    // scheduler that starts afterwards, a report would go a second time.
    platform.engine.tick().await?;
    each_tenant(platform, async |tenant| of_tenant::runs(platform, tenant, &mut done).await).await?;
    done.goes_on = how.regardless || (done.unreadable.is_empty() && done.left.is_empty());
    if done.goes_on {
        settle(platform, "recover").await?;
    }
    Ok(Some(done))
}

async fn each_tenant(platform: &Platform, mut visit: impl AsyncFnMut(TenantId) -> Result<()>) -> Result<()> {
    let mut after = TenantId(uuid::Uuid::nil());
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let tenants = store::tenants(tx.conn(), after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = tenants.last() else { return Ok(()) };
        after = *last;
        for tenant in tenants {
            visit(tenant).await?;
        }
    }
}

/// Lets work go on after another server has taken over in good order, so that nothing was lost that this installation had
/// written. Nothing is looked through.
///
/// # Errors
/// A conflict if this is another cluster or no later timeline of the one that was at work last, or if the database refuses.
pub async fn planned_failover(platform: &Platform) -> Result<()> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let is_later = store::is_later_timeline(tx.conn()).await?;
    tx.commit().await?;
    if !is_later {
        return Err(Error::conflict(
            "no-failover",
            "this is no later timeline of the cluster that was at work last, so no standby of it took over; after a \
             restore run `switchboard recover`",
        ));
    }
    settle(platform, "fail_over").await
}

/// Writes down that the installation is at work here, and lets work go on.
async fn settle(platform: &Platform, verb: &'static str) -> Result<()> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::settle_here(tx.conn()).await?;
    tx.resume_scope(Decider::Product, ALL).await?;
    let entry = Entry::new(verb, "installation", uuid::Uuid::nil());
    tx.audit(&OperatorCtx::of_machine(platform), crate::upkeep::ITSELF, &[entry.notice()]).await?;
    tx.commit().await
}
