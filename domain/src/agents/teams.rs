//! Commands on teams.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once},
    types::{TeamId, Text},
};

/// A team to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    #[schema(value_type = String)]
    pub name: Text<100>,
}

/// A team.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeamView {
    pub id: TeamId,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If the name is taken.
pub async fn create(ctx: &Ctx, new: NewTeam) -> Result<Once<TeamView>> {
    ctx.require(Permission::TeamsWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = TeamId(ctx.id());
    if !store::insert_team(keyed.tx.conn(), ctx.tenant, id, new.name.as_str()).await? {
        return Err(Error::conflict("name-taken", "a team with this name exists; choose another name"));
    }
    keyed.tx.audit(&[Entry::new("create", "team", id)]).await?;
    let view = store::teams(keyed.tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a team just saved is not there"))?;
    keyed.commit(view, 201, format!("/api/v1/teams/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<TeamId>, limit: i64) -> Result<Vec<TeamView>> {
    ctx.require(Permission::TeamsRead)?;
    let mut tx = ctx.begin().await?;
    store::teams(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such team.
pub async fn get(ctx: &Ctx, id: TeamId) -> Result<TeamView> {
    ctx.require(Permission::TeamsRead)?;
    let mut tx = ctx.begin().await?;
    store::teams(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("team"))
}
