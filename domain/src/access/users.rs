//! Commands: users.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    gate::{Gate, email_place, name_place},
    password::NOBODY,
    permission::Permission,
    rights::held_now,
    roles::{ADMIN, tell_of},
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx, settings::room_for_one},
    types::{EmailAddress, SubjectId, Text, UserId},
    vault::{Personal, Vault, mask, personal::reveal},
};

/// A person who may log in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    #[schema(value_type = String)]
    pub name: Text<200>,
    #[schema(value_type = String)]
    pub email: EmailAddress,
    /// 12 characters or more. Without one the user chooses it by a link, see POST /api/v1/users/{id}/password-links.
    #[serde(default)]
    pub password: Option<String>,
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
    /// Grows with each change of what the user may do.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Makes a user. Nobody gives a role that holds more than they hold themselves. That an address is taken is told, so it
/// takes the right to see who is there.
///
/// # Errors
/// If the e-mail address is taken, the role unknown, or the password too weak.
pub async fn create_user(ctx: &Ctx, gate: &Gate, new: NewUser) -> Result<Once<UserId>> {
    ctx.require(Permission::UsersInvite)?;
    ctx.require(Permission::UsersRead)?;
    let password_hash = match &new.password {
        Some(password) => gate.passwords.hash(&ctx.platform, "/password", password).await?,
        None => NOBODY.to_owned(),
    };
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let now = held_now(ctx, &mut keyed.tx, Permission::UsersInvite).await?;
    now.require(Permission::UsersRead)?;
    let role = store::role_by_name(keyed.tx.conn(), ctx.tenant, &new.role).await?;
    if role.is_some_and(|(_, held)| !now.rights().covers(held)) {
        return Err(Error::beyond("/role", "this role holds more permissions than you do"));
    }
    room_for_one(&mut keyed.tx).await?;
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

impl UserChange {
    /// What the change takes.
    fn needs(&self) -> Vec<Permission> {
        let role = self.role.as_ref().map(|_| Permission::RolesAssign);
        role.into_iter().chain(self.disabled.map(|_| Permission::UsersDisable)).collect()
    }
}

/// Gives a user another role, keeps them out or lets them in again. Their tokens and sockets end at once.
///
/// # Errors
/// If there is no such user or role, either holds more than the caller, or it is the last admin.
pub async fn change_user(ctx: &Ctx, id: UserId, change: UserChange) -> Result<UserView> {
    let needed = change.needs();
    let Some((first, others)) = needed.split_first() else {
        // Nothing said changes nothing.
        return self::user(ctx, id).await;
    };
    let mut tx = ctx.begin().await?;
    // Whoever takes an admin away waits for the one before, so that the last one stays.
    let now = held_now(ctx, &mut tx, *first).await?;
    others.iter().try_for_each(|permission| now.require(*permission))?;
    let held = reach(&now, &mut tx, id).await?;
    ctx.expect_version("user", None, held.version)?;
    let role = match &change.role {
        None => held.role,
        Some(name) if *name == held.role_name => held.role,
        Some(name) => {
            let (role, rights) = store::role_by_name(tx.conn(), ctx.tenant, name)
                .await?
                .ok_or_else(|| Error::invalid("/role", "there is no such role"))?;
            if !now.rights().covers(rights) {
                return Err(Error::beyond("/role", "this role holds more permissions than you do"));
            }
            role
        }
    };
    let disabled = change.disabled.unwrap_or(held.disabled);
    if held.disabled && !disabled {
        room_for_one(&mut tx).await?;
    }
    store::update_user(tx.conn(), ctx.tenant, id, role, disabled).await?;
    if disabled {
        store::end_sessions(tx.conn(), ctx.tenant, id, None, None, "revoked", ctx.now()).await?;
    }
    if held.role_name == ADMIN && !store::anyone_is(tx.conn(), ctx.tenant, ADMIN).await? {
        return Err(Error::conflict("last-admin", "this is the last admin; make another first"));
    }
    tell_of(&mut tx, id).await?;
    let detail = json!({ "role": change.role, "disabled": change.disabled });
    tx.audit(&[Entry::new("update", "user", id).detail(detail).notice()]).await?;
    tx.commit().await?;
    one(ctx, id).await
}

/// Locks a user whom the caller may change: one who holds nothing beyond the caller's rights.
pub(crate) async fn reach(ctx: &Ctx, tx: &mut TenantTx, id: UserId) -> Result<store::HeldUser> {
    let held = store::lock_user(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("user"))?;
    if !ctx.rights().covers(held.rights) {
        return Err(Error::beyond("", "this user holds more permissions than you do"));
    }
    Ok(held)
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn users(ctx: &Ctx, before: Option<UserId>, limit: i64) -> Result<Vec<UserView>> {
    found(ctx, &Wanted::default(), before, limit).await
}

/// Which users are looked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The name of their role.
    pub role: Option<String>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
    /// Their whole address: parts of it are not to be found, for it is sealed.
    pub email: Option<EmailAddress>,
}

/// Users that fit, newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn found(ctx: &Ctx, wanted: &Wanted, before: Option<UserId>, limit: i64) -> Result<Vec<UserView>> {
    ctx.require(Permission::UsersRead)?;
    let index = match &wanted.email {
        Some(email) => {
            let mut tx = ctx.begin().await?;
            let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
            Some(keys.index("users.email", &email.normal()))
        }
        None => None,
    };
    let which = store::Which {
        only: None,
        role: wanted.role.as_deref(),
        disabled: wanted.disabled,
        email_index: index.as_ref().map(|index| &index[..]),
    };
    read_users(ctx, &which, before, limit).await
}

/// # Errors
/// If there is no such user. Everyone may read themselves.
pub async fn user(ctx: &Ctx, id: UserId) -> Result<UserView> {
    if ctx.actor != Actor::User(id) {
        ctx.require(Permission::UsersRead)?;
    }
    one(ctx, id).await
}

async fn one(ctx: &Ctx, id: UserId) -> Result<UserView> {
    let only = store::Which { only: Some(id), ..store::Which::default() };
    read_users(ctx, &only, None, 1).await?.pop().ok_or(Error::NotFound("user"))
}

async fn read_users(
    ctx: &Ctx,
    which: &store::Which<'_>,
    before: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserView>> {
    let mut tx = ctx.begin().await?;
    let rows = store::users(tx.conn(), ctx.tenant, which, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| SubjectId(row.id.0)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let name = keys.open(&name_place(ctx.tenant, row.id), &row.name_sealed)?;
            let email = keys.open(&email_place(ctx.tenant, row.id), &row.email_sealed)?;
            let themselves = ctx.actor == Actor::User(row.id);
            let (name, email) = if themselves {
                (name.map(Personal::new), email.map(Personal::new))
            } else {
                (ctx.seen(name, mask::name), ctx.seen(email, mask::email))
            };
            Ok(UserView {
                id: row.id,
                role: row.role,
                name,
                email,
                version: row.version,
                created_at: row.created_at,
                disabled_at: row.disabled_at,
            })
        })
        .collect()
}

pub(super) async fn put_user(tx: &mut TenantTx, new: &NewUser, password_hash: &str) -> Result<UserId> {
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
