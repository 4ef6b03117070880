//! What deeds are worth: rules as commands. What one gives is decided in `rules`, pure.

pub(super) mod rules;
pub(super) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Deed, ROOT, days::Span, may_set_up, name_taken, tail, too_many};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    calls::outcome::CallOutcome,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{PointRuleId, Text},
};

/// Rules of a tenant: each is looked at for each deed.
const MOST: i64 = 100;

/// How much a rule gives one person at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// In each of these, in the tenant's zone; weeks begin on Monday.
    pub per: Span,
    /// 1 to 10,000,000.
    pub points: Option<i32>,
    /// 1 to 1,000,000.
    pub times: Option<i32>,
}

/// What a deed is to be worth.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPointRule {
    #[schema(value_type = String)]
    pub name: Text<100>,
    pub deed: Deed,
    /// 0 to 100,000; 0 only counts.
    pub points: i32,
    /// Only calls that came to this; of `call_completed`.
    pub outcome: Option<CallOutcome>,
    /// Only calls rated so well or better, 1 to 5; of `call_completed`.
    pub min_satisfaction: Option<i16>,
    /// Only calls in which was talked for so many seconds or longer; of `call_completed`.
    pub min_talk_s: Option<i32>,
    pub cap: Option<Cap>,
}

/// What a deed is worth, from when the rule was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PointRuleView {
    pub id: PointRuleId,
    pub name: String,
    pub deed: Deed,
    pub points: i32,
    pub outcome: Option<String>,
    pub min_satisfaction: Option<i16>,
    pub min_talk_s: Option<i32>,
    pub cap: Option<Cap>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl NewPointRule {
    fn check(&self) -> Result<()> {
        let mut wrong = FieldError::out_of_bounds([
            ("/points", Some(self.points), (0, 100_000)),
            ("/min_satisfaction", self.min_satisfaction.map(Into::into), (1, 5)),
            ("/min_talk_s", self.min_talk_s, (1, 86_400)),
            ("/cap/points", self.cap.and_then(|cap| cap.points), (1, 10_000_000)),
            ("/cap/times", self.cap.and_then(|cap| cap.times), (1, 1_000_000)),
        ]);
        if self.cap.is_some_and(|cap| cap.points.is_none() && cap.times.is_none()) {
            wrong.push(FieldError::new("/cap", "say `points` or `times`, or both"));
        }
        let asks = self.outcome.is_some() || self.min_satisfaction.is_some() || self.min_talk_s.is_some();
        if asks && self.deed != Deed::CallCompleted {
            let detail = "`outcome`, `min_satisfaction` and `min_talk_s` are known of `call_completed` only";
            wrong.push(FieldError::new("/deed", detail));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Makes a rule. What was done before gives nothing by it.
///
/// # Errors
/// If a value is out of bounds, the name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: NewPointRule) -> Result<Once<PointRuleView>> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (PointRuleId(ctx.id()), &mut keyed.tx);
    may_set_up(ctx, tx).await?;
    if store::count(tx.conn(), ctx.tenant).await? >= MOST {
        return Err(too_many(MOST));
    }
    if !store::insert(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("create", "point_rule", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("{ROOT}/rules/{id}")).await
}

/// The rules, the newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<PointRuleId>, limit: i64) -> Result<Vec<PointRuleView>> {
    ctx.require(Permission::GamificationRead)?;
    let mut tx = ctx.begin().await?;
    store::rules(tx.conn(), ctx.tenant, None, before, limit).await
}

/// One rule.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: PointRuleId) -> Result<PointRuleView> {
    ctx.require(Permission::GamificationRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Has a rule say something else from now on; what it gave stays. What was done before is worth what it said then.
///
/// # Errors
/// If there is none of this id, a value is out of bounds, or the name is taken.
pub async fn replace(ctx: &Ctx, id: PointRuleId, new: NewPointRule) -> Result<PointRuleView> {
    ctx.require(Permission::GamificationWrite)?;
    new.check()?;
    counted(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    if !store::update(tx.conn(), ctx.tenant, id, &new).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("update", "point_rule", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a rule away; what it gave stays.
///
/// # Errors
/// If there is none of this id.
pub async fn delete(ctx: &Ctx, id: PointRuleId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    counted(ctx, id).await?;
    let mut tx = ctx.begin().await?;
    hold(ctx, &mut tx, id).await?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "point_rule", id)]).await?;
    tx.commit().await
}

/// What was done before a rule is changed is worth what it said then.
async fn counted(ctx: &Ctx, id: PointRuleId) -> Result<()> {
    find(&mut ctx.begin().await?, id).await?;
    tail::catch_up(ctx).await
}

async fn hold(ctx: &Ctx, tx: &mut TenantTx, id: PointRuleId) -> Result<()> {
    may_set_up(ctx, tx).await?;
    let version = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("point_rule"))?;
    ctx.expect_version("point_rule", None, version)
}

async fn find(tx: &mut TenantTx, id: PointRuleId) -> Result<PointRuleView> {
    let tenant = tx.tenant;
    store::rules(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("point_rule"))
}
