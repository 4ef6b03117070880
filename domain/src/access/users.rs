//! Commands: making tenants with their first user, users, and API keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api_key::ApiKey,
    gate::{Gate, email_place, name_place},
    permission::{Permission, PermissionSet, default_roles},
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::{Actor, Platform},
    error::{Error, Result},
    tenancy::{self, Begun, Once, SystemTx, TenantTx},
    types::{ApiKeyId, EmailAddress, RoleId, SubjectId, TenantId, Text, UserId},
    vault::{Personal, Vault, personal::reveal},
};
pub use store::ApiKeyView;

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
        for (role, permissions) in default_roles() {
            store::insert_role(tx.conn(), fresh, RoleId(platform.chance.id()), role, permissions).await?;
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
    if role.is_some_and(|(_, held)| held.intersection(ctx.grants) != held) {
        return Err(Error::invalid("/role", "this role holds more permissions than you do"));
    }
    let user = put_user(&mut keyed.tx, &new, &password_hash).await?;
    keyed.commit(user, 201, format!("/api/v1/users/{user}")).await
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
    tx.audit(&[Entry::new("create", "user", user).detail(json!({"role": new.role}))]).await?;
    Ok(user)
}

/// What an API key is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Names of permissions; those of the maker at most.
    pub permissions: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes an API key; the text is in the answer and nowhere else.
///
/// # Errors
/// If a permission is unknown or not the maker's own, or the expiry is past.
pub async fn create_api_key(ctx: &Ctx, gate: &Gate, new: NewApiKey) -> Result<Once<(ApiKeyView, String)>> {
    ctx.require(Permission::ApiKeysWrite)?;
    let Actor::User(maker) = ctx.actor else {
        return Err(Error::conflict("users-only", "an API key is made by a user; log in to make one"));
    };
    for (at, name) in new.permissions.iter().enumerate() {
        let known = Permission::parse(name)
            .ok_or_else(|| Error::invalid(format!("/permissions/{at}"), "there is no such permission"))?;
        if !ctx.grants.contains(known) {
            return Err(Error::invalid(
                format!("/permissions/{at}"),
                "you do not hold this permission yourself",
            ));
        }
    }
    if new.expires_at.is_some_and(|at| at <= ctx.now()) {
        return Err(Error::invalid("/expires_at", "choose a time to come"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let key = ApiKey::new(ApiKeyId(ctx.id()), ctx.platform.random());
    let view = ApiKeyView {
        id: key.id,
        name: new.name.as_str().to_owned(),
        permissions: new.permissions,
        created_at: ctx.now(),
        expires_at: new.expires_at,
        revoked_at: None,
    };
    store::insert_api_key(keyed.tx.conn(), ctx.tenant, maker, &view, &gate.fingerprint(&key)).await?;
    keyed.tx.audit(&[Entry::new("create", "api_key", key.id)]).await?;
    let location = format!("/api/v1/api-keys/{}", key.id);
    keyed.commit((view, key.reveal()), 201, location).await
}

/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn api_keys(ctx: &Ctx, before: Option<ApiKeyId>, limit: i64) -> Result<Vec<ApiKeyView>> {
    ctx.require(Permission::ApiKeysRead)?;
    let mut tx = ctx.begin().await?;
    store::api_keys(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such key.
pub async fn api_key(ctx: &Ctx, id: ApiKeyId) -> Result<ApiKeyView> {
    ctx.require(Permission::ApiKeysRead)?;
    let mut tx = ctx.begin().await?;
    store::api_keys(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("API key"))
}

/// Revokes a key; the next request with it is refused.
///
/// # Errors
/// If there is no such key.
pub async fn revoke_api_key(ctx: &Ctx, id: ApiKeyId) -> Result<()> {
    ctx.require(Permission::ApiKeysWrite)?;
    let mut tx = ctx.begin().await?;
    if !store::revoke_api_key(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::NotFound("API key"));
    }
    tx.audit(&[Entry::new("delete", "api_key", id)]).await?;
    tx.commit().await
}
