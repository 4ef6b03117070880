//! Points given for rewards: one transaction, in which stock, balance and ledger change together or not at all. Whoever redeems
//! holds the reward and then the balance, so as many are given as there are, and nobody gives what they do not have.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store;
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    gamification::{
        ROOT,
        ledger::{self, NewEntry, Source, store as sums},
        people, player, store as ground,
    },
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, PointEntryId, RedemptionId, RewardId},
    vault::Personal,
    words::words,
};

words! {
    /// What became of a redemption.
    RedemptionState {
        Placed = "placed",
        /// They have it.
        Fulfilled = "fulfilled",
        /// It was called off: the points are back.
        Cancelled = "cancelled",
    }
}

/// What is to be redeemed.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    pub reward_id: RewardId,
    /// For whom; the caller's own agent if not said.
    pub agent_id: Option<AgentId>,
}

/// Points that were given for a reward.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RedemptionView {
    pub id: RedemptionId,
    pub reward_id: RewardId,
    pub reward: String,
    pub agent_id: AgentId,
    /// `former member` of somebody who is gone or was erased.
    #[serde(serialize_with = "crate::gamification::people::shown")]
    #[schema(value_type = String)]
    pub name: Personal<String>,
    pub price: i32,
    /// `placed`, `fulfilled` or `cancelled`.
    pub state: String,
    pub at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Gives points for a reward.
///
/// # Errors
/// If there is no such reward or agent, or a conflict if none is left, they have as many as one may have, have not come to its
/// tier, or lack the points.
pub async fn redeem(ctx: &Ctx, asked: Redeem) -> Result<Once<RedemptionView>> {
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let agent = player(ctx, tx, asked.agent_id).await?;
    let reward = store::lock(tx.conn(), ctx.tenant, asked.reward_id).await?;
    let reward = reward.ok_or_else(|| Error::invalid("/reward_id", "there is no such reward"))?;
    if reward.stock == Some(0) {
        return Err(Error::conflict("out-of-stock", "none is left of this reward; choose another"));
    }
    let balance = sums::lock_balance(tx.conn(), ctx.tenant, agent).await?;
    let lifetime = sums::totals(tx.conn(), ctx.tenant, agent).await?.map_or(0, |totals| totals.lifetime);
    if let (Some(threshold), Some(tier)) = (reward.threshold, &reward.tier)
        && lifetime < threshold
    {
        let detail =
            format!("it is there from {tier} on; earn {} points more for that", threshold - lifetime);
        return Err(Error::conflict("tier-needed", detail));
    }
    if balance < reward.price.into() {
        let detail =
            format!("it costs {} points, and {balance} are there; earn those that are missing", reward.price);
        return Err(Error::conflict("too-few-points", detail));
    }
    if let Some(most) = reward.most_each {
        let has = store::count_of(tx.conn(), ctx.tenant, asked.reward_id, agent, most.into()).await?;
        if has >= most.into() {
            let detail = format!("one may have {most} of this reward, and they have them; choose another");
            return Err(Error::conflict("had-enough", detail));
        }
    }
    let (zone, now, _) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let (id, entry) = (RedemptionId(ctx.id()), PointEntryId(ctx.id()));
    let row = NewEntry {
        points: -reward.price,
        subject: Some(format!("redemption:{id}")),
        by: ctx.actor.id(),
        ..NewEntry::of(entry.0, agent, Source::Redemption, format!("redemption:{id}"), now)
    };
    ledger::write(tx, zone, vec![row]).await?;
    store::take(tx.conn(), ctx.tenant, asked.reward_id).await?;
    store::insert_redemption(tx.conn(), ctx.tenant, id, (asked.reward_id, agent, reward.price, entry))
        .await?;
    let detail = json!({ "reward_id": asked.reward_id, "agent_id": agent, "price": reward.price });
    tx.audit(&[Entry::new("redeem", "reward", asked.reward_id).detail(detail)]).await?;
    let told = Event::new(EventType::RewardRedeemed, "reward", asked.reward_id);
    let team = ground::teams_of(tx.conn(), ctx.tenant, &[agent]).await?.pop().and_then(|(_, team)| team);
    let body = json!({ "redemption_id": id, "agent_id": agent, "team_id": team, "price": reward.price });
    tx.emit(&[told.with(body)]).await?;
    let view = find(ctx, tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/redemptions/{id}")).await
}

/// Redemptions, the newest first, those with ids below `before`: of those whom the caller sees, and their own.
///
/// # Errors
/// If the permission is missing, or the caller sees only their own and is no agent.
pub async fn list(
    ctx: &Ctx,
    state: Option<RedemptionState>,
    before: Option<RedemptionId>,
    limit: i64,
) -> Result<Vec<RedemptionView>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let whose = whose(ctx, &mut tx).await?;
    let state = state.map(RedemptionState::as_str);
    let rows = store::redemptions(tx.conn(), ctx.tenant, None, (whose, state), before, limit).await?;
    named(ctx, &mut tx, rows).await
}

/// One redemption.
///
/// # Errors
/// If there is none of this id that the caller may see.
pub async fn get(ctx: &Ctx, id: RedemptionId) -> Result<RedemptionView> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    let whose = whose(ctx, &mut tx).await?;
    one(ctx, &mut tx, id, whose).await
}

/// Says that somebody has what they gave points for.
///
/// # Errors
/// If there is none of this id, or a conflict if it is settled.
pub async fn fulfil(ctx: &Ctx, id: RedemptionId) -> Result<RedemptionView> {
    let mut tx = held(ctx, id).await?;
    store::settle(tx.conn(), ctx.tenant, id, RedemptionState::Fulfilled.as_str()).await?;
    tx.audit(&[Entry::new("fulfil", "redemption", id)]).await?;
    let view = find(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Calls a redemption off: the points are back, and there is one more of the reward.
///
/// # Errors
/// If there is none of this id, or a conflict if it is settled.
pub async fn cancel(ctx: &Ctx, id: RedemptionId) -> Result<RedemptionView> {
    let mut tx = held(ctx, id).await?;
    let view = find(ctx, &mut tx, id).await?;
    // The reward comes before the balance, as where it was redeemed.
    store::give_back(tx.conn(), ctx.tenant, view.reward_id).await?;
    let (zone, now, _) = ground::zone_and_now(tx.conn(), ctx.tenant).await?;
    let row = NewEntry {
        points: view.price,
        subject: Some(format!("redemption:{id}")),
        by: ctx.actor.id(),
        ..NewEntry::of(ctx.id(), view.agent_id, Source::Refund, format!("refund:{id}"), now)
    };
    ledger::write(&mut tx, zone, vec![row]).await?;
    store::settle(tx.conn(), ctx.tenant, id, RedemptionState::Cancelled.as_str()).await?;
    tx.audit(&[Entry::new("cancel", "redemption", id).notice()]).await?;
    let view = find(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Whose redemptions the caller sees.
async fn whose(ctx: &Ctx, tx: &mut TenantTx) -> Result<store::Whose> {
    let own = super::own_agent(ctx, tx).await?;
    if own.is_none() && matches!(ctx.rows, Rows::Own(_)) {
        let detail = "you see only what is yours and are no agent, so there is nothing of yours";
        return Err(Error::beyond("", detail));
    }
    Ok(store::Whose { rows: ctx.rows, own })
}

/// One that is not settled, locked.
async fn held(ctx: &Ctx, id: RedemptionId) -> Result<TenantTx> {
    ctx.require(Permission::GamificationWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_redemption(tx.conn(), ctx.tenant, id).await?;
    let (version, state) = held.ok_or(Error::NotFound("redemption"))?;
    ctx.expect_version("redemption", None, version)?;
    if state != RedemptionState::Placed.as_str() {
        return Err(Error::conflict("redemption-settled", format!("it is {state} already")));
    }
    Ok(tx)
}

async fn find(ctx: &Ctx, tx: &mut TenantTx, id: RedemptionId) -> Result<RedemptionView> {
    one(ctx, tx, id, store::Whose::ALL).await
}

async fn one(ctx: &Ctx, tx: &mut TenantTx, id: RedemptionId, whose: store::Whose) -> Result<RedemptionView> {
    let rows = store::redemptions(tx.conn(), ctx.tenant, Some(id), (whose, None), None, 1).await?;
    named(ctx, tx, rows).await?.pop().ok_or(Error::NotFound("redemption"))
}

async fn named(ctx: &Ctx, tx: &mut TenantTx, rows: Vec<store::RedemptionRow>) -> Result<Vec<RedemptionView>> {
    let agents: Vec<AgentId> = rows.iter().map(|row| row.agent_id).collect();
    let names = people::names(ctx, tx, &agents).await?;
    let view = |row: store::RedemptionRow| RedemptionView {
        id: row.id,
        reward_id: row.reward_id,
        reward: row.reward,
        agent_id: row.agent_id,
        name: people::of(&names, row.agent_id),
        price: row.price,
        state: row.state,
        at: row.at,
        settled_at: row.settled_at,
        version: row.version,
    };
    Ok(rows.into_iter().map(view).collect())
}
