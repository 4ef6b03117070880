//! Passwords that their owners choose: by a link, which an admin hands to whoever is invited or has forgotten theirs,
//! or by showing the one before.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{
    gate::Gate,
    permission::{Permission, PermissionSet},
    rights::held_now,
    roles::tell,
    store,
    users::reach,
};
use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::Actor,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{TenantId, UserId},
    vault::cipher::{hex, sha256},
};

/// How long a link waits to be used.
const LIFETIME: Duration = Duration::hours(72);

/// A link as whoever asked for it gets it; only its hash is kept.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PasswordLink {
    /// For POST /api/v1/auth/password, once.
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// A link with which a user chooses a password. The links before it are void, and so is it once the user's rights
/// change.
///
/// # Errors
/// If there is no such user, it is the caller, they are kept out, or hold more than the caller.
pub async fn issue(ctx: &Ctx, user: UserId) -> Result<Once<PasswordLink>> {
    ctx.require(Permission::UsersInvite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let now = held_now(ctx, tx, Permission::UsersInvite).await?;
    if person(tx, ctx.actor).await? == Some(user) {
        return Err(Error::conflict("own-password", "change your own password by PUT /api/v1/me/password"));
    }
    reach(&now, tx, user).await?;
    let link = make(ctx, tx, user).await?;
    keyed.commit(link, 201, format!("/api/v1/users/{user}")).await
}

/// Puts a link in the place of those before it.
pub(super) async fn make(ctx: &Ctx, tx: &mut TenantTx, user: UserId) -> Result<PasswordLink> {
    let version = store::version_of(tx.conn(), ctx.tenant, user).await?;
    let version =
        version.ok_or_else(|| Error::conflict("kept-out", "this user is kept out; let them in first"))?;
    let token = format!("sbp_{}_{}", ctx.tenant.0.simple(), hex(&ctx.platform.random::<32>()));
    let expires_at = ctx.now() + LIFETIME;
    let hash = sha256(token.as_bytes());
    store::put_link(tx.conn(), ctx.tenant, user, &hash, version, expires_at).await?;
    tx.audit(&[Entry::new("create", "password_link", user).notice()]).await?;
    Ok(PasswordLink { token, expires_at })
}

/// The person behind an actor: of an API key whoever made it.
pub(crate) async fn person(tx: &mut TenantTx, actor: Actor) -> Result<Option<UserId>> {
    let tenant = tx.tenant;
    match actor {
        Actor::User(user) => Ok(Some(user)),
        Actor::ApiKey(key) => store::maker_of(tx.conn(), tenant, key).await,
        Actor::Operator(_) | Actor::System => Ok(None),
    }
}

/// Has the caller show their password once more; answers who they are and its hash.
///
/// # Errors
/// If it is wrong, or the caller is an API key.
pub(super) async fn prove(
    ctx: &Ctx,
    gate: &Gate,
    current: &str,
    address: IpAddr,
    (action, resource): (&'static str, &'static str),
) -> Result<(UserId, String)> {
    let Actor::User(user) = ctx.actor else {
        return Err(Error::conflict("users-only", "an API key has no password; log in to do this"));
    };
    let tried = gate.try_login(&ctx.tenant.to_string(), &user.to_string(), address).await?;
    let mut tx = ctx.begin().await?;
    let stored = store::lock_password(tx.conn(), ctx.tenant, user).await?;
    tx.commit().await?;
    let stored = stored.ok_or(Error::Unauthenticated("the session is over; log in again"))?;
    if !gate.passwords.fits(Some(stored.clone()), current).await? {
        audit::record(ctx, Entry::new(action, resource, user).denied()).await?;
        return Err(Error::invalid("/current", "this is not your password"));
    }
    gate.came_in(tried).await?;
    Ok((user, stored))
}

/// Changes the caller's own password. Their other sessions end.
///
/// # Errors
/// If the one before is wrong or the new one too weak, or the caller is an API key.
pub async fn change_password(
    ctx: &Ctx,
    gate: &Gate,
    (current, new): (&str, &str),
    address: IpAddr,
) -> Result<()> {
    let (user, stored) = prove(ctx, gate, current, address, ("update", "password")).await?;
    let hash = gate.passwords.hash(&ctx.platform, "/new", new).await?;
    let mut tx = ctx.begin().await?;
    let unchanged = store::lock_password(tx.conn(), ctx.tenant, user).await?.as_ref() == Some(&stored);
    if !unchanged || store::user_grants(tx.conn(), ctx.tenant, user, ctx.session).await?.is_none() {
        return Err(Error::Unauthenticated("the session is over; log in again"));
    }
    put(ctx, &mut tx, user, &hash).await?;
    tx.commit().await
}

impl Gate {
    /// Sets the password of whoever holds the link, which is used up. Their sessions end.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the link is unknown, used, expired or void; a password that is too weak leaves it
    /// good.
    pub async fn set_password(&self, token: &str, password: &str, trace: Option<String>) -> Result<()> {
        const REFUSED: Error =
            Error::Unauthenticated("this link is unknown, used or expired; ask an admin for a new one");
        let tenant = token.strip_prefix("sbp_").and_then(|rest| rest.split('_').next());
        let tenant = TenantId(tenant.and_then(|id| Uuid::try_parse(id).ok()).ok_or(REFUSED)?);
        let (link, now) = (sha256(token.as_bytes()), self.platform.clock.now());
        let ctx = self.ctx(tenant, Actor::System, PermissionSet::default(), trace);
        let mut tx = ctx.begin().await?;
        let user = store::link(tx.conn(), tenant, &link, now).await?.ok_or(REFUSED)?;
        tx.commit().await?;
        let hash = self.passwords.hash(&self.platform, "/password", password).await?;
        let mut tx = ctx.begin().await?;
        // The user first, as whoever makes a link does.
        store::lock_password(tx.conn(), tenant, user).await?.ok_or(REFUSED)?;
        let version = store::take_link(tx.conn(), tenant, user, &link, now).await?.ok_or(REFUSED)?;
        if store::version_of(tx.conn(), tenant, user).await? != Some(version) {
            return Err(REFUSED);
        }
        put(&ctx, &mut tx, user, &hash).await?;
        tx.commit().await
    }
}

/// Another password: what came in by the one before ends, but the session that says so.
async fn put(ctx: &Ctx, tx: &mut TenantTx, user: UserId, hash: &str) -> Result<()> {
    store::set_password(tx.conn(), ctx.tenant, user, hash).await?;
    store::end_sessions(tx.conn(), ctx.tenant, user, None, ctx.session, "password", ctx.now()).await?;
    tell(tx, [Actor::User(user)].into_iter()).await?;
    tx.audit(&[Entry::new("update", "password", user).notice()]).await
}
