//! Commands on providers: a tenant's accounts, their credentials sealed and never shown again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{provider::Channel, rules::OnUnknown, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once},
    types::{ProviderId, TenantId, Text},
    vault::Place,
};

/// An account to set up. What `credentials` holds depends on the kind; they are write-only.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProvider {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// `smtp`, or `sandbox`, which needs no credentials.
    pub kind: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub credentials: Value,
    #[serde(default)]
    pub on_unknown: OnUnknown,
}

/// An account, without its credentials.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProviderView {
    pub id: ProviderId,
    pub name: String,
    pub kind: String,
    pub channel: String,
    pub on_unknown: String,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If the kind is unknown, the credentials do not fit it, or the name is taken.
pub async fn create(ctx: &Ctx, new: NewProvider) -> Result<Once<ProviderView>> {
    ctx.require(Permission::ProvidersWrite)?;
    let providers = &ctx.platform.providers;
    let Some(adapter) = providers.get(&new.kind) else {
        return Err(Error::invalid("/kind", format!("there are {}", providers.kinds().join(", "))));
    };
    let wrong = adapter.check(&new.credentials);
    if !wrong.is_empty() {
        let below =
            |error: FieldError| FieldError::new(format!("/credentials{}", error.pointer), error.detail);
        return Err(Error::Invalid(wrong.into_iter().map(below).collect()));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = ProviderId(ctx.id());
    let keys = ctx.platform.vault.tenant_keys(keyed.tx.conn(), ctx.tenant).await?;
    let sealed =
        keys.seal(&ctx.platform, &credentials_place(ctx.tenant, id), new.credentials.to_string().as_bytes());
    let channel: Channel = adapter.channel();
    if !store::insert_provider(keyed.tx.conn(), ctx.tenant, id, &new, channel, &sealed).await? {
        return Err(Error::conflict("name-taken", "a provider with this name exists; choose another name"));
    }
    keyed.tx.audit(&[Entry::new("create", "provider", id)]).await?;
    let view = store::providers(keyed.tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    let view = view.ok_or_else(|| Error::internal("a provider just saved is not there"))?;
    keyed.commit(view, 201, format!("/api/v1/communication/providers/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<ProviderId>, limit: i64) -> Result<Vec<ProviderView>> {
    ctx.require(Permission::ProvidersRead)?;
    let mut tx = ctx.begin().await?;
    store::providers(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such provider.
pub async fn get(ctx: &Ctx, id: ProviderId) -> Result<ProviderView> {
    ctx.require(Permission::ProvidersRead)?;
    let mut tx = ctx.begin().await?;
    store::providers(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("provider"))
}

/// Where an account's credentials are sealed.
pub(crate) fn credentials_place(tenant: TenantId, provider: ProviderId) -> Place {
    Place { tenant, table: "providers", column: "credentials_sealed", row: provider.0 }
}
