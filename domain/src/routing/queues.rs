//! Looking at the queues of teams.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::store;
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    calls::{self, waiting::WaitingCall},
    error::{Error, Result},
    tenancy::TenantTx,
    types::{LeadId, RuleId, SkillId, TeamId},
};

/// The queue of a team.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct QueueView {
    /// The team's.
    pub id: TeamId,
    pub name: String,
    /// Leads that wait.
    pub waiting: i64,
    /// Since when the oldest of them does.
    pub oldest: Option<DateTime<Utc>>,
    /// Those of them that wait longer than the service level allows; none where there is no service level.
    pub overdue: i64,
    /// The service level in seconds.
    pub sla_s: Option<i32>,
    pub overflow_team_id: Option<TeamId>,
    /// Seconds in this queue after which a lead or a call goes on to that team.
    pub overflow_after_s: Option<i32>,
    /// Incoming calls that wait.
    pub waiting_calls: i64,
    /// Since when the oldest of them does.
    pub oldest_call: Option<DateTime<Utc>>,
    /// Those of them that wait longer than the service level allows; none where there is no service level.
    pub overdue_calls: i64,
    /// Incoming calls of the last 24 hours that are answered or over.
    pub calls: i64,
    /// Those of them that were answered.
    pub answered_calls: i64,
    /// Those of them that were answered within the service level.
    pub calls_in_time: i64,
    /// `calls_in_time` as a share of `calls`, 0 to 1; null without a service level or without calls.
    pub service_level: Option<f64>,
}

/// A lead that waits.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WaitingLead {
    pub id: LeadId,
    /// In any queue without a break.
    pub waiting_since: DateTime<Utc>,
    /// Since when it is in this one; null of a lead that was made here.
    pub entered_at: Option<DateTime<Utc>>,
    pub score: Option<i16>,
    /// The rule that brought it here.
    pub rule_id: Option<RuleId>,
    /// How whoever gets it is chosen.
    pub strategy: Option<String>,
    /// The skill that whoever gets it must have; none if it waits for none, or for one that is gone: then anybody will do.
    pub skill_id: Option<SkillId>,
    pub min_level: Option<i16>,
    /// When it was told that it waits too long.
    pub overdue_at: Option<DateTime<Utc>>,
}

/// The queues of all teams that the caller sees leads of, the newest team first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<TeamId>, limit: i64) -> Result<Vec<QueueView>> {
    ctx.require(Permission::AutomationRead)?;
    if let Rows::Own(_) = ctx.rows {
        return Ok(Vec::new());
    }
    let mut tx = ctx.begin().await?;
    store::queues(tx.conn(), ctx.tenant, ctx.rows.team(), before, limit).await
}

/// The calls of a team's queue behind a place, the oldest first.
///
/// # Errors
/// If there is no such team, or the caller sees none of its calls.
pub async fn waiting_calls(
    ctx: &Ctx,
    team: TeamId,
    behind: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<WaitingCall>> {
    let mut tx = look(ctx, team).await?;
    calls::store::waiting(tx.conn(), ctx.tenant, team, behind, limit).await
}

/// The leads of a team's queue behind a place, the oldest first.
///
/// # Errors
/// If there is no such team, or the caller sees none of its leads.
pub async fn waiting(
    ctx: &Ctx,
    team: TeamId,
    behind: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<WaitingLead>> {
    let mut tx = look(ctx, team).await?;
    store::waiting(tx.conn(), ctx.tenant, team, behind, limit).await
}

/// A transaction in which a team is there whose queue the caller sees.
async fn look(ctx: &Ctx, team: TeamId) -> Result<TenantTx> {
    ctx.require(Permission::AutomationRead)?;
    if !ctx.rows.hold(None, Some(team)) {
        return Err(Error::NotFound("team"));
    }
    let mut tx = ctx.begin().await?;
    if store::cursors(tx.conn(), ctx.tenant, &[team.0]).await?.is_empty() {
        return Err(Error::NotFound("team"));
    }
    Ok(tx)
}
