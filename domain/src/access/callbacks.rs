//! Phone systems at the door: the token in the address says whose they are, the signature that it is they.

use super::{gate::Gate, permission::PermissionSet};
use crate::{
    Ctx,
    calls::{
        self, sources,
        webhook::{self, Headers},
    },
    ctx::Actor,
    error::{Error, Result},
    tenancy::SystemTx,
    types::{CallSourceId, TenantId},
};

/// The phone system that a token is of; whoever names it has not shown yet that they are it. It has no `Debug`: its
/// secrets are in it.
pub struct NamedSource {
    pub id: CallSourceId,
    tenant: TenantId,
    secrets: Vec<String>,
}

impl Gate {
    /// The phone system of a token, to be asked before anything of a webhook is read.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that nobody has, as for any address that there is not; or if the database does
    /// not answer.
    pub async fn call_source(&self, token: &str) -> Result<NamedSource> {
        const NOWHERE: Error = Error::NotFound("route; GET /api/v1/openapi.json lists them");
        let (tenant, hash) = sources::read_token(token).ok_or(NOWHERE)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let source = calls::store::source_by_token(tx.conn(), tenant, &hash).await?.ok_or(NOWHERE)?;
        let found =
            self.platform.vault.find_tenant_keys_for(tx.conn(), tenant, sources::sealed(&source)).await?;
        drop(tx);
        let keys = self.platform.vault.open_found(found).await?;
        let secrets = sources::secrets(&keys, tenant, &source, self.platform.clock.now())?;
        Ok(NamedSource { id: source.id, tenant, secrets })
    }

    /// The context of a webhook about calls. It has no rights: what it tells is taken in by a function for just that.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the signature does not hold.
    pub fn admit_call_source(
        &self,
        named: &NamedSource,
        headers: Headers<'_>,
        body: &[u8],
        trace: Option<String>,
    ) -> Result<Ctx> {
        let secrets: Vec<&str> = named.secrets.iter().map(String::as_str).collect();
        webhook::verify(&secrets, headers, body, self.platform.clock.now())
            .map_err(|refusal| Error::Unauthenticated(refusal.detail()))?;
        Ok(self.ctx(named.tenant, Actor::System, PermissionSet::default(), trace))
    }
}
