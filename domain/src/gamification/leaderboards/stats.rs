//! The figures of it all, and how one agent stands.

use serde::Serialize;

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    gamification::{
        days::Span,
        ledger::{self, read::seen},
        own_agent, store as ground,
        tiers::{self, TierView},
    },
    tenancy::TenantTx,
    types::{AgentId, BadgeId, TierId},
};

/// Points, deeds and people of a span of days.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EarnedView {
    pub points: i64,
    /// How often something was done that is worth points.
    pub deeds: i64,
    /// How many have done something.
    pub players: i64,
}

/// How many stand in a tier.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TierCount {
    pub tier_id: TierId,
    pub name: String,
    pub threshold: i64,
    pub agents: i64,
}

/// How many of a badge somebody has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BadgeCount {
    pub badge_id: BadgeId,
    pub name: String,
    pub count: i64,
}

/// How an agent stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AgentStanding {
    pub agent_id: AgentId,
    /// All that was earned and not taken back.
    pub lifetime_points: i64,
    pub spent_points: i64,
    /// What is left to spend.
    pub balance: i64,
    /// What was taken back after it had been spent: it comes off what is earned next.
    pub owed_points: i64,
    /// By lifetime points; those with as many share a rank.
    pub rank: i64,
    pub tier: Option<TierView>,
    pub next_tier: Option<TierView>,
    /// How many are missing to the next tier; null where there is none.
    pub points_to_next_tier: Option<i64>,
    pub today: i64,
    pub week: i64,
    pub month: i64,
    pub badges: Vec<BadgeCount>,
}

/// The figures of it all.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GameStats {
    /// Of today, in the tenant's zone.
    pub today: EarnedView,
    /// Of this week, from Monday.
    pub week: EarnedView,
    pub month: EarnedView,
    pub lifetime_points: i64,
    pub spent_points: i64,
    pub open_balance: i64,
    /// How many have ever earned something.
    pub players: i64,
    /// How often a badge was given.
    pub badges_awarded: i64,
    pub active_challenges: i64,
    pub running_competitions: i64,
    /// Redemptions that wait to be settled, counted up to 1,000.
    pub open_redemptions: i64,
    pub tiers: Vec<TierCount>,
    /// The agent that was asked for, or the caller's own; null where there is none.
    pub agent: Option<AgentStanding>,
}

/// The figures, and how an agent stands.
///
/// # Errors
/// If the permission is missing, or there is no such agent.
pub async fn stats(ctx: &Ctx, agent: Option<AgentId>) -> Result<GameStats> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let agent = match agent {
        Some(agent) => Some(seen(ctx, &mut tx, Some(agent)).await?),
        None => own_agent(ctx, &mut tx).await?,
    };
    let (_, _, today) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let tiers = tiers::store::tiers(tx.conn(), ctx.tenant, None).await?;
    let counts = tiers::store::counts(tx.conn(), ctx.tenant).await?;
    let count = |tier: &TierView| TierCount {
        tier_id: tier.id,
        name: tier.name.clone(),
        threshold: tier.threshold,
        agents: counts.iter().find(|(id, _)| *id == tier.id).map_or(0, |(_, agents)| *agents),
    };
    let sums = store::sums(tx.conn(), ctx.tenant).await?;
    let mut spans = Vec::with_capacity(Span::ALL.len());
    for span in Span::ALL {
        let (points, deeds, players) = store::earned(tx.conn(), ctx.tenant, span.around(today), None).await?;
        spans.push(EarnedView { points, deeds, players });
    }
    let none = || EarnedView { points: 0, deeds: 0, players: 0 };
    let mut spans = spans.into_iter();
    Ok(GameStats {
        today: spans.next().unwrap_or_else(none),
        week: spans.next().unwrap_or_else(none),
        month: spans.next().unwrap_or_else(none),
        lifetime_points: sums.lifetime,
        spent_points: sums.spent,
        open_balance: sums.balance,
        players: sums.players,
        badges_awarded: sums.badges,
        active_challenges: sums.challenges,
        running_competitions: sums.competitions,
        open_redemptions: sums.redemptions,
        tiers: tiers.iter().map(count).collect(),
        agent: match agent {
            Some(agent) => Some(standing(&mut tx, &tiers, agent, today).await?),
            None => None,
        },
    })
}

async fn standing(
    tx: &mut TenantTx,
    tiers: &[TierView],
    agent: AgentId,
    today: chrono::NaiveDate,
) -> Result<AgentStanding> {
    let tenant = tx.tenant;
    let totals = ledger::store::totals(tx.conn(), tenant, agent).await?;
    let of = |field: fn(&ledger::store::Totals) -> i64| totals.as_ref().map_or(0, field);
    let lifetime = of(|totals| totals.lifetime);
    let (tier, next) = tiers::standing(tiers, lifetime);
    let mut earned = [0; 3];
    for (span, earned) in Span::ALL.into_iter().zip(&mut earned) {
        *earned = store::earned(tx.conn(), tenant, span.around(today), Some(agent)).await?.0;
    }
    let [day, week, month] = earned;
    Ok(AgentStanding {
        agent_id: agent,
        lifetime_points: lifetime,
        spent_points: of(|totals| totals.spent),
        balance: of(|totals| totals.balance),
        owed_points: of(|totals| totals.owed),
        rank: store::rank(tx.conn(), tenant, lifetime).await?,
        tier: tier.cloned(),
        next_tier: next.cloned(),
        points_to_next_tier: next.map(|next| next.threshold - lifetime),
        today: day,
        week,
        month,
        badges: store::badges(tx.conn(), tenant, agent).await?,
    })
}
