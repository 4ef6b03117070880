//! Challenges: something to be reached each day, week or month of the tenant's zone, by each for themselves.
//!
//! A round is a day, week or month, from its first instant to before the next one's. It is a row once somebody has done
//! something in it, and is closed a little after its end; what is told later counts no more.
//!
//! - this file: challenges as commands; [`members`] who takes part
//! - [`board`] scorecards, live; [`claim`] what is given for what was reached, and the end of a round
//! - `scoring` what rows of the ledger count for

pub mod board;
pub mod claim;
pub mod members;
pub(super) mod scoring;
pub(super) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Metric, ROOT, badges, days::Period, may_set_up, name_taken, store as ground, tail, too_many};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::{BadgeId, ChallengeId, TeamId, Text},
};

/// Challenges of a tenant: each is looked at for each row of the ledger.
pub(super) const MOST: i64 = 100;

/// What is to be reached.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChallenge {
    #[schema(value_type = String)]
    pub name: Text<100>,
    #[schema(value_type = Option<String>)]
    pub description: Option<Text<500>>,
    /// Its rounds, in the tenant's zone; weeks begin on Monday.
    pub period: Period,
    pub metric: Metric,
    /// 1 to 1,000,000,000.
    pub target: i64,
    /// Only members of this team take part.
    pub team_id: Option<TeamId>,
    /// Only those take part who join, and with what they do from then on.
    #[serde(default)]
    pub by_joining: bool,
    /// What whoever reaches it can claim; 0 to 100,000.
    #[serde(default)]
    #[schema(required = false)]
    pub reward_points: i32,
    pub badge_id: Option<BadgeId>,
    /// What was done before does not count; now if not said, and not before that.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub starts_at: Option<Moment>,
    /// What is done from then on does not count.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub ends_at: Option<Moment>,
}

/// A challenge.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChallengeView {
    pub id: ChallengeId,
    pub name: String,
    pub description: String,
    pub period: Period,
    pub metric: Metric,
    pub target: i64,
    pub team_id: Option<TeamId>,
    pub by_joining: bool,
    pub reward_points: i32,
    pub badge_id: Option<BadgeId>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewChallenge {
    fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        if !(1..=1_000_000_000).contains(&self.target) {
            wrong.push(FieldError::new("/target", "1 to 1,000,000,000"));
        }
        if !(0..=100_000).contains(&self.reward_points) {
            wrong.push(FieldError::new("/reward_points", "0 to 100,000"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Makes a challenge.
///
/// # Errors
/// If a value is out of bounds, team or badge are not there, the name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: NewChallenge) -> Result<Once<ChallengeView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (ChallengeId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(too_many(MOST));
    }
    let now = ground::now(tx.conn()).await?;
    let starts_at = new.starts_at.map_or(now, Moment::utc).max(now);
    whole(tx, &new, starts_at).await?;
    if !store::insert(tx.conn(), ctx.tenant, id, &new, starts_at).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("create", "challenge", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/challenges/{id}")).await
}

/// The challenges, the newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<ChallengeId>, limit: i64) -> Result<Vec<ChallengeView>> {
    ctx.require(Permission::GamificationRead)?;
    store::challenges(ctx.begin().await?.conn(), ctx.tenant, None, before, limit).await
}

/// One challenge.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: ChallengeId) -> Result<ChallengeView> {
    ctx.require(Permission::GamificationRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Changes what a challenge asks for and brings. Its period and what it counts stay, and so does when it began: of rounds that
/// go on the progress is kept, and another target holds from the next round on.
///
/// # Errors
/// If there is none of this id, a value is out of bounds or differs that must not, or the name is taken.
pub async fn replace(ctx: &Ctx, id: ChallengeId, new: NewChallenge) -> Result<ChallengeView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    counted(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    let there = find(&mut tx, id).await?;
    if (there.period, there.metric) != (new.period, new.metric) {
        return Err(Error::invalid("/metric", "period and metric of a challenge stay; make another one"));
    }
    whole(&mut tx, &new, there.starts_at).await?;
    if !store::update(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("update", "challenge", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a challenge away. What was reached in a round that goes on is given when the round ends, unless it was claimed.
///
/// # Errors
/// If there is none of this id.
pub async fn delete(ctx: &Ctx, id: ChallengeId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    counted(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "challenge", id)]).await?;
    tx.commit().await
}

/// What was done before something is changed counts by what was said then.
async fn counted(ctx: &Ctx, id: ChallengeId) -> Result<()> {
    find(&mut ctx.begin().await?, id).await?;
    tail::catch_up(ctx).await
}

async fn whole(tx: &mut TenantTx, new: &NewChallenge, starts_at: DateTime<Utc>) -> Result<()> {
    let tenant = tx.tenant;
    if new.ends_at.is_some_and(|ends| ends.utc() <= starts_at) {
        return Err(Error::invalid("/ends_at", "after it begins"));
    }
    if let Some(team) = new.team_id
        && ground::teams_there(tx.conn(), tenant, &[team]).await? == 0
    {
        return Err(Error::invalid("/team_id", "there is no such team"));
    }
    badges::named(tx, new.badge_id).await
}

async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: ChallengeId) -> Result<()> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("challenge"))?;
    ctx.expect_version("challenge", None, version)
}

pub(super) async fn find(tx: &mut TenantTx, id: ChallengeId) -> Result<ChallengeView> {
    let tenant = tx.tenant;
    store::challenges(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("challenge"))
}
