//! Changing an account, and taking it away.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ProviderView, bound, credentials_place, one, out_of_range, taken, unfit};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    messages::{rules::OnUnknown, store},
    types::{ProviderId, Text, nullable},
    vault::Vault,
};

/// What to change of an account; absent fields stay, null removes a limit (RFC 7396).
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<100>>,
    /// 1 to 100.
    pub priority: Option<i16>,
    pub on_unknown: Option<OnUnknown>,
    /// 0.001 to 10000.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    pub rate_per_s: Option<Option<f64>>,
    /// 1 to 10000.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub max_running: Option<Option<i32>>,
    /// All of them, in the place of those before; they are never shown.
    #[schema(value_type = Option<Object>)]
    pub credentials: Option<Value>,
}

/// Changes an account. Messages under way go on with what they were given.
///
/// # Errors
/// If there is none, something does not fit, or the name is taken.
pub async fn change(ctx: &Ctx, id: ProviderId, change: ProviderChange) -> Result<ProviderView> {
    ctx.require(Permission::ProvidersWrite)?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_provider(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("provider"))?;
    ctx.expect_version("provider", None, held.version)?;
    let mut wrong = out_of_range(change.priority, change.rate_per_s.flatten(), change.max_running.flatten());
    if let Some(credentials) = &change.credentials {
        let adapter = ctx.platform.providers.get(&held.kind).ok_or_else(no_adapter)?;
        wrong.extend(unfit(adapter.as_ref(), held.channel, credentials));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let sealed = match &change.credentials {
        Some(credentials) => {
            let keys = Vault::to_seal(&mut tx, 1).await?;
            let place = credentials_place(ctx.tenant, id);
            Some(keys.seal(&ctx.platform, &place, credentials.to_string().as_bytes()))
        }
        None => None,
    };
    if !store::update_provider(tx.conn(), ctx.tenant, id, &change, sealed.as_deref()).await? {
        return Err(taken());
    }
    let entry = Entry::new("update", "provider", id).detail(change.detail());
    tx.audit(&[if sealed.is_some() { entry.notice() } else { entry }]).await?;
    if change.rate_per_s.is_some() || change.max_running.is_some() {
        let rate_per_s = change.rate_per_s.unwrap_or(held.rate_per_s);
        bound(&mut tx, id, rate_per_s, change.max_running.unwrap_or(held.max_running)).await?;
    }
    let view = one(ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes an account away: nothing is handed to it any more, and its messages stay.
///
/// # Errors
/// If there is none, or a conflict if messages wait that nobody else may carry.
pub async fn delete(ctx: &Ctx, id: ProviderId) -> Result<()> {
    ctx.require(Permission::ProvidersWrite)?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_provider(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("provider"))?;
    ctx.expect_version("provider", None, held.version)?;
    if store::is_waited_for(tx.conn(), ctx.tenant, id).await? {
        let detail = "messages wait that only this provider may carry; let them be sent or cancel them, then delete it";
        return Err(Error::conflict("provider-in-use", detail));
    }
    store::retire_provider(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "provider", id).notice()]).await?;
    if held.rate_per_s.is_some() || held.max_running.is_some() {
        bound(&mut tx, id, None, None).await?;
    }
    tx.commit().await
}

impl ProviderChange {
    /// What of it the audit log holds; of credentials that there are others.
    fn detail(&self) -> Value {
        json!({
            "priority": self.priority, "on_unknown": self.on_unknown, "rate_per_s": self.rate_per_s,
            "max_running": self.max_running, "credentials": self.credentials.is_some(),
        })
    }
}

pub(super) fn no_adapter() -> Error {
    Error::conflict("no-adapter", "this build has no adapter for this kind of provider; set up another one")
}
