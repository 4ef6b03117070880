//! Commands on skills: what there is to be good at.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    routing::sweep,
    tenancy::{Begun, Once, TenantTx},
    types::{SkillId, Text},
};

/// Something to be good at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSkill {
    /// Unique in the tenant, for example `French` or `invoices`.
    #[schema(value_type = String)]
    pub name: Text<100>,
}

/// A skill.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SkillView {
    pub id: SkillId,
    pub name: String,
    /// How many agents have it.
    pub agents: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If the name is taken.
pub async fn create(ctx: &Ctx, new: NewSkill) -> Result<Once<SkillView>> {
    ctx.require(Permission::SkillsWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = SkillId(ctx.id());
    if !store::insert_skill(keyed.tx.conn(), ctx.tenant, id, new.name.as_str()).await? {
        return Err(taken());
    }
    keyed.tx.audit(&[Entry::new("create", "skill", id)]).await?;
    let view = find(&mut keyed.tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/skills/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<SkillId>, limit: i64) -> Result<Vec<SkillView>> {
    ctx.require(Permission::SkillsRead)?;
    let mut tx = ctx.begin().await?;
    store::skills(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such skill.
pub async fn get(ctx: &Ctx, id: SkillId) -> Result<SkillView> {
    ctx.require(Permission::SkillsRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

/// Gives a skill another name.
///
/// # Errors
/// If there is no such skill, or the name is taken.
pub async fn replace(ctx: &Ctx, id: SkillId, new: NewSkill) -> Result<SkillView> {
    ctx.require(Permission::SkillsWrite)?;
    let mut tx = ctx.begin().await?;
    lock(ctx, &mut tx, id).await?;
    if !store::update_skill(tx.conn(), ctx.tenant, id, new.name.as_str()).await? {
        return Err(taken());
    }
    tx.audit(&[Entry::new("update", "skill", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a skill away, from every agent who has it too. Leads that wait for it go to anybody.
///
/// # Errors
/// If there is no such skill, or a routing rule asks for it.
pub async fn delete(ctx: &Ctx, id: SkillId) -> Result<()> {
    ctx.require(Permission::SkillsDelete)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    // Teams are locked before the skill.
    let teams = store::teams_waiting_for(tx.conn(), ctx.tenant, id).await?;
    sweep::wake_teams(&mut tx, teams).await?;
    lock(ctx, &mut tx, id).await?;
    if !store::delete_skill(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::conflict("skill-in-use", "a routing rule asks for this skill; change that first"));
    }
    tx.audit(&[Entry::new("delete", "skill", id)]).await?;
    tx.commit().await
}

/// Locks a skill, also against being given to somebody, if it is the version that is meant.
async fn lock(ctx: &Ctx, tx: &mut TenantTx, id: SkillId) -> Result<()> {
    let version = store::lock_skill(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("skill"))?;
    ctx.expect_version("skill", None, version)
}

async fn find(tx: &mut TenantTx, id: SkillId) -> Result<SkillView> {
    let tenant = tx.tenant;
    store::skills(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("skill"))
}

fn taken() -> Error {
    Error::conflict("name-taken", "another skill has this name; choose another")
}
