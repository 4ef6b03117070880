//! Restriction (GDPR Art. 18): what is known of somebody stays and is read, and nothing else is done with it. They are sent
//! nothing, neither as the lead nor by their bare number or address; they are not scored and not routed, and no file of many
//! leads has them in it: one that was written before ends. [`crate::messages::gates`] asks at the moment of sending, so what waits already is held back too.

pub(crate) mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::addresses::{self, Reached};
use crate::{
    Ctx,
    access::permission::Permission,
    analytics::export::{GoneWhy, erase as exports},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::merged,
    tenancy::{Begun, Latch, Once, TenantTx},
    types::{LeadId, RestrictionId, SubjectId, Text},
};

/// Somebody to be restricted.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRestriction {
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
    /// Why: which of the cases of Art. 18(1). Nothing of the person.
    #[schema(value_type = String, example = "says that the number is wrong; being checked")]
    pub reason: Text<500>,
}

/// How a restriction ends.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Why; the person is to be told before (Art. 18(3)). Nothing of the person.
    #[schema(value_type = String, example = "the number was corrected, and they were told")]
    pub reason: Text<500>,
}

/// A restriction, as it stands or stood.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RestrictionView {
    pub id: RestrictionId,
    pub lead_id: SubjectId,
    pub reason: String,
    pub set_by: Option<uuid::Uuid>,
    pub set_at: DateTime<Utc>,
    pub lifted_by: Option<uuid::Uuid>,
    /// None while it stands.
    pub lifted_at: Option<DateTime<Utc>>,
    pub lift_reason: Option<String>,
}

/// Which restrictions to list.
#[derive(Default)]
pub struct RestrictionFilter {
    pub id: Option<RestrictionId>,
    pub lead: Option<LeadId>,
    /// Those that stand, or those that do not.
    pub standing: Option<bool>,
}

/// Restricts what is done with somebody. Who is restricted already stays so, and that is what is answered.
///
/// # Errors
/// If the permission is missing or there is no such lead.
pub async fn set(ctx: &Ctx, new: NewRestriction) -> Result<Once<RestrictionView>> {
    ctx.require(Permission::PrivacyRestrict)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    // Before all locks of rows, for `end_with`.
    Latch::Exports.take(tx.conn(), ctx.tenant).await?;
    let held = merged::hold(tx, new.lead_id, ctx.rows).await?;
    let lead = held.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?;
    let known = addresses::of_leads(tx, &[lead]).await?;
    let fresh = RestrictionId(ctx.id());
    let row = store::NewRow {
        id: fresh,
        subject: SubjectId(lead.0),
        reason: new.reason.as_str(),
        by: ctx.actor.id(),
        phone: known.first().and_then(Reached::phone_index),
        email: known.first().and_then(Reached::email_index),
    };
    let id = store::insert(tx.conn(), ctx.tenant, &row).await?;
    let mut taken_out = Vec::new();
    if id == fresh {
        taken_out = exports::end_with(tx, &[SubjectId(lead.0)], GoneWhy::Restricted).await?;
        store::mark(tx.conn(), ctx.tenant, lead, true).await?;
        let detail = json!({ "lead_id": lead });
        tx.audit(&[Entry::new("create", "restriction", id).detail(detail).notice()]).await?;
        tx.emit(&[Event::new(EventType::LeadRestricted, "lead", lead)]).await?;
    }
    let view = one(tx, id).await?;
    let set = keyed.commit(view, 201, format!("/api/v1/compliance/gdpr/restriction/{id}")).await?;
    // Nothing in them can be read by now; what is left where storage does not answer is taken away by upkeep.
    if let Err(error) = exports::remove(&ctx.platform, ctx.tenant, &taken_out).await {
        tracing::warn!(%error, "files of somebody who was restricted are left over in storage");
    }
    Ok(set)
}

/// Lifts a restriction.
///
/// # Errors
/// If there is no such restriction, or a conflict if it was lifted before.
pub async fn lift(ctx: &Ctx, id: RestrictionId, lift: &Lift) -> Result<RestrictionView> {
    ctx.require(Permission::PrivacyRestrict)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let (by, why) = (ctx.actor.id(), lift.reason.as_str());
    let Some(subject) = store::lift(tx.conn(), ctx.tenant, id, by, why).await? else {
        one(&mut tx, id).await?;
        return Err(Error::conflict("restriction-lifted", "the restriction was lifted already"));
    };
    store::mark(tx.conn(), ctx.tenant, LeadId(subject.0), false).await?;
    tx.audit(&[Entry::new("lift", "restriction", id).notice()]).await?;
    tx.emit(&[Event::new(EventType::LeadUnrestricted, "lead", subject)]).await?;
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
    filter: &RestrictionFilter,
    before: Option<RestrictionId>,
    limit: i64,
) -> Result<Vec<RestrictionView>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, filter, before, limit).await
}

/// # Errors
/// If there is no such restriction.
pub async fn get(ctx: &Ctx, id: RestrictionId) -> Result<RestrictionView> {
    let filter = RestrictionFilter { id: Some(id), ..RestrictionFilter::default() };
    list(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("restriction"))
}

/// What is answered where somebody asks for what a restriction forbids.
#[must_use]
pub(crate) fn forbids() -> Error {
    let detail = "what is done with this person's data is restricted; lift the restriction first";
    Error::conflict("lead-restricted", detail)
}

/// Whether a lead is restricted; one that is not there is not.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn is_restricted(tx: &mut TenantTx, lead: LeadId) -> Result<bool> {
    let tenant = tx.tenant;
    store::is_marked(tx.conn(), tenant, lead).await
}

/// Those of some leads that are restricted.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn among(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<LeadId>> {
    let tenant = tx.tenant;
    store::marked_among(tx.conn(), tenant, leads).await
}

/// Two leads become one: it is restricted if either was.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    store::merge(tx.conn(), tenant, winner, loser).await
}

async fn one(tx: &mut TenantTx, id: RestrictionId) -> Result<RestrictionView> {
    let tenant = tx.tenant;
    let filter = RestrictionFilter { id: Some(id), ..RestrictionFilter::default() };
    let found = store::list(tx.conn(), tenant, &filter, None, 1).await?;
    found.into_iter().next().ok_or(Error::NotFound("restriction"))
}
