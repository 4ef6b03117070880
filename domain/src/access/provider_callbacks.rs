//! Providers at the door: the token in the address says whose account they call about, their signature that it is they.
//!
//! The token is looked up by its hash, so how long that takes tells nothing of it; signatures are compared by the
//! adapters, in constant time (`verify_slice` of the MAC).

use std::sync::Arc;

use super::{gate::Gate, permission::PermissionSet};
use crate::{
    Ctx,
    ctx::Actor,
    error::{Error, Result},
    messages::{
        accounts::{self, credentials_place},
        callback::{Callback, CallbackRequest, Rejected},
        provider::{Account, Channel, Provider},
        store,
    },
    tenancy::SystemTx,
    types::TenantId,
};

const NOWHERE: Error = Error::NotFound("route; GET /api/v1/openapi.json lists them");

/// The account that a callback address is of; whoever calls there has not shown yet that they are its provider. It has no
/// `Debug`: its credentials are in it.
pub struct NamedAccount {
    pub account: Account,
    tenant: TenantId,
    adapter: Arc<dyn Provider>,
}

impl Gate {
    /// The account of a callback address, to be asked before anything of a body is read. One that is paused has its
    /// address still; one that was taken away has none.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an address that nobody has; or if the database does not answer.
    pub async fn called_account(&self, kind: &str, token: &str) -> Result<NamedAccount> {
        let (tenant, hash) = accounts::read_callback_token(token).ok_or(NOWHERE)?;
        let adapter = self.platform.providers.get(kind).ok_or(NOWHERE)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let found = store::account_by_callback(tx.conn(), tenant, &hash, kind).await?.ok_or(NOWHERE)?;
        let sealed = [found.credentials_sealed.as_slice()];
        let wrapped = self.platform.vault.find_tenant_keys_for(tx.conn(), tenant, sealed).await?;
        drop(tx);
        let keys = self.platform.vault.open_found(wrapped).await?;
        let credentials = keys.open(&credentials_place(tenant, found.id), &found.credentials_sealed)?;
        let channel = Channel::named(&found.channel);
        let channel = channel.ok_or_else(|| Error::internal("an account of an unheard-of channel"))?;
        let account = Account { id: found.id, channel, credentials, version: found.version };
        Ok(NamedAccount { account, tenant, adapter })
    }

    /// What a provider says, and the context to take it in by. That has no rights: it is taken in by a function for just
    /// that.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the signature does not hold, [`Error::Invalid`] if what is signed has another form
    /// than the provider documents, [`Error::NotFound`] if this provider tells nothing by itself.
    pub fn admit_provider(
        &self,
        named: &NamedAccount,
        request: &CallbackRequest<'_>,
        trace: Option<String>,
    ) -> Result<(Ctx, Callback)> {
        let callback = named.adapter.callback(&named.account, request).map_err(|rejected| match rejected {
            Rejected::NoCallbacks => NOWHERE,
            Rejected::Signature => Error::Unauthenticated(
                "the signature does not hold; look whether the account's credentials here are those at the provider, and \
                 whether the provider calls the address as it was given to it",
            ),
            Rejected::Form(why) => Error::invalid("", why),
        })?;
        Ok((self.ctx(named.tenant, Actor::System, PermissionSet::default(), trace), callback))
    }
}
