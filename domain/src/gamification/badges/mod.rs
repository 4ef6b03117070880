//! Badges: each given once for an occasion, and counted.

pub(super) mod award;
pub(super) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use award::{BadgeAwardView, NewAward, awards, by_hand};
pub(super) use award::{earned, give};

use super::{Deed, ROOT, may_set_up, name_taken, too_many};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{BadgeId, Text},
};

const MOST: i64 = 200;

/// What a badge is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBadge {
    #[schema(value_type = String)]
    pub name: Text<60>,
    #[schema(value_type = Option<String>)]
    pub description: Option<Text<500>>,
    /// Whether one may have it more than once, each time for another occasion.
    #[serde(default)]
    pub repeats: bool,
    /// It comes by itself for this.
    pub on: Option<Often>,
}

/// So many of a deed; with `repeats` for each so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Often {
    pub deed: Deed,
    /// 1 to 1,000,000.
    pub every: i32,
}

/// A badge.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BadgeView {
    pub id: BadgeId,
    pub name: String,
    pub description: String,
    pub repeats: bool,
    pub on: Option<Often>,
    /// How many people have it, and how often it was given.
    pub holders: i64,
    pub awards: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewBadge {
    fn check(&self) -> Result<()> {
        if self.on.is_some_and(|on| !(1..=1_000_000).contains(&on.every)) {
            return Err(Error::invalid("/on/every", "1 to 1,000,000"));
        }
        Ok(())
    }
}

/// Makes a badge. Whoever has done enough for it already has it with the next deed.
///
/// # Errors
/// If a value is out of bounds, the name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: NewBadge) -> Result<Once<BadgeView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (BadgeId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(too_many(MOST));
    }
    if !store::insert(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("create", "badge", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/badges/{id}")).await
}

/// The badges, the newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<BadgeId>, limit: i64) -> Result<Vec<BadgeView>> {
    ctx.require(Permission::GamificationRead)?;
    store::badges(ctx.begin().await?.conn(), ctx.tenant, None, before, limit).await
}

/// One badge.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: BadgeId) -> Result<BadgeView> {
    ctx.require(Permission::GamificationRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Changes a badge; whoever has it keeps it.
///
/// # Errors
/// If there is none of this id, a value is out of bounds, or the name is taken.
pub async fn replace(ctx: &Ctx, id: BadgeId, new: NewBadge) -> Result<BadgeView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    if !store::update(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("update", "badge", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a badge away: it is not given any more, also where a challenge or a competition says so. Whoever has it keeps it.
///
/// # Errors
/// If there is none of this id.
pub async fn delete(ctx: &Ctx, id: BadgeId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "badge", id)]).await?;
    tx.commit().await
}

/// A badge that something is to bring is there, and comes by nothing else.
///
/// # Errors
/// If it is not, or does.
pub(super) async fn named(tx: &mut TenantTx, id: Option<BadgeId>) -> Result<()> {
    let tenant = tx.tenant;
    let Some(id) = id else { return Ok(()) };
    match store::ways(tx.conn(), tenant, id).await? {
        None => Err(Error::invalid("/badge_id", "there is no such badge")),
        Some(ways) if ways.by_itself => {
            Err(Error::invalid("/badge_id", "this one comes by itself; name another"))
        }
        Some(_) => Ok(()),
    }
}

async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: BadgeId) -> Result<()> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("badge"))?;
    ctx.expect_version("badge", None, version)
}

async fn find(tx: &mut TenantTx, id: BadgeId) -> Result<BadgeView> {
    let tenant = tx.tenant;
    store::badges(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("badge"))
}
