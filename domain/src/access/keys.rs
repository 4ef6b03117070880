//! Commands: API keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    api_key::ApiKey,
    gate::Gate,
    permission::Permission,
    rights::held_now,
    roles::{given, tell},
    store,
};
use crate::{
    Ctx,
    audit::Entry,
    ctx::Actor,
    error::{Error, Result},
    moment::Moment,
    tenancy::{Begun, Once},
    types::{ApiKeyId, Text},
};

/// An API key as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub permissions: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What an API key is to be.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Names of permissions; those of the maker at most.
    pub permissions: Vec<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Moment>,
}

/// Makes an API key; the text is in the answer and nowhere else.
///
/// # Errors
/// If a permission is unknown or not the maker's own, or the expiry is past.
pub async fn create_api_key(ctx: &Ctx, gate: &Gate, new: NewApiKey) -> Result<Once<(ApiKeyView, String)>> {
    ctx.require(Permission::ApiKeysCreate)?;
    let Actor::User(maker) = ctx.actor else {
        return Err(Error::conflict("users-only", "an API key is made by a user; log in to make one"));
    };
    let expires_at = new.expires_at.map(Moment::utc);
    if expires_at.is_some_and(|at| at <= ctx.now()) {
        return Err(Error::invalid("/expires_at", "choose a time to come"));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let now = held_now(ctx, &mut keyed.tx, Permission::ApiKeysCreate).await?;
    given(&now, &new.permissions)?;
    let key = ApiKey::new(ApiKeyId(ctx.id()), ctx.platform.random());
    let view = ApiKeyView {
        id: key.id,
        name: new.name.as_str().to_owned(),
        permissions: new.permissions,
        created_at: ctx.now(),
        expires_at,
        revoked_at: None,
    };
    store::insert_api_key(keyed.tx.conn(), ctx.tenant, maker, &view, &gate.fingerprint(&key)).await?;
    keyed.tx.audit(&[Entry::new("create", "api_key", key.id).notice()]).await?;
    let location = format!("/api/v1/api-keys/{}", key.id);
    keyed.commit((view, key.reveal(&gate.pepper)), 201, location).await
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
/// If there is no such key, or it holds more than the caller, who has not made it.
pub async fn revoke_api_key(ctx: &Ctx, id: ApiKeyId) -> Result<()> {
    ctx.require(Permission::ApiKeysRevoke)?;
    let mut tx = ctx.begin().await?;
    let now = held_now(ctx, &mut tx, Permission::ApiKeysRevoke).await?;
    let key = store::api_key(tx.conn(), id).await?;
    if key.is_some_and(|key| Actor::User(key.maker) != ctx.actor && !now.rights().covers(key.rights())) {
        return Err(Error::beyond("", "this key holds more permissions than you do"));
    }
    if !store::revoke_api_key(tx.conn(), ctx.tenant, id).await? {
        return Err(Error::NotFound("API key"));
    }
    tell(&mut tx, [Actor::ApiKey(id)].into_iter()).await?;
    tx.audit(&[Entry::new("delete", "api_key", id).notice()]).await?;
    tx.commit().await
}
