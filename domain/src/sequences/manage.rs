//! Sequences as they are drafted: commands.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    location,
    rules::definition::SequenceDefinition,
    store::{self, HeldSequence, SequenceRow},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{SequenceId, Text},
};

/// Sequences of a tenant that are not archived.
const MOST: i64 = 500;

/// What a sequence is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SequenceDraft {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// It may have no steps yet.
    pub definition: SequenceDefinition,
}

/// A sequence.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SequenceView {
    pub id: SequenceId,
    pub name: String,
    /// `draft` until a version is published, then `active`, `paused` or `archived`.
    pub state: String,
    /// As it was drafted last. What leads go through are its versions.
    pub definition: SequenceDefinition,
    /// The version that whoever enters goes through.
    pub published_version: Option<i32>,
    /// Why the product itself has paused it: `no_account` of the channel of a step that leads have come to. Set one up and
    /// resume it; these leads go on within ten minutes. A step that names an account which was deleted pauses nothing: it
    /// is left out. `restored`: the database was restored, and its steps may have been taken since then.
    pub pause_code: Option<String>,
    pub created_by: Option<Uuid>,
    /// Grows with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Where a sequence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SequenceState {
    Draft,
    Active,
    Paused,
    Archived,
}

impl SequenceState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Archived => "archived",
        }
    }
}

/// Makes a draft.
///
/// # Errors
/// If its definition breaks a rule, its name is taken, or there are too many.
pub async fn create(ctx: &Ctx, new: SequenceDraft) -> Result<Once<SequenceView>> {
    ctx.require(Permission::SequencesWrite)?;
    ctx.require_all_rows()?;
    let draft = checked(&new.definition)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, tx) = (SequenceId(ctx.id()), &mut keyed.tx);
    if store::count_sequences(tx.conn(), ctx.tenant).await? >= MOST {
        let detail = format!("a tenant has at most {MOST} sequences; archive one that is not used");
        return Err(Error::conflict("too-many-sequences", detail));
    }
    let put = (new.name.as_str(), &draft);
    if !store::insert_sequence(tx.conn(), ctx.tenant, id, put, ctx.actor.id()).await? {
        return Err(name_taken());
    }
    tx.audit(&[Entry::new("create", "sequence", id)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, location(id)).await
}

/// The sequences, newest first, those with ids below `before`; of a state, if one is asked for.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    state: Option<SequenceState>,
    before: Option<SequenceId>,
    limit: i64,
) -> Result<Vec<SequenceView>> {
    ctx.require(Permission::SequencesRead)?;
    let mut tx = ctx.begin().await?;
    let state = state.map(SequenceState::as_str);
    let rows = store::sequences(tx.conn(), ctx.tenant, None, state, before, limit).await?;
    rows.into_iter().map(view).collect()
}

/// One sequence.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: SequenceId) -> Result<SequenceView> {
    ctx.require(Permission::SequencesRead)?;
    find(&mut ctx.begin().await?, id).await
}

/// Puts another draft in the place of the one that is there. Leads that are on their way stay on their versions, and whoever
/// enters goes through the published one, until this one is published.
///
/// # Errors
/// If there is none of this id, its definition breaks a rule, its name is taken, or a conflict if it is archived.
pub async fn replace(ctx: &Ctx, id: SequenceId, new: SequenceDraft) -> Result<SequenceView> {
    ctx.require(Permission::SequencesWrite)?;
    ctx.require_all_rows()?;
    let draft = checked(&new.definition)?;
    let mut tx = ctx.begin().await?;
    let held = locked(ctx, &mut tx, id).await?;
    if held.state == "archived" {
        return Err(Error::conflict("sequence-state", "it is archived; make another one"));
    }
    let name = new.name.as_str();
    if name != held.name && store::is_name_taken(tx.conn(), ctx.tenant, name, id).await? {
        return Err(name_taken());
    }
    store::update_draft(tx.conn(), ctx.tenant, id, (name, &draft)).await?;
    tx.audit(&[Entry::new("update", "sequence", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a draft away of which nothing was published.
///
/// # Errors
/// If there is none of this id, or a conflict if a version of it was published.
pub async fn delete(ctx: &Ctx, id: SequenceId) -> Result<()> {
    ctx.require(Permission::SequencesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    if locked(ctx, &mut tx, id).await?.state != "draft" {
        let detail = "leads may have gone through it; archive it instead";
        return Err(Error::conflict("sequence-state", detail));
    }
    store::delete_sequence(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "sequence", id)]).await?;
    tx.commit().await
}

fn checked(definition: &SequenceDefinition) -> Result<Value> {
    let wrong = definition.check("/definition");
    if wrong.is_empty() {
        return serde_json::to_value(definition).map_err(Error::internal);
    }
    Err(Error::Invalid(wrong))
}

fn name_taken() -> Error {
    Error::conflict("name-taken", "another sequence has this name; choose another")
}

/// A sequence that is about to be changed, locked until commit; refused if another version of it was read.
///
/// # Errors
/// If there is none of this id.
pub(super) async fn locked(ctx: &Ctx, tx: &mut TenantTx, id: SequenceId) -> Result<HeldSequence> {
    let held = store::lock_sequence(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("sequence"))?;
    ctx.expect_version("sequence", None, held.revision)?;
    Ok(held)
}

/// A sequence of the tenant.
///
/// # Errors
/// If there is none of this id.
pub(super) async fn find(tx: &mut TenantTx, id: SequenceId) -> Result<SequenceView> {
    let tenant = tx.tenant;
    let found = store::sequences(tx.conn(), tenant, Some(id), None, None, 1).await?.pop();
    view(found.ok_or(Error::NotFound("sequence"))?)
}

fn view(row: SequenceRow) -> Result<SequenceView> {
    Ok(SequenceView {
        id: row.id,
        name: row.name,
        state: row.state,
        definition: serde_json::from_value(row.draft).map_err(Error::internal)?,
        published_version: row.published,
        pause_code: row.pause_code,
        created_by: row.created_by,
        version: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
