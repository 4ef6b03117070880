//! Whether an agent has a socket open, and what becomes of one who has none any more.
//!
//! The rule: an agent who waits (`available` or `break`) is signed off when the last socket of their user was closed
//! and none came back within [`PATIENCE`]. A second tab that closes signs nobody off. A status that was set by hand
//! after the departure holds, and whoever never had a socket is never signed off: who works by the API alone says
//! themselves when they go. A socket that opens changes no status. During a call and while writing up nobody is signed
//! off; it is looked at again when they wait.

use std::time::Duration;

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    availability::AgentStatus,
    status::{self, Why},
    store,
};
use crate::{
    Ctx,
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::{SystemTx, TenantTx},
    types::{TenantId, UserId},
};

/// How long a socket may take to come back: a page that loads anew, a restart of this product.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Agents of a tenant who are seen off in one transaction.
const AT_A_TIME: i64 = 500;

/// The job that signs off an agent whose sockets are gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct LeaveAgent {
    pub user: UserId,
}

impl JobKind for LeaveAgent {
    const KIND: &'static str = "leave_agent";
    const QUEUE: &'static str = "automation";
}

/// What came of looking whether somebody is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// They left anew since the job was made: look again after this.
    Early(Duration),
    /// Whether they were signed off.
    Done(bool),
}

/// Counts a socket of the caller's in a process; `false` if the caller is no agent.
///
/// # Errors
/// If the database refuses.
pub async fn arrive(ctx: &Ctx, node: Uuid) -> Result<bool> {
    let Actor::User(user) = ctx.actor else { return Ok(false) };
    let mut tx = ctx.begin().await?;
    // Whoever signs them off at this moment is waited for, and waits.
    if !store::share_agent_of(tx.conn(), ctx.tenant, user).await? {
        return Ok(false);
    }
    store::count_in(tx.conn(), ctx.tenant, user, node).await?;
    tx.commit().await?;
    Ok(true)
}

/// Counts a socket that [arrived](arrive) out again. After the last one the agent is looked for in a while.
///
/// # Errors
/// If the database refuses.
pub async fn depart(ctx: &Ctx, node: Uuid) -> Result<()> {
    let Actor::User(user) = ctx.actor else { return Ok(()) };
    let mut tx = ctx.begin().await?;
    // Whoever looks for them at this moment is waited for: it forgets departures.
    store::share_agent_of(tx.conn(), ctx.tenant, user).await?;
    store::count_out(tx.conn(), ctx.tenant, user, node).await?;
    let there = store::presence(tx.conn(), ctx.tenant, user).await?;
    if there.is_some_and(|there| there.sockets == 0) {
        look_for(&mut tx, &[user]).await?;
    }
    tx.commit().await
}

/// Has agents looked for, each once at a time.
async fn look_for(tx: &mut TenantTx, users: &[UserId]) -> Result<()> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let job = |user: &UserId| -> serde_json::Result<NewJob> {
        let job = NewJob::of(tenant.0, platform.chance.id(), &LeaveAgent { user: *user })?;
        Ok(job.unique(user.to_string()).delay(PATIENCE))
    };
    let jobs = users.iter().map(job).collect::<serde_json::Result<Vec<_>>>().map_err(Error::internal)?;
    tx.enqueue(&jobs).await?;
    Ok(())
}

/// Signs off an agent whose sockets are gone for long enough, if they wait.
///
/// # Errors
/// If the database refuses.
pub async fn leave(tx: &mut TenantTx, user: UserId) -> Result<Look> {
    let tenant = tx.tenant;
    let held = store::lock_agent_of(tx.conn(), tenant, user).await?;
    // Read under the lock, so that a socket that has just come is seen.
    let Some(there) = store::presence(tx.conn(), tenant, user).await? else { return Ok(Look::Done(false)) };
    let Some(held) = held.filter(|_| there.sockets == 0) else {
        // They came back, or are no agent any more.
        forget(tx, user).await?;
        return Ok(Look::Done(false));
    };
    let gone = Duration::from_millis(u64::try_from(there.gone_ms).unwrap_or(0));
    if let Some(wait) = PATIENCE.checked_sub(gone).filter(|wait| !wait.is_zero()) {
        return Ok(Look::Early(wait));
    }
    if matches!(held.status, AgentStatus::OnCall | AgentStatus::WrapUp) {
        // That they left is kept for when they wait again: the upkeep looks then.
        return Ok(Look::Done(false));
    }
    forget(tx, user).await?;
    if held.status == AgentStatus::Offline {
        return Ok(Look::Done(false));
    }
    status::set(tx, &held, AgentStatus::Offline, Why::Gone).await?;
    Ok(Look::Done(true))
}

/// Forgets that somebody left; sockets that are open stay counted.
pub(super) async fn forget(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let tenant = tx.tenant;
    store::forget_departure(tx.conn(), tenant, user).await
}

/// Counts out the sockets of processes that are gone; answers of how many users.
///
/// # Errors
/// If the database refuses.
pub async fn count_out_the_lost(platform: &Platform) -> Result<u64> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let lost = store::count_out_the_lost(tx.conn()).await?;
    tx.commit().await?;
    Ok(lost)
}

/// Tenants with agents who wait though their sockets are gone.
///
/// # Errors
/// If the database does not answer.
pub async fn tenants_with_gone(platform: &Platform, limit: i64) -> Result<Vec<TenantId>> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::tenants_with_gone(tx.conn(), limit).await
}

/// Has the agents of the tenant looked for who wait though their sockets are gone; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn look_for_gone(ctx: &Ctx) -> Result<usize> {
    let mut tx = ctx.begin().await?;
    let gone = store::gone(tx.conn(), ctx.tenant, AT_A_TIME).await?;
    look_for(&mut tx, &gone).await?;
    tx.commit().await?;
    Ok(gone.len())
}
