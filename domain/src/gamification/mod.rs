//! Points for what agents do, and what comes of points.
//!
//! The ledger is the one truth: a row for each thing that gives or takes points, never changed. It is fed by the log of
//! events ([`tail`]) through [`point_rules`], and by hand. What is shown of it are sums that are kept in the transaction of
//! each row, so no page counts rows. Whoever writes the ledger of a tenant holds the lock of its head, so caps, standings and
//! badges are decided one after the other; a redemption holds its reward and the balance of its agent alone.
//!
//! What games count is what was done and what was given by hand, with what takes that back; never what games gave.
//!
//! - [`ledger`] rows and sums, points by hand, what somebody was given; [`point_rules`] what deeds are worth, with caps
//! - [`challenges`] what is to be reached each day, week or month; [`competitions`] teams against each other; [`close`] the job
//!   that ends both
//! - [`tiers`] where one stands by what one has ever earned; [`badges`]; [`rewards`] what points are given for
//! - [`leaderboards`] who has how many, and the figures of it all
//! - [`tail`] from events to rows, `told` what an event means, pure; `days` local days, weeks and months, pure; `people` names

pub mod badges;
pub mod challenges;
pub mod close;
pub mod competitions;
pub mod days;
pub mod leaderboards;
pub mod ledger;
mod people;
pub mod point_rules;
pub mod rewards;
mod store;
pub mod tail;
pub mod tiers;
mod told;

use crate::{
    Ctx,
    access::permission::Permission,
    ctx::Actor,
    error::{Error, Result},
    tenancy::TenantTx,
    types::AgentId,
    words::words,
};

words! {
    /// What an agent does that is worth something.
    Deed {
        /// A call was picked up.
        CallAnswered = "call_answered",
        /// A call is over, and it was said what it came to.
        CallCompleted = "call_completed",
        /// A lead was made that is theirs.
        LeadCreated = "lead_created",
        /// A lead of theirs has come to `converted`.
        LeadConverted = "lead_converted",
    }
}

words! {
    /// What a challenge or a competition counts.
    Metric {
        Points = "points",
        CallAnswered = "call_answered",
        CallCompleted = "call_completed",
        LeadCreated = "lead_created",
        LeadConverted = "lead_converted",
    }
}

/// Where the things of this folder are read.
const ROOT: &str = "/api/v1/gamification-advanced";

/// The agent that a request is for: the one that the caller is, or another one, for whoever may play for others.
///
/// # Errors
/// If a permission is missing, the caller is no agent and names none, or there is no such agent.
async fn player(ctx: &Ctx, tx: &mut TenantTx, named: Option<AgentId>) -> Result<AgentId> {
    ctx.require(Permission::GamificationPlay)?;
    let tenant = tx.tenant;
    let own = own_agent(ctx, tx).await?;
    let Some(agent) = named.filter(|agent| Some(*agent) != own) else {
        let detail = "you are no agent yourself; say whom it is for";
        return own.ok_or_else(|| Error::invalid("/agent_id", detail));
    };
    ctx.require(Permission::GamificationAward)?;
    let there = store::agent(tx.conn(), tenant, agent, ctx.rows).await?;
    there.ok_or_else(|| Error::invalid("/agent_id", "there is no such agent"))?;
    Ok(agent)
}

/// The agent behind the user who asks.
async fn own_agent(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<AgentId>> {
    let tenant = tx.tenant;
    match ctx.actor {
        Actor::User(user) => store::agent_of(tx.conn(), tenant, user).await,
        Actor::ApiKey(_) | Actor::Operator(_) | Actor::System => Ok(None),
    }
}

/// A thing of this tenant's is set up: from now on its log is read for points. Nobody counts meanwhile, and nobody else sets
/// something up, so there are never more than there may be.
///
/// # Errors
/// If the permission is missing, the caller sees only some leads, or the database refuses.
async fn may_set_up(ctx: &Ctx, tx: &mut TenantTx) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    ctx.require_all_rows()?;
    let tenant = tx.tenant;
    store::lock_head(tx.conn(), tenant).await
}

fn name_taken() -> Error {
    Error::conflict("name-taken", "another one has this name; choose another")
}

fn too_many(most: i64) -> Error {
    Error::conflict(
        "too-many",
        format!("a tenant has at most {most} of these; take one away that is not used"),
    )
}
