//! Legal holds: a law asks for what is known of somebody, so they are neither erased nor deleted, and nothing of theirs goes
//! by its age, until the hold is released (GDPR Art. 17(3)(b) and (e)). Several may stand at a time; each is released on its own.

pub(crate) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    leads::merged,
    privacy::erasure,
    tenancy::{Begun, Once, TenantTx},
    types::{HoldId, LeadId, SubjectId, Text},
};

/// Somebody to be held.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
    /// Why. Nothing of the person.
    #[schema(value_type = String, example = "claim 4711 is before the court")]
    pub reason: Text<500>,
    /// The law that asks for it.
    #[schema(value_type = String, example = "GDPR Art. 17(3)(e)")]
    pub law: Text<200>,
}

/// How a hold ends.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Why. Nothing of the person.
    #[schema(value_type = String, example = "the claim was settled")]
    pub reason: Text<500>,
}

/// A hold, as it stands or stood.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HoldView {
    pub id: HoldId,
    pub lead_id: SubjectId,
    pub reason: String,
    pub law: String,
    pub placed_by: Option<uuid::Uuid>,
    pub placed_at: DateTime<Utc>,
    pub released_by: Option<uuid::Uuid>,
    /// None while it holds.
    pub released_at: Option<DateTime<Utc>>,
    pub release_reason: Option<String>,
}

/// Which holds to list.
#[derive(Default)]
pub struct HoldFilter {
    pub id: Option<HoldId>,
    pub lead: Option<LeadId>,
    /// Those that stand, or those that do not.
    pub standing: Option<bool>,
}

/// Holds somebody.
///
/// # Errors
/// If the permission is missing or there is no such lead.
pub async fn place(ctx: &Ctx, new: NewHold) -> Result<Once<HoldView>> {
    ctx.require(Permission::PrivacyHold)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let held = merged::hold(tx, new.lead_id, ctx.rows).await?;
    let lead = held.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?;
    if !erasure::running_among(tx, &[lead]).await?.is_empty() {
        return Err(erasure::goes_on());
    }
    let id = HoldId(ctx.id());
    let (reason, law) = (new.reason.as_str(), new.law.as_str());
    store::insert(tx.conn(), ctx.tenant, id, SubjectId(lead.0), (reason, law), ctx.actor.id()).await?;
    let detail = json!({ "lead_id": lead, "law": law });
    tx.audit(&[Entry::new("create", "legal_hold", id).detail(detail).notice()]).await?;
    let view = one(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/compliance/legal-holds/{id}")).await
}

/// Releases a hold. What waited for it goes on.
///
/// # Errors
/// If there is no such hold, or a conflict if it was released before.
pub async fn release(ctx: &Ctx, id: HoldId, release: &Release) -> Result<HoldView> {
    ctx.require(Permission::PrivacyHold)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    // An erasure that looks at the hold in this moment is waited for, and is woken if it was held back.
    let hold = one(&mut tx, id).await?;
    erasure::begin::hold_lead(&mut tx, LeadId(hold.lead_id.0)).await?;
    let (by, why) = (ctx.actor.id(), release.reason.as_str());
    let Some(subject) = store::release(tx.conn(), ctx.tenant, id, by, why).await? else {
        return Err(Error::conflict("hold-released", "the hold was released already"));
    };
    erasure::wake(&mut tx, subject).await?;
    tx.audit(&[Entry::new("release", "legal_hold", id).notice()]).await?;
    let view = one(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing.
pub async fn list(
    ctx: &Ctx,
    filter: &HoldFilter,
    before: Option<HoldId>,
    limit: i64,
) -> Result<Vec<HoldView>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, filter, before, limit).await
}

/// # Errors
/// If there is no such hold.
pub async fn get(ctx: &Ctx, id: HoldId) -> Result<HoldView> {
    let filter = HoldFilter { id: Some(id), ..HoldFilter::default() };
    list(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("legal hold"))
}

/// Those of some leads that are not to be deleted.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn held_among(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    store::held_among(tx.conn(), tenant, leads).await
}

/// Two leads become one: what held the one that goes holds the one that stays.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    store::merge(tx.conn(), tenant, winner, loser).await
}

async fn one(tx: &mut TenantTx, id: HoldId) -> Result<HoldView> {
    let tenant = tx.tenant;
    let filter = HoldFilter { id: Some(id), ..HoldFilter::default() };
    let found = store::list(tx.conn(), tenant, &filter, None, 1).await?;
    found.into_iter().next().ok_or(Error::NotFound("legal hold"))
}
