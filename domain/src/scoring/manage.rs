//! Commands on models: drafts, and which one is in force.

use chrono::{DateTime, Utc};
use engine::NewJob;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    apply::{ScoreLeads, Why},
    fit::judge::FitReport,
    model::ModelDefinition,
    points::PointsModel,
    store::{self, ModelRow, NewDraft},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Latch, Once, TenantTx},
    types::ScoringModelId,
};

/// Drafts of a tenant.
const MOST_DRAFTS: i64 = 100;

/// What a draft is to be. A learned one is made by `POST /automation/scoring-models/fit`.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftModel {
    /// The product's own if it is left out.
    #[serde(default)]
    pub definition: PointsModel,
}

/// A model.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ModelView {
    pub id: ScoringModelId,
    /// As scores name it. 1 is the product's own, which is in force until another is published.
    pub version: i32,
    /// `draft`, `published` (one at most) or `retired`.
    pub status: String,
    /// `points` or `fitted`.
    pub kind: String,
    pub definition: ModelDefinition,
    /// What a learned one was found to be worth.
    pub report: Option<FitReport>,
    pub created_by: Option<Uuid>,
    /// Grows with each change.
    pub revision: i64,
    pub created_at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
}

/// Makes a draft.
///
/// # Errors
/// If its definition breaks a rule, or there are too many drafts.
pub async fn create(ctx: &Ctx, new: DraftModel) -> Result<Once<ModelView>> {
    ctx.require(Permission::ScoringModelsWrite)?;
    checked(&new.definition)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = draft(ctx, &mut keyed.tx, &ModelDefinition::Points(new.definition), None).await?;
    let view = find(&mut keyed.tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/automation/scoring-models/{id}")).await
}

/// Writes a draft in a transaction of the caller's.
pub(super) async fn draft(
    ctx: &Ctx,
    tx: &mut TenantTx,
    definition: &ModelDefinition,
    report: Option<&FitReport>,
) -> Result<ScoringModelId> {
    // Whoever scores or numbers a model is waited for, and waits.
    Latch::ScoringModel.take(tx.conn(), ctx.tenant).await?;
    if store::count_drafts(tx.conn(), ctx.tenant).await? >= MOST_DRAFTS {
        let detail = format!("a tenant has at most {MOST_DRAFTS} drafts; delete one that is not needed");
        return Err(Error::conflict("too-many-drafts", detail));
    }
    let id = ScoringModelId(ctx.id());
    let new = NewDraft {
        id,
        kind: definition.kind(),
        definition: definition.write()?,
        report: report.map(serde_json::to_value).transpose().map_err(Error::internal)?,
        by: ctx.actor.id(),
    };
    let version = store::insert_draft(tx.conn(), ctx.tenant, &new).await?;
    let detail = json!({ "version": version, "kind": new.kind });
    tx.audit(&[Entry::new("create", "scoring_model", id).detail(detail)]).await?;
    Ok(id)
}

/// The models, newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<ScoringModelId>, limit: i64) -> Result<Vec<ModelView>> {
    ctx.require(Permission::ScoringModelsRead)?;
    let mut tx = ctx.begin().await?;
    let rows = store::models(tx.conn(), ctx.tenant, None, before, limit).await?;
    rows.into_iter().map(view).collect()
}

/// One model.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: ScoringModelId) -> Result<ModelView> {
    ctx.require(Permission::ScoringModelsRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

/// Puts another definition in a draft's place.
///
/// # Errors
/// If there is none of this id, the definition breaks a rule, or a conflict if it is no draft.
pub async fn replace(ctx: &Ctx, id: ScoringModelId, new: DraftModel) -> Result<ModelView> {
    ctx.require(Permission::ScoringModelsWrite)?;
    checked(&new.definition)?;
    let mut tx = ctx.begin().await?;
    locked_draft(ctx, &mut tx, id).await?;
    let definition = ModelDefinition::Points(new.definition);
    store::update_draft(tx.conn(), ctx.tenant, id, definition.kind(), &definition.write()?).await?;
    tx.audit(&[Entry::new("update", "scoring_model", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a draft away.
///
/// # Errors
/// If there is none of this id, or a conflict if it is no draft.
pub async fn delete(ctx: &Ctx, id: ScoringModelId) -> Result<()> {
    ctx.require(Permission::ScoringModelsWrite)?;
    let mut tx = ctx.begin().await?;
    locked_draft(ctx, &mut tx, id).await?;
    store::delete_model(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "scoring_model", id)]).await?;
    tx.commit().await
}

/// Puts a draft, or a model that was retired, in force and has all leads scored by it. Answers the operation.
///
/// # Errors
/// If there is none of this id, the caller sees only some leads, or a conflict if it is in force already.
pub async fn publish(ctx: &Ctx, id: ScoringModelId) -> Result<Once<Uuid>> {
    ctx.require(Permission::ScoringModelsPublish)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    // Whoever scores or numbers a model is waited for, and waits.
    Latch::ScoringModel.take(tx.conn(), ctx.tenant).await?;
    let found = store::lock_model(tx.conn(), ctx.tenant, id).await?;
    let store::HeldModel { status, version, .. } = found.ok_or(Error::NotFound("scoring model"))?;
    if status == "published" {
        return Err(Error::conflict("model-state", "this model is in force already"));
    }
    store::publish(tx.conn(), ctx.tenant, id).await?;
    let job = ScoreLeads { import: None, asked_at: Some(ctx.now()), why: Why::Published };
    let job = NewJob::of(ctx.tenant.0, ctx.id(), &job).map_err(Error::internal)?;
    let operation = job.id;
    tx.enqueue(&[job]).await?;
    let detail = json!({ "version": version, "operation": operation });
    tx.audit(&[Entry::new("publish", "scoring_model", id).detail(detail)]).await?;
    let event = Event::new(EventType::ScoringModelPublished, "scoring_model", id);
    tx.emit(&[event.with(json!({ "version": version, "operation_id": operation }))]).await?;
    keyed.commit(operation, 202, format!("/api/v1/operations/{operation}")).await
}

fn checked(definition: &PointsModel) -> Result<()> {
    let wrong = definition.check("/definition");
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

async fn locked_draft(ctx: &Ctx, tx: &mut TenantTx, id: ScoringModelId) -> Result<()> {
    let held = store::lock_model(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("scoring model"))?;
    ctx.expect_version("scoring model", None, held.revision)?;
    if held.status != "draft" {
        let detail = "only drafts are changed or deleted: scores name this model; make a new draft";
        return Err(Error::conflict("model-state", detail));
    }
    Ok(())
}

/// A model of the tenant.
pub(super) async fn find(tx: &mut TenantTx, id: ScoringModelId) -> Result<ModelView> {
    let tenant = tx.tenant;
    let found = store::models(tx.conn(), tenant, Some(id), None, 1).await?.pop();
    view(found.ok_or(Error::NotFound("scoring model"))?)
}

fn view(row: ModelRow) -> Result<ModelView> {
    Ok(ModelView {
        id: row.id,
        version: row.version,
        status: row.status,
        definition: ModelDefinition::read(&row.kind, row.definition)?,
        kind: row.kind,
        report: row.report.map(serde_json::from_value).transpose().map_err(Error::internal)?,
        created_by: row.created_by,
        revision: row.revision,
        created_at: row.created_at,
        published_at: row.published_at,
    })
}
