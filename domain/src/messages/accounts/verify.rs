//! Whether an account's credentials are good: the provider is asked, and nothing is sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::{change::no_adapter, credentials_place};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    messages::{
        provider::{Account, CALL_LIMIT, Verified},
        store,
    },
    types::ProviderId,
};

/// How long nobody may ask again with the same credentials, so that a provider is not asked without end in our name.
const PAUSE: Duration = Duration::from_secs(5);

/// What a look at an account came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationResult {
    /// The credentials were accepted.
    Good,
    /// The provider has nothing to ask without sending; their form is right.
    Unproven,
    /// They are not accepted.
    Bad,
    /// It could not be reached; that says nothing about the credentials.
    Unreachable,
}

/// What the provider said.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Verification {
    pub result: VerificationResult,
    /// What is wrong, as a stable code.
    pub code: Option<String>,
    /// What to change, or why it could not be reached.
    pub text: Option<String>,
    /// When the provider last said that they are good.
    pub verified_at: Option<DateTime<Utc>>,
}

/// Asks the provider whether an account's credentials are good. No transaction is open meanwhile.
///
/// # Errors
/// If there is none, somebody has asked a moment ago, or this build has no adapter for it.
pub async fn verify(ctx: &Ctx, id: ProviderId) -> Result<Verification> {
    ctx.require(Permission::ProvidersWrite)?;
    let mut tx = ctx.begin().await?;
    let Some(asked) = store::begin_verifying(tx.conn(), ctx.tenant, id, PAUSE).await? else {
        store::lock_provider(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("provider"))?;
        let detail = "this provider was verified a moment ago; wait, or change its credentials first";
        return Err(Error::TooMany { wait: PAUSE, detail });
    };
    let adapter = ctx.platform.providers.get(&asked.kind).ok_or_else(no_adapter)?;
    let sealed = [asked.credentials_sealed.as_slice()];
    let keys = ctx.platform.vault.tenant_keys_for(tx.conn(), ctx.tenant, sealed).await?;
    let credentials = keys.open(&credentials_place(ctx.tenant, id), &asked.credentials_sealed)?;
    tx.commit().await?;
    let account = Account { id, channel: asked.channel, credentials, version: asked.version };
    let said = tokio::time::timeout(CALL_LIMIT, adapter.verify(ctx, &account)).await;
    let said = said.unwrap_or_else(|_| Verified::Unreachable { text: "it did not answer in time".into() });
    let (result, code, text) = match said {
        Verified::Good => (VerificationResult::Good, None, None),
        Verified::Unproven => (VerificationResult::Unproven, None, None),
        Verified::Bad { code, text } => (VerificationResult::Bad, Some(code), Some(text)),
        Verified::Unreachable { text } => (VerificationResult::Unreachable, None, Some(text)),
    };
    let mut tx = ctx.begin().await?;
    let good = match result {
        VerificationResult::Good => Some(true),
        VerificationResult::Bad => Some(false),
        VerificationResult::Unproven | VerificationResult::Unreachable => None,
    };
    let verified_at = store::note_verified(tx.conn(), ctx.tenant, id, asked.version, good).await?;
    let detail = json!({ "result": result, "code": code });
    tx.audit(&[Entry::new("verify", "provider", id).detail(detail)]).await?;
    tx.commit().await?;
    Ok(Verification { result, code, text, verified_at })
}
