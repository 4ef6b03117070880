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
    types::CallSourceId,
};

impl Gate {
    /// The context of a webhook about calls, and who sent it. It has no rights: what it tells is taken in by a function
    /// for just that.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that nobody has, as for any address that there is not; [`Error::Unauthenticated`]
    /// if the signature does not hold; or if the database does not answer.
    pub async fn admit_call_source(
        &self,
        token: &str,
        headers: Headers<'_>,
        body: &[u8],
        trace: Option<String>,
    ) -> Result<(Ctx, CallSourceId)> {
        const NOWHERE: Error = Error::NotFound("route; GET /api/v1/openapi.json lists them");
        let (tenant, hash) = sources::read_token(token).ok_or(NOWHERE)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let source = calls::store::source_by_token(tx.conn(), tenant, &hash).await?.ok_or(NOWHERE)?;
        let keys = self.platform.vault.tenant_keys(tx.conn(), tenant).await?;
        drop(tx);
        let now = self.platform.clock.now();
        let secrets = sources::secrets(&keys, tenant, &source, now)?;
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        webhook::verify(&secrets, headers, body, now)
            .map_err(|refusal| Error::Unauthenticated(refusal.detail()))?;
        Ok((self.ctx(tenant, Actor::System, PermissionSet::default(), trace), source.id))
    }
}
