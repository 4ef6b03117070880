//! Jobs in figures: what ended and what waits, from the engine's counters. Nothing is counted for it.

use engine::{
    queues::{self, QueueView},
    tallies::{self, Cell, Depth, Ended, Part, Span},
};

use crate::{Ctx, access::permission::Permission, error::Result};

/// What ended in a span, and what is unfinished now.
#[derive(Debug, Clone)]
pub struct Figures {
    /// By steps of time, for the part that was asked for.
    pub ended: Vec<Ended>,
    /// All of it, by what it is counted by.
    pub cells: Vec<Cell>,
    pub depths: Vec<Depth>,
}

/// The figures of the tenant's jobs.
///
/// # Errors
/// If the permission is missing, or the caller sees only some leads.
pub async fn figures(ctx: &Ctx, span: Span, step_minutes: i32, part: &Part) -> Result<Figures> {
    ctx.require(Permission::JobsRead)?;
    ctx.require_all_rows()?;
    let tenant = ctx.tenant.0;
    let mut tx = ctx.begin().await?;
    let ended = tallies::ended(tx.conn(), tenant, span, step_minutes, part).await?;
    let cells = tallies::cells(tx.conn(), tenant, span).await?;
    let depths = tallies::depths(tx.conn(), tenant).await?;
    Ok(Figures { ended, cells, depths })
}

/// What ended in a span in one of these ways, and what is unfinished.
///
/// # Errors
/// If the permission is missing, or the caller sees only some leads.
pub async fn by_end(ctx: &Ctx, span: Span, whats: &[&str]) -> Result<(Vec<Cell>, Vec<Depth>)> {
    ctx.require(Permission::JobsRead)?;
    ctx.require_all_rows()?;
    let whats: Vec<String> = whats.iter().map(|what| (*what).to_owned()).collect();
    let mut tx = ctx.begin().await?;
    let cells = tallies::cells_of(tx.conn(), ctx.tenant.0, span, &whats).await?;
    Ok((cells, tallies::depths(tx.conn(), ctx.tenant.0).await?))
}

/// What waits in each queue and since when, for whoever may see the jobs themselves.
///
/// # Errors
/// If the permission is missing, or the caller sees only some leads.
pub async fn backlog(ctx: &Ctx) -> Result<Vec<QueueView>> {
    ctx.require(Permission::JobsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    Ok(queues::list(tx.conn(), ctx.tenant.0).await?)
}

/// How a queue's attempts ended in a span by steps, for whoever may see the queues.
///
/// # Errors
/// If the permission is missing.
pub async fn of_queue(ctx: &Ctx, queue: &str, span: Span, step_minutes: i32) -> Result<Vec<Ended>> {
    ctx.require(Permission::QueuesRead)?;
    let part = Part { queue: Some(queue.to_owned()), ..Part::default() };
    let mut tx = ctx.begin().await?;
    Ok(tallies::ended(tx.conn(), ctx.tenant.0, span, step_minutes, &part).await?)
}

/// What ended in a span and what is unfinished, by queue and kind, for whoever may see the queues.
///
/// # Errors
/// If the permission is missing.
pub async fn by_queue(ctx: &Ctx, span: Span) -> Result<(Vec<Cell>, Vec<Depth>)> {
    ctx.require(Permission::QueuesRead)?;
    let mut tx = ctx.begin().await?;
    let cells = tallies::cells(tx.conn(), ctx.tenant.0, span).await?;
    Ok((cells, tallies::depths(tx.conn(), ctx.tenant.0).await?))
}
