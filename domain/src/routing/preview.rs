//! Where a lead would go, and why: the decision of [`route`](super::route) on what is there at this moment, which locks
//! and writes nothing.

use serde::Serialize;

use super::{
    decide::Reason,
    ground::Ground,
    route::{Outcome, check, outcome, unchanged},
    store,
    strategies::{Strategy, Target},
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    types::{AgentId, LeadId, RuleId, TeamId},
};

/// Where a lead would go.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RoutePreview {
    pub lead_id: LeadId,
    pub outcome: Outcome,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    /// The rule that decides.
    pub rule_id: Option<RuleId>,
    pub strategy: Option<Strategy>,
    /// What is looked at, in its order.
    pub steps: Vec<Reason>,
}

/// Says where a lead would go if it were routed now.
///
/// # Errors
/// As routing itself, besides that it would not be seen any more.
pub async fn preview(ctx: &Ctx, lead: LeadId, ask: Option<Target>, reroute: bool) -> Result<RoutePreview> {
    ctx.require(Permission::RoutingPreview)?;
    let mut tx = ctx.begin().await?;
    let row = store::lead(tx.conn(), ctx.tenant, lead).await?.ok_or(Error::NotFound("lead"))?;
    if !ctx.rows.hold(row.owner_id, row.team_id) {
        return Err(Error::NotFound("lead"));
    }
    check(&mut tx, ask, "").await?;
    let (routed, strategy, steps) = if let Some(routed) = unchanged(&row, reroute) {
        (routed, None, Vec::new())
    } else {
        let mut ground = Ground::of(&mut tx, std::slice::from_ref(&row), ask, false).await?;
        let decision = ground.decide(&row)?;
        (outcome(&row, ask, &decision)?, decision.strategy, decision.steps)
    };
    Ok(RoutePreview {
        lead_id: lead,
        outcome: routed.outcome,
        owner_id: routed.owner_id,
        team_id: routed.team_id,
        rule_id: routed.rule_id,
        strategy,
        steps,
    })
}
