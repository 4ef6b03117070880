//! Roles: the four that every tenant starts with, and its own.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    permission::{Permission, PermissionSet},
    rights::{Rights, held_now},
    rows::RowScope,
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    events::{Event, EventType},
    tenancy::{Begun, Once, TenantTx},
    types::{RoleId, Text, UserId},
};

/// The role without which nobody could give rights any more.
pub(super) const ADMIN: &str = "Admin";
/// Roles of a tenant, the four included.
const MOST: i64 = 200;

/// What a role of the tenant's own is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Unique in the tenant.
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Names of permissions; the maker's own at most. `GET /api/v1/compliance/permissions` lists them.
    pub permissions: Vec<String>,
    /// Whose leads it is about, with what belongs to them; not more than the maker's own role says. If not said, all
    /// of a new role and what it was of another.
    pub scope: Option<RowScope>,
}

/// A role.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RoleView {
    pub id: RoleId,
    pub name: String,
    /// One of the four; it cannot be changed.
    pub built_in: bool,
    pub permissions: Vec<String>,
    pub scope: RowScope,
    pub version: i64,
}

/// Reads the names of permissions that somebody gives on. Nobody gives what they do not hold.
///
/// # Errors
/// If one is unknown or not the giver's own.
pub(super) fn given(ctx: &Ctx, names: &[String]) -> Result<PermissionSet> {
    let read = |(at, name): (usize, &String)| {
        let at = format!("/permissions/{at}");
        let Some(permission) = Permission::parse(name) else {
            return Err(Error::invalid(at, "there is no such permission"));
        };
        let holds = ctx.grants.contains(permission);
        if holds {
            Ok(permission)
        } else {
            Err(Error::beyond(at, "you do not hold this permission yourself"))
        }
    };
    names.iter().enumerate().map(read).collect()
}

/// What a role is to hold. Nobody lets others see more than they do.
fn rights(ctx: &Ctx, new: &NewRole, before: RowScope) -> Result<Rights> {
    let permissions = given(ctx, &new.permissions)?;
    let scope = new.scope.unwrap_or(before);
    if scope > ctx.rows.scope() {
        return Err(Error::beyond("/scope", "you do not see that far yourself"));
    }
    Ok(Rights { permissions, scope })
}

/// The roles, newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<RoleId>, limit: i64) -> Result<Vec<RoleView>> {
    ctx.require(Permission::RolesRead)?;
    let mut tx = ctx.begin().await?;
    store::roles(tx.conn(), ctx.tenant, None, before, limit).await
}

/// One role.
///
/// # Errors
/// If there is none of this id.
pub async fn get(ctx: &Ctx, id: RoleId) -> Result<RoleView> {
    ctx.require(Permission::RolesRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

/// Makes a role of the tenant's own.
///
/// # Errors
/// If a permission is unknown or not the maker's own, or the name is taken.
pub async fn create(ctx: &Ctx, new: NewRole) -> Result<Once<RoleView>> {
    ctx.require(Permission::RolesWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let (id, name) = (RoleId(ctx.id()), new.name.as_str());
    let tx = &mut keyed.tx;
    let held = rights(&held_now(ctx, tx, Permission::RolesWrite).await?, &new, RowScope::All)?;
    if store::roles(tx.conn(), ctx.tenant, None, None, MOST).await?.len()
        >= usize::try_from(MOST).unwrap_or(0)
    {
        let detail = format!("a tenant has at most {MOST} roles; delete one that nobody has");
        return Err(Error::conflict("too-many-roles", detail));
    }
    if !store::insert_role(tx.conn(), ctx.tenant, id, name, Some(held)).await? {
        return Err(taken());
    }
    tx.audit(&[about("create", id, held)]).await?;
    let view = find(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/compliance/roles/{id}")).await
}

/// Puts another in the place of a role of the tenant's own. Whoever has it is held to it at once: their tokens and
/// sockets end.
///
/// # Errors
/// As [`create`], and if there is none of this id or it is one of the four.
pub async fn replace(ctx: &Ctx, id: RoleId, new: NewRole) -> Result<RoleView> {
    ctx.require(Permission::RolesWrite)?;
    let mut tx = ctx.begin().await?;
    let now = held_now(ctx, &mut tx, Permission::RolesWrite).await?;
    let before = own(&now, &mut tx, id).await?;
    let held = rights(&now, &new, before.scope)?;
    if !store::update_role(tx.conn(), ctx.tenant, id, new.name.as_str(), held).await? {
        return Err(taken());
    }
    for user in store::bump_users_of(tx.conn(), ctx.tenant, id).await? {
        tell_of(&mut tx, user).await?;
    }
    tx.audit(&[about("update", id, held)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes a role of the tenant's own away.
///
/// # Errors
/// If there is none of this id, or a conflict if somebody has it or it is one of the four.
pub async fn delete(ctx: &Ctx, id: RoleId) -> Result<()> {
    ctx.require(Permission::RolesDelete)?;
    let mut tx = ctx.begin().await?;
    let now = held_now(ctx, &mut tx, Permission::RolesDelete).await?;
    own(&now, &mut tx, id).await?;
    if !store::delete_role(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::conflict("role-in-use", "somebody has this role; give them another first"));
    }
    tx.audit(&[Entry::new("delete", "role", id).notice()]).await?;
    tx.commit().await
}

/// The same of a user, and of the keys that the user has made.
pub(crate) async fn tell_of(tx: &mut TenantTx, user: UserId) -> Result<()> {
    let tenant = tx.tenant;
    let keys = store::keys_of(tx.conn(), tenant, user).await?;
    tell(tx, keys.into_iter().map(Actor::ApiKey).chain([Actor::User(user)])).await
}

/// Tells all processes that the rights of these have changed, so that their sockets are closed.
pub(super) async fn tell(tx: &mut TenantTx, whom: impl Iterator<Item = Actor>) -> Result<()> {
    let event =
        |actor: Actor| Event { kind: EventType::AccessChanged, subject: actor.subject(), body: json!({}) };
    tx.emit(&whom.map(event).collect::<Vec<_>>()).await
}

/// Locks a role that may be changed: one of the tenant's own that holds nothing beyond the caller's rights.
async fn own(ctx: &Ctx, tx: &mut TenantTx, id: RoleId) -> Result<Rights> {
    let (built_in, held, version) =
        store::lock_role(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("role"))?;
    ctx.expect_version("role", None, version)?;
    if built_in {
        let detail = "it is one of the four that every tenant has; make a role of your own";
        return Err(Error::conflict("built-in-role", detail));
    }
    if !ctx.rights().covers(held) {
        return Err(Error::beyond("", "this role holds more permissions than you do"));
    }
    Ok(held)
}

async fn find(tx: &mut TenantTx, id: RoleId) -> Result<RoleView> {
    let tenant = tx.tenant;
    store::roles(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("role"))
}

fn about(verb: &'static str, id: RoleId, held: Rights) -> Entry {
    let detail = json!({ "permissions": held.permissions.names(), "scope": held.scope });
    Entry::new(verb, "role", id).detail(detail).notice()
}

fn taken() -> Error {
    Error::conflict("name-taken", "another role has this name; choose another")
}
