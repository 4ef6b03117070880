//! Whose new leads are that somebody makes who sees only some of them.

use crate::{
    Ctx,
    access::rows::Rows,
    agents,
    error::{Error, Result},
    tenancy::TenantTx,
};

/// Refuses new leads of somebody who would not see them.
pub(super) fn require(ctx: &Ctx) -> Result<()> {
    if ctx.rows != Rows::Own(None) {
        return Ok(());
    }
    let detail =
        "you see only the leads of your agent, and are none; an admin links you by PATCH /api/v1/agents/{id}";
    Err(Error::beyond("", detail))
}

/// Holds the agent or the team that new leads of the caller come to until commit. What the caller sees was found out a
/// moment ago; whoever was deleted since then gets no lead any more.
///
/// # Errors
/// If they are gone.
pub(super) async fn hold(ctx: &Ctx, tx: &mut TenantTx) -> Result<()> {
    let there = match ctx.rows {
        Rows::Own(Some(agent)) => agents::store::share_agent(tx.conn(), ctx.tenant, agent).await?,
        Rows::Team(team) => agents::store::share_team(tx.conn(), ctx.tenant, team).await?,
        Rows::All | Rows::Own(None) => true,
    };
    if there {
        return Ok(());
    }
    let detail = "the agent or team whose leads you see was deleted at this moment; ask an admin for another";
    Err(Error::beyond("", detail))
}
