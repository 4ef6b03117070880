//! Campaigns as they are written: commands.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    definition::{AudienceMode, Content, Definition, Limits, Timing},
    rules::{
        lifecycle::{CampaignStatus, Command},
        pause::pause_why,
    },
    run::{standing, templates},
    store::{self, CampaignRow, Said},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    leads::{audience::Audience, commands::Filter},
    tenancy::{Begun, Once, TenantTx},
    types::{CampaignId, CampaignRunId},
};

/// What a campaign is to be.
#[derive(Debug)]
pub struct NewCampaign {
    pub name: String,
    /// Whom it is to: all leads that fit everything that is said.
    pub filter: Filter,
    pub definition: Definition,
}

/// A campaign.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignView {
    pub id: CampaignId,
    pub name: String,
    pub status: CampaignStatus,
    pub audience: AudienceView,
    pub content: Content,
    pub schedule: Option<Timing>,
    pub limits: Limits,
    pub needs_approval: bool,
    /// For so many days after a message a lead that converts counts for it.
    pub attribution_days: u16,
    /// The schedule that begins its runs.
    pub schedule_id: Option<Uuid>,
    /// The run that is not over.
    pub run_id: Option<CampaignRunId>,
    /// Why it is paused: `by_hand`, `breaker`, `budget`, `no_provider`, `broke`, `restored`. Whatever it is, it stays so until
    /// somebody resumes it, and of its times none begins a run meanwhile.
    pub pause_code: Option<String>,
    /// The same in words, with what to do.
    pub pause_why: Option<String>,
    pub approved_by: Option<Uuid>,
    pub approved_at: Option<DateTime<Utc>>,
    /// Who wrote what is said.
    pub created_by: Option<Uuid>,
    /// Grows with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Whom a campaign is to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignAudienceView)]
pub struct AudienceView {
    pub mode: AudienceMode,
    /// What is asked for: of what somebody typed in only by what it is asked.
    #[schema(value_type = Object)]
    pub filter: Value,
    /// When it was settled who fits, if that is settled once.
    pub taken_at: Option<DateTime<Utc>>,
}

/// Where a campaign is read.
#[must_use]
pub fn location(id: CampaignId) -> String {
    format!("/api/v1/campaigns/{id}")
}

/// What is said of a campaign, as it is kept; all that it names is there.
pub(super) async fn kept(ctx: &Ctx, tx: &mut TenantTx, new: &NewCampaign) -> Result<(Value, Value, Value)> {
    new.definition.check(&new.name)?;
    templates(tx, &new.definition).await?;
    let (audience, told) = Audience::of(ctx, tx, &new.filter).await?;
    let definition = serde_json::to_value(&new.definition).map_err(Error::internal)?;
    let audience = serde_json::to_value(&audience).map_err(Error::internal)?;
    Ok((definition, audience, told))
}

/// Makes a draft.
///
/// # Errors
/// If something about it is wrong, or it names what there is not.
pub async fn create(ctx: &Ctx, new: &NewCampaign) -> Result<Once<CampaignView>> {
    ctx.require(Permission::CampaignsWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = insert(ctx, &mut keyed.tx, new).await?;
    let view = view(&mut keyed.tx, id).await?;
    keyed.commit(view, 201, location(id)).await
}

/// Writes a draft down.
pub(super) async fn insert(ctx: &Ctx, tx: &mut TenantTx, new: &NewCampaign) -> Result<CampaignId> {
    let (definition, audience, told) = kept(ctx, tx, new).await?;
    let id = CampaignId(ctx.id());
    let said =
        Said { name: new.name.trim(), definition: &definition, audience: &audience, audience_told: &told };
    store::insert_campaign(tx.conn(), ctx.tenant, id, &said, ctx.actor.id()).await?;
    tx.audit(&[Entry::new("create", "campaign", id).detail(json!({ "filter": told }))]).await?;
    Ok(id)
}

/// Puts something else in the place of what is said. It is a draft again then: whatever was agreed to is what is sent.
///
/// # Errors
/// As [`create`], if there is no such campaign, or a conflict if it has begun.
pub async fn replace(ctx: &Ctx, id: CampaignId, new: &NewCampaign) -> Result<CampaignView> {
    ctx.require(Permission::CampaignsWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let row = locked(&mut tx, id).await?;
    ctx.expect_version("campaign", None, row.version)?;
    let standing = standing(&mut tx, &row).await?;
    row.status()?.on(Command::Edit, standing)?;
    let (definition, audience, told) = kept(ctx, &mut tx, new).await?;
    let said =
        Said { name: new.name.trim(), definition: &definition, audience: &audience, audience_told: &told };
    store::update_campaign(tx.conn(), ctx.tenant, id, &said, ctx.actor.id()).await?;
    if let Some(schedule) = row.schedule_id {
        tx.drop_schedule(schedule).await?;
        store::set_schedule(tx.conn(), ctx.tenant, id, None).await?;
    }
    tx.audit(&[Entry::new("update", "campaign", id).detail(json!({ "filter": told }))]).await?;
    let view = view(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// The campaigns, newest first, those with ids below `before`; of a status, if one is asked for.
///
/// # Errors
/// If a permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    status: Option<CampaignStatus>,
    before: Option<CampaignId>,
    limit: i64,
) -> Result<Vec<CampaignView>> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let mut all = Vec::new();
    for row in store::campaigns(tx.conn(), ctx.tenant, None, status, before, limit).await? {
        all.push(shown(&mut tx, row).await?);
    }
    Ok(all)
}

/// One campaign.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: CampaignId) -> Result<CampaignView> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    view(&mut ctx.begin().await?, id).await
}

pub(super) async fn locked(tx: &mut TenantTx, id: CampaignId) -> Result<CampaignRow> {
    let tenant = tx.tenant;
    store::lock_campaign(tx.conn(), tenant, id).await?.ok_or(Error::NotFound("campaign"))
}

pub(super) async fn view(tx: &mut TenantTx, id: CampaignId) -> Result<CampaignView> {
    let tenant = tx.tenant;
    let row = store::campaign(tx.conn(), tenant, id).await?.ok_or(Error::NotFound("campaign"))?;
    shown(tx, row).await
}

async fn shown(tx: &mut TenantTx, row: CampaignRow) -> Result<CampaignView> {
    let (tenant, status) = (tx.tenant, row.status()?);
    // Only of what goes on there is something to look for.
    let goes_on =
        matches!(status, CampaignStatus::Running | CampaignStatus::Paused | CampaignStatus::Cancelled);
    let run = if goes_on { store::open_run(tx.conn(), tenant, row.id).await? } else { None };
    let Definition { audience, content, schedule, limits, needs_approval, attribution_days } =
        row.definition()?;
    let recurs = schedule.as_ref().is_some_and(Timing::recurs);
    Ok(CampaignView {
        id: row.id,
        name: row.name,
        status,
        audience: AudienceView { mode: audience, filter: row.audience_told, taken_at: row.taken_at },
        content,
        schedule,
        limits,
        needs_approval,
        attribution_days,
        schedule_id: row.schedule_id,
        run_id: run.map(|run| run.id),
        pause_why: row.pause_code.as_deref().and_then(|code| pause_why(code, recurs)),
        pause_code: row.pause_code,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        created_by: row.created_by,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
