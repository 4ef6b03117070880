//! How many sockets a tenant has, and what came to them: each process that serves sockets writes down its own part.

use serde::Serialize;
use uuid::Uuid;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    ctx::{OperatorCtx, Platform},
    error::Result,
    tenancy::SystemTx,
    types::TenantId,
};

/// What one process says of one tenant's sockets. What is counted is counted since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub tenant: TenantId,
    /// Open now.
    pub sockets: i32,
    /// Events told.
    pub sent: i64,
    /// Events that found the queue of a socket full. They were read from the log instead, or it was closed.
    pub dropped: i64,
    /// Sockets closed because nobody took what they were told.
    pub slow: i64,
    /// Events that the socket furthest behind does not know of yet.
    pub lag: i64,
}

/// The sockets of one process.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SocketProcess {
    pub node_id: Uuid,
    pub name: String,
    pub connections: i32,
    pub sent: i64,
    pub dropped: i64,
    pub slow_closed: i64,
    pub lag: i64,
}

/// The sockets of the tenant, of all processes that are alive; counted again every two seconds.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SocketStats {
    /// Open now.
    pub connections: i64,
    /// Events told since the processes started.
    pub sent: i64,
    /// Events that found the queue of a socket full. They were read from the log instead, or the socket was closed.
    pub dropped: i64,
    /// Sockets closed with 1013 because nobody took what they were told.
    pub slow_closed: i64,
    /// Events that the socket furthest behind does not know of yet.
    pub lag: i64,
    pub processes: Vec<SocketProcess>,
}

/// Writes down what a process counts.
///
/// # Errors
/// If the database refuses.
pub async fn note(platform: &Platform, node: Uuid, counted: &[Counted]) -> Result<()> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::put_counts(tx.conn(), node, counted).await?;
    tx.commit().await
}

/// Forgets what processes counted that are gone.
///
/// # Errors
/// If the database refuses.
pub async fn forget_the_lost(platform: &Platform) -> Result<()> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    store::delete_lost_counts(tx.conn()).await?;
    tx.commit().await
}

/// The sockets of the caller's tenant.
///
/// # Errors
/// If the permission is missing, or the database does not answer.
pub async fn stats(ctx: &Ctx) -> Result<SocketStats> {
    ctx.require(Permission::NodesRead)?;
    let mut tx = ctx.begin().await?;
    let processes = store::counts(tx.conn(), ctx.tenant).await?;
    let sum = |of: fn(&SocketProcess) -> i64| processes.iter().map(of).sum();
    Ok(SocketStats {
        connections: sum(|one| one.connections.into()),
        sent: sum(|one| one.sent),
        dropped: sum(|one| one.dropped),
        slow_closed: sum(|one| one.slow_closed),
        lag: processes.iter().map(|one| one.lag).max().unwrap_or(0),
        processes,
    })
}

/// The sockets of one tenant, of all processes that are alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSockets {
    pub slug: String,
    pub connections: i64,
    pub sent: i64,
    pub dropped: i64,
    pub slow_closed: i64,
    pub lag: i64,
}

/// The sockets of tenants that have any or had some, in the order of their slugs, those after one.
///
/// # Errors
/// If the database does not answer.
pub async fn by_tenant(by: &OperatorCtx, after: &str, limit: i64) -> Result<Vec<TenantSockets>> {
    let mut tx = SystemTx::begin_patient(&by.platform.engine).await?;
    store::counts_by_tenant(tx.conn(), after, limit).await
}

/// The sockets of each process that is alive, of all tenants.
///
/// # Errors
/// If the database does not answer.
pub async fn by_process(by: &OperatorCtx) -> Result<Vec<SocketProcess>> {
    let mut tx = SystemTx::begin_patient(&by.platform.engine).await?;
    store::counts_by_process(tx.conn()).await
}
