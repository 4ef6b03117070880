//! Tiers: where one stands by what one has ever earned. What is spent takes nothing of it away.
//!
//! A tier is worked out of the lifetime points when it is asked for, so another threshold holds at once. That somebody has come
//! to one is told once, with the points that bring them there or the next ones after it was made.

pub(super) mod store;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    ROOT,
    ledger::{NewEntry, Source},
    may_set_up, name_taken, too_many,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Once, TenantTx},
    types::{AgentId, Text, TierId},
};

const MOST: i64 = 50;
/// Benefits of a tier.
const MOST_BENEFITS: usize = 20;

/// What a tier is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTier {
    #[schema(value_type = String)]
    pub name: Text<60>,
    /// The lifetime points from which on one is in it; 0 or more, another one than those of the other tiers.
    pub threshold: i64,
    /// What it brings, in words; 20 at most.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false)]
    pub benefits: Vec<Text<200>>,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TierView {
    pub id: TierId,
    pub name: String,
    pub threshold: i64,
    pub benefits: Vec<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewTier {
    fn check(&self) -> Result<()> {
        if self.threshold < 0 {
            return Err(Error::invalid("/threshold", "0 or more"));
        }
        if self.benefits.len() > MOST_BENEFITS {
            return Err(Error::invalid("/benefits", format!("at most {MOST_BENEFITS}")));
        }
        Ok(())
    }

    fn benefits(&self) -> Vec<String> {
        self.benefits.iter().map(|benefit| benefit.as_str().to_owned()).collect()
    }
}

/// Makes a tier.
///
/// # Errors
/// If a value is out of bounds, name or threshold are taken, or there are too many.
pub async fn create(ctx: &Ctx, new: NewTier) -> Result<Once<TierView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (TierId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(too_many(MOST));
    }
    let put = (new.name.as_str(), new.threshold, new.benefits());
    taken(store::insert(tx.conn(), ctx.tenant, id, put).await?)?;
    tx.audit(&[Entry::new("create", "tier", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/tiers/{id}")).await
}

/// All tiers, the lowest first; there are few.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx) -> Result<Vec<TierView>> {
    ctx.require(Permission::GamificationRead)?;
    store::tiers(ctx.begin().await?.conn(), ctx.tenant, None).await
}

/// One tier.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: TierId) -> Result<TierView> {
    ctx.require(Permission::GamificationRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Changes a tier; who is in it changes at once.
///
/// # Errors
/// If there is none of this id, a value is out of bounds, or name or threshold are taken.
pub async fn replace(ctx: &Ctx, id: TierId, new: NewTier) -> Result<TierView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    let put = (new.name.as_str(), new.threshold, new.benefits());
    taken(store::update(tx.conn(), ctx.tenant, id, put).await?)?;
    tx.audit(&[Entry::new("update", "tier", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a tier away.
///
/// # Errors
/// If there is none of this id, or a conflict if a reward asks for it.
pub async fn delete(ctx: &Ctx, id: TierId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    if !store::retire(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::conflict("tier-in-use", "a reward asks for this tier; change that first"));
    }
    tx.audit(&[Entry::new("delete", "tier", id)]).await?;
    tx.commit().await
}

/// The tier of somebody with so many lifetime points, and the next one.
#[must_use]
pub(super) fn standing(tiers: &[TierView], lifetime: i64) -> (Option<&TierView>, Option<&TierView>) {
    let reached = tiers.iter().take_while(|tier| tier.threshold <= lifetime).count();
    (tiers.get(reached.wrapping_sub(1)), tiers.get(reached))
}

/// Tells of those who have come to a tier for the first time with these rows: of the highest that each has come to.
///
/// # Errors
/// If the database refuses.
pub(super) async fn advance(tx: &mut TenantTx, written: &[NewEntry]) -> Result<()> {
    let earned = |entry: &&NewEntry| {
        entry.points > 0 && !matches!(entry.source, Source::Redemption | Source::Refund | Source::Reversal)
    };
    let mut agents: Vec<AgentId> = written.iter().filter(earned).map(|entry| entry.agent).collect();
    if agents.is_empty() {
        return Ok(());
    }
    agents.sort_unstable();
    agents.dedup();
    let tenant = tx.tenant;
    let new = store::advance(tx.conn(), tenant, &agents).await?;
    // The highest comes last.
    let highest: BTreeMap<AgentId, TierId> = new.into_iter().collect();
    let event = |(agent, tier): (&AgentId, &TierId)| {
        Event::new(EventType::TierAdvanced, "tier", tier).with(serde_json::json!({ "agent_id": agent }))
    };
    tx.emit(&highest.iter().map(event).collect::<Vec<_>>()).await
}

fn taken(put: store::Put) -> Result<()> {
    match put {
        store::Put::Done => Ok(()),
        store::Put::Name => Err(name_taken()),
        store::Put::Threshold => {
            Err(Error::conflict("threshold-taken", "another tier begins there; choose another"))
        }
    }
}

async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: TierId) -> Result<()> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("tier"))?;
    ctx.expect_version("tier", None, version)
}

async fn find(tx: &mut TenantTx, id: TierId) -> Result<TierView> {
    let tenant = tx.tenant;
    store::tiers(tx.conn(), tenant, Some(id)).await?.pop().ok_or(Error::NotFound("tier"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_is_in_the_highest_tier_that_one_has_reached() {
        let tier = |name: &str, threshold| TierView {
            id: TierId(Uuid::nil()),
            name: name.into(),
            threshold,
            benefits: Vec::new(),
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
        };
        let tiers = [tier("bronze", 100), tier("silver", 200)];
        let names = |lifetime| {
            let (now, next) = standing(&tiers, lifetime);
            (now.map(|tier| tier.name.as_str()), next.map(|tier| tier.name.as_str()))
        };
        for (lifetime, wanted) in [
            (0, (None, Some("bronze"))),
            (99, (None, Some("bronze"))),
            (100, (Some("bronze"), Some("silver"))),
            (199, (Some("bronze"), Some("silver"))),
            (200, (Some("silver"), None)),
        ] {
            assert_eq!(names(lifetime), wanted, "{lifetime}");
        }
    }
}
