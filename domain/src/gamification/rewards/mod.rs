//! Rewards: what points are given for, as long as there are some left and for whoever has come far enough.
//!
//! - this file: rewards as commands; [`redeem`] points given for one, and what becomes of that

pub mod redeem;
pub(super) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ROOT, ledger, may_set_up, name_taken, own_agent, tiers, too_many};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{RewardId, Text, TierId},
};

const MOST: i64 = 500;

/// What a reward is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReward {
    #[schema(value_type = String)]
    pub name: Text<100>,
    #[schema(value_type = Option<String>)]
    pub description: Option<Text<500>>,
    /// In points; 1 to 100,000,000.
    pub price: i32,
    /// How many there are, 0 to 1,000,000; any number if not said.
    pub stock: Option<i32>,
    /// How many one person may have, 1 to 1,000; any number if not said.
    pub most_each: Option<i32>,
    /// From this tier on it is there to be had.
    pub tier_id: Option<TierId>,
}

/// A reward.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RewardView {
    pub id: RewardId,
    pub name: String,
    pub description: String,
    pub price: i32,
    /// How many are left; null for any number.
    pub stock: Option<i32>,
    pub most_each: Option<i32>,
    pub tier_id: Option<TierId>,
    /// The name of that tier.
    pub tier: Option<String>,
    /// Whether the caller has come to that tier; null for whoever is no agent.
    pub unlocked: Option<bool>,
    /// Whether the caller has the points for it; null for whoever is no agent.
    pub affordable: Option<bool>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewReward {
    fn check(&self) -> Result<()> {
        let wrong = FieldError::out_of_bounds([
            ("/price", Some(self.price), (1, 100_000_000)),
            ("/stock", self.stock, (0, 1_000_000)),
            ("/most_each", self.most_each, (1, 1_000)),
        ]);
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Makes a reward.
///
/// # Errors
/// If a value is out of bounds, the tier is not there, the name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: NewReward) -> Result<Once<RewardView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (RewardId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(too_many(MOST));
    }
    named_tier(tx, new.tier_id).await?;
    if !store::insert(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("create", "reward", id)]).await?;
    let view = find(ctx, tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/rewards/{id}")).await
}

/// The rewards, the newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<RewardId>, limit: i64) -> Result<Vec<RewardView>> {
    ctx.require(Permission::GamificationRead)?;
    read(ctx, &mut ctx.begin().await?, None, before, limit).await
}

/// One reward.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: RewardId) -> Result<RewardView> {
    ctx.require(Permission::GamificationRead)?;
    find(ctx, &mut ctx.begin().await?, id).await
}

/// Changes a reward. The stock that is said is what is left from now on: send the version that it was counted for.
///
/// # Errors
/// If there is none of this id, a value is out of bounds, the tier is not there, or the name is taken.
pub async fn replace(ctx: &Ctx, id: RewardId, new: NewReward) -> Result<RewardView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    named_tier(&mut tx, new.tier_id).await?;
    if !store::update(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("update", "reward", id)]).await?;
    let view = find(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a reward away; what was redeemed stays.
///
/// # Errors
/// If there is none of this id.
pub async fn delete(ctx: &Ctx, id: RewardId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "reward", id)]).await?;
    tx.commit().await
}

async fn named_tier(tx: &mut TenantTx, tier: Option<TierId>) -> Result<()> {
    let tenant = tx.tenant;
    match tier {
        Some(tier) if !tiers::store::is_there(tx.conn(), tenant, tier).await? => {
            Err(Error::invalid("/tier_id", "there is no such tier"))
        }
        Some(_) | None => Ok(()),
    }
}

async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: RewardId) -> Result<()> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("reward"))?.version;
    ctx.expect_version("reward", None, version)
}

async fn find(ctx: &Ctx, tx: &mut TenantTx, id: RewardId) -> Result<RewardView> {
    read(ctx, tx, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("reward"))
}

async fn read(
    ctx: &Ctx,
    tx: &mut TenantTx,
    only: Option<RewardId>,
    before: Option<RewardId>,
    limit: i64,
) -> Result<Vec<RewardView>> {
    let rows = store::rewards(tx.conn(), ctx.tenant, only, before, limit).await?;
    let own = own_agent(ctx, tx).await?;
    let has = match own {
        Some(agent) => {
            let totals = ledger::store::totals(tx.conn(), ctx.tenant, agent).await?;
            Some(totals.map_or((0, 0), |totals| (totals.lifetime, totals.balance)))
        }
        None => None,
    };
    let view = |row: store::RewardRow| RewardView {
        id: row.id,
        name: row.name,
        description: row.description,
        price: row.price,
        stock: row.stock,
        most_each: row.most_each,
        tier_id: row.tier_id,
        tier: row.tier,
        unlocked: has.map(|(lifetime, _)| row.threshold.is_none_or(|threshold| lifetime >= threshold)),
        affordable: has.map(|(_, balance)| balance >= row.price.into()),
        version: row.version,
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
