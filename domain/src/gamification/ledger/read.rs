//! What somebody was given, and what it was for.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::store::{self, EntryRow};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    gamification::{self, store as people},
    tenancy::TenantTx,
    types::{AgentId, PointEntryId, PointRuleId, TeamId},
};

/// A row of the ledger.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PointEntryView {
    pub id: PointEntryId,
    pub agent_id: AgentId,
    /// Their team when it was written.
    pub team_id: Option<TeamId>,
    /// `deed`, `hand`, `challenge`, `competition`, `redemption`, `refund` or `reversal`.
    pub source: String,
    /// When that was which it is for; of a reversal, when that was which is taken back.
    pub at: DateTime<Utc>,
    /// The day of `at` in the tenant's zone.
    pub day: NaiveDate,
    pub points: i32,
    /// What a cap kept back.
    pub withheld: i32,
    /// What was done: `call_answered`, `call_completed`, `lead_created` or `lead_converted`.
    pub deed: Option<String>,
    /// With what: `call:<id>` or `lead:<id>`.
    pub subject: Option<String>,
    pub rule_id: Option<PointRuleId>,
    /// The row that it takes back.
    pub reverses_id: Option<PointEntryId>,
    /// The row that takes it back.
    pub reversed_by_id: Option<PointEntryId>,
    /// Of what is given by hand: what for; of what is taken back: `undone`, `by_hand` or `below_target`.
    pub reason: Option<String>,
    /// Who gave it or took it back by hand.
    pub by_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// What an agent was given and what was taken back, the newest first, rows with ids below `before`; the caller's own if
/// none is named.
///
/// # Errors
/// If a permission is missing, or there is no such agent.
pub async fn history(
    ctx: &Ctx,
    agent: Option<AgentId>,
    before: Option<PointEntryId>,
    limit: i64,
) -> Result<Vec<PointEntryView>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let agent = seen(ctx, &mut tx, agent).await?;
    let rows = store::of_agent(tx.conn(), ctx.tenant, agent, before, limit).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// What all agents were given and what was taken back, the newest first, rows with ids below `before`.
///
/// # Errors
/// If the permission is missing, or the caller sees only some agents.
pub async fn all(ctx: &Ctx, before: Option<PointEntryId>, limit: i64) -> Result<Vec<PointEntryView>> {
    ctx.require(Permission::GamificationAward)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let rows = store::of_all(tx.conn(), ctx.tenant, before, limit).await?;
    Ok(rows.into_iter().map(view).collect())
}

/// One row.
///
/// # Errors
/// If there is none of this id that the caller may see.
pub async fn get(ctx: &Ctx, id: PointEntryId) -> Result<PointEntryView> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let entry = one(&mut tx, id).await?;
    match seen(ctx, &mut tx, Some(entry.agent_id)).await {
        Err(Error::NotFound(_)) => Err(Error::NotFound("point_entry")),
        seen => seen.map(|_| entry),
    }
}

/// The agent whose things are asked for: themselves, or one whom the caller sees; whoever sees all sees those who are gone, too.
///
/// # Errors
/// If there is no such agent.
pub(in crate::gamification) async fn seen(
    ctx: &Ctx,
    tx: &mut TenantTx,
    agent: Option<AgentId>,
) -> Result<AgentId> {
    let own = gamification::own_agent(ctx, tx).await?;
    match agent.or(own) {
        None => Err(Error::invalid("?agent_id", "you are no agent yourself; say whose")),
        Some(agent) if Some(agent) == own => Ok(agent),
        Some(agent) => {
            let tenant = tx.tenant;
            people::seen_agent(tx.conn(), tenant, agent, ctx.rows).await?.ok_or(Error::NotFound("agent"))
        }
    }
}

pub(super) async fn one(tx: &mut TenantTx, id: PointEntryId) -> Result<PointEntryView> {
    let tenant = tx.tenant;
    let row = store::these(tx.conn(), tenant, &[id]).await?.pop();
    row.map(view).ok_or(Error::NotFound("point_entry"))
}

fn view(row: EntryRow) -> PointEntryView {
    PointEntryView {
        id: row.id,
        agent_id: row.agent_id,
        team_id: row.team_id,
        source: row.source,
        at: row.at,
        day: row.day,
        points: row.points,
        withheld: row.withheld,
        deed: row.deed,
        subject: row.subject,
        rule_id: row.rule_id,
        reverses_id: row.reverses,
        reversed_by_id: row.reversed_by,
        reason: row.reason,
        by_id: row.by_id,
        created_at: row.created_at,
    }
}
