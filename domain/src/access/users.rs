//! Commands: making tenants with their first user, and users.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    gate::{Gate, email_place, name_place},
    permission::{Permission, PermissionSet, default_roles},
    roles::{ADMIN, tell_of},
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::{self, Begun, Once, SystemTx, TenantTx},
    types::{EmailAddress, RoleId, SubjectId, TenantId, Text, UserId},
    vault::{Personal, Vault, personal::reveal},
};

/// A person who may log in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    #[schema(value_type = String)]
    pub name: Text<200>,
    #[schema(value_type = String)]
    pub email: EmailAddress,
    /// 12 characters or more.
    pub password: String,
    /// `Admin`, `Manager`, `Supervisor` or `Agent`.
    pub role: String,
}

/// A user as colleagues see them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UserView {
    pub id: UserId,
    pub role: String,
    /// None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Personal<String>>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Personal<String>>,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Makes a tenant with its keys, its four roles and its first admin: the bootstrap. Needs no context,
/// because there is nobody yet who could ask.
///
/// # Errors
/// If the slug is malformed or taken, or the password too weak.
pub async fn create_tenant(
    gate: &Gate,
    platform: &Platform,
    slug: &str,
    name: &Text<200>,
    admin: NewUser,
) -> Result<(TenantId, UserId)> {
    let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty()
        || slug.len() > 63
        || !slug.chars().all(form)
        || slug.starts_with('-')
        || slug.ends_with('-')
    {
        return Err(Error::invalid(
            "/slug",
            "1 to 63 small letters, digits and inner hyphens, for example `acme`",
        ));
    }
    let password_hash = gate.passwords.hash(platform, "/password", &admin.password).await?;
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let fresh = TenantId(platform.chance.id());
    let tenant = if tenancy::store::insert(tx.conn(), fresh, slug, name.as_str()).await? {
        platform.vault.make_tenant_keys(tx.conn(), platform.chance.as_ref(), fresh).await?;
        for (role, _) in default_roles() {
            store::insert_role(tx.conn(), fresh, RoleId(platform.chance.id()), role, None).await?;
        }
        fresh
    } else {
        deserted(&mut tx, slug)
            .await?
            .ok_or_else(|| Error::conflict("slug-taken", "a tenant with this slug exists; choose another"))?
    };
    tx.commit().await?;
    // The tenant stands; its admin is made behind its wall like any other user.
    let ctx = Ctx {
        platform: platform.clone(),
        tenant,
        actor: Actor::System,
        grants: PermissionSet::all(),
        trace: None,
        idempotency: None,
    };
    let mut tx = ctx.begin().await?;
    let user = put_user(&mut tx, &admin, &password_hash).await?;
    tx.audit(&[Entry::new("create", "tenant", tenant)]).await?;
    tx.commit().await?;
    Ok((tenant, user))
}

/// The tenant of this slug if nobody was ever made in it: its bootstrap was cut off, and goes on.
async fn deserted(tx: &mut SystemTx, slug: &str) -> Result<Option<TenantId>> {
    let Some(tenant) = tenancy::store::by_slug(tx.conn(), slug).await? else { return Ok(None) };
    let entered = store::has_users(tx.conn(), tenant.id).await?;
    Ok(Some(tenant.id).filter(|_| !entered))
}

/// Makes a user. Nobody gives a role that holds more than they hold themselves.
///
/// # Errors
/// If the e-mail address is taken, the role unknown, or the password too weak.
pub async fn create_user(ctx: &Ctx, gate: &Gate, new: NewUser) -> Result<Once<UserId>> {
    ctx.require(Permission::UsersWrite)?;
    let password_hash = gate.passwords.hash(&ctx.platform, "/password", &new.password).await?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let role = store::role_by_name(keyed.tx.conn(), ctx.tenant, &new.role).await?;
    if role.is_some_and(|(_, held)| !ctx.grants.covers(held)) {
        return Err(Error::invalid("/role", "this role holds more permissions than you do"));
    }
    let user = put_user(&mut keyed.tx, &new, &password_hash).await?;
    keyed.commit(user, 201, format!("/api/v1/users/{user}")).await
}

/// What to change of a user; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// The name of a role.
    pub role: Option<String>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
}

/// Gives a user another role, keeps them out or lets them in again. Their tokens and sockets end at once.
///
/// # Errors
/// If there is no such user or role, either holds more than the caller, or it is the last admin.
pub async fn change_user(ctx: &Ctx, id: UserId, change: UserChange) -> Result<UserView> {
    ctx.require(Permission::UsersWrite)?;
    let mut tx = ctx.begin().await?;
    // Whoever takes an admin away waits for the one before, so that the last one stays.
    store::lock_role_named(tx.conn(), ctx.tenant, ADMIN).await?;
    let held = store::lock_user(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("user"))?;
    if !ctx.grants.covers(held.permissions) {
        return Err(Error::conflict("beyond-your-rights", "this user holds more permissions than you do"));
    }
    let role = match &change.role {
        None => held.role,
        Some(name) if *name == held.role_name => held.role,
        Some(name) => {
            let (role, permissions) = store::role_by_name(tx.conn(), ctx.tenant, name)
                .await?
                .ok_or_else(|| Error::invalid("/role", "there is no such role"))?;
            if !ctx.grants.covers(permissions) {
                return Err(Error::invalid("/role", "this role holds more permissions than you do"));
            }
            role
        }
    };
    let disabled = change.disabled.unwrap_or(held.disabled);
    store::update_user(tx.conn(), ctx.tenant, id, role, disabled).await?;
    if held.role_name == ADMIN && !store::anyone_is(tx.conn(), ctx.tenant, ADMIN).await? {
        return Err(Error::conflict("last-admin", "this is the last admin; make another first"));
    }
    tell_of(&mut tx, id).await?;
    let detail = json!({ "role": change.role, "disabled": change.disabled });
    tx.audit(&[Entry::new("update", "user", id).detail(detail).notice()]).await?;
    tx.commit().await?;
    read_users(ctx, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("user"))
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn users(ctx: &Ctx, before: Option<UserId>, limit: i64) -> Result<Vec<UserView>> {
    ctx.require(Permission::UsersRead)?;
    read_users(ctx, None, before, limit).await
}

/// # Errors
/// If there is no such user. Everyone may read themselves.
pub async fn user(ctx: &Ctx, id: UserId) -> Result<UserView> {
    if ctx.actor != Actor::User(id) {
        ctx.require(Permission::UsersRead)?;
    }
    read_users(ctx, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("user"))
}

async fn read_users(
    ctx: &Ctx,
    only: Option<UserId>,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserView>> {
    let mut tx = ctx.begin().await?;
    let rows = store::users(tx.conn(), ctx.tenant, only, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| SubjectId(row.id.0)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let name = keys.open(&name_place(ctx.tenant, row.id), &row.name_sealed)?;
            let email = keys.open(&email_place(ctx.tenant, row.id), &row.email_sealed)?;
            Ok(UserView {
                id: row.id,
                role: row.role,
                name: name.map(Personal::new),
                email: email.map(Personal::new),
                created_at: row.created_at,
                disabled_at: row.disabled_at,
            })
        })
        .collect()
}

async fn put_user(tx: &mut TenantTx, new: &NewUser, password_hash: &str) -> Result<UserId> {
    let (platform, tenant) = (tx.platform.clone(), tx.tenant);
    let Some((role, _)) = store::role_by_name(tx.conn(), tenant, &new.role).await? else {
        return Err(Error::invalid(
            "/role",
            "no such role; the default ones are Admin, Manager, Supervisor, Agent",
        ));
    };
    let user = UserId(platform.chance.id());
    let subject = SubjectId(user.0);
    let keys = Vault::make_subjects(tx, &[subject]).await?;
    let index =
        platform.vault.tenant_keys(tx.conn(), tenant).await?.index("users.email", &new.email.normal());
    let row = store::NewUser {
        id: user,
        role,
        email_sealed: &keys.seal(&platform, subject, &email_place(tenant, user), new.email.as_str())?,
        email_index: &index,
        name_sealed: &keys.seal(&platform, subject, &name_place(tenant, user), new.name.as_str())?,
        password_hash,
    };
    if !store::insert_user(tx.conn(), tenant, &row).await? {
        return Err(Error::conflict("email-taken", "a user with this e-mail address exists"));
    }
    tx.audit(&[Entry::new("create", "user", user).detail(json!({"role": new.role})).notice()]).await?;
    Ok(user)
}
