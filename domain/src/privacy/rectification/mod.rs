//! Rectification (GDPR Art. 16): what somebody says is wrong is corrected as any change of a lead is, and it is written down
//! that it was, of which fields and why; never the values. Whoever was given the data hears of it by the event
//! `lead.rectified` (Art. 19), which webhooks carry.

mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{commands, lead::LeadChange, merged},
    tenancy::{Begun, Once},
    types::{LeadId, RectificationId, Text},
};

/// What is to be corrected.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRectification {
    /// Where it was merged into another, that one.
    pub lead_id: LeadId,
    /// What is right, as in a change of the lead.
    pub change: LeadChange,
    /// Why, and how it was checked. Nothing of the person.
    #[schema(value_type = String, example = "asked by e-mail; compared with the contract")]
    pub reason: Text<500>,
}

/// A correction that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RectificationView {
    pub id: RectificationId,
    pub lead_id: LeadId,
    /// The fields that were corrected.
    pub fields: Vec<String>,
    pub reason: String,
    pub made_by: Option<uuid::Uuid>,
    pub made_at: DateTime<Utc>,
}

/// Corrects what is known of somebody.
///
/// # Errors
/// If a permission is missing, there is no such lead, nothing is to be corrected, or as a change of a lead errs.
pub async fn make(ctx: &Ctx, new: NewRectification) -> Result<Once<RectificationView>> {
    ctx.require(Permission::PrivacyRectify)?;
    ctx.require(Permission::LeadsWrite)?;
    let fields = fields(&new.change);
    if fields.is_empty() {
        return Err(Error::invalid("/change", "say what is right: name at least one field of the person"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let lead = merged::by_now(tx, new.lead_id, ctx.rows).await?;
    let lead = lead.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?;
    commands::rectify(ctx, tx, lead, &new.change).await.map_err(|wrong| wrong.below("/change"))?;
    let id = RectificationId(ctx.id());
    store::insert(tx.conn(), ctx.tenant, (id, lead), &fields, new.reason.as_str(), ctx.actor.id()).await?;
    let detail = json!({ "lead_id": lead, "fields": fields });
    tx.audit(&[Entry::new("create", "rectification", id).detail(detail.clone()).notice()]).await?;
    let told = json!({ "rectification_id": id, "fields": fields });
    tx.emit(&[Event::new(EventType::LeadRectified, "lead", lead).with(told)]).await?;
    let view = store::list(tx.conn(), ctx.tenant, Some(id), None, None, 1).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a rectification just saved is not there"))?;
    keyed.commit(view, 201, format!("/api/v1/compliance/gdpr/rectification/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing.
pub async fn list(
    ctx: &Ctx,
    lead: Option<LeadId>,
    before: Option<RectificationId>,
    limit: i64,
) -> Result<Vec<RectificationView>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, None, lead, before, limit).await
}

/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: RectificationId) -> Result<RectificationView> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let found = store::list(tx.conn(), ctx.tenant, Some(id), None, None, 1).await?;
    found.into_iter().next().ok_or(Error::NotFound("rectification"))
}

/// What of a change is about the person.
fn fields(change: &LeadChange) -> Vec<String> {
    let named = [
        ("name", change.name.is_some()),
        ("phone", change.phone.is_some()),
        ("email", change.email.is_some()),
        ("language", change.language.is_some()),
        ("region", change.region.is_some()),
        ("tags", change.tags.is_some()),
        ("attributes", change.attributes.is_some()),
    ];
    named.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()).collect()
}
