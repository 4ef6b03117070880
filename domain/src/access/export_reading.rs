//! Whoever has the link to a file: nobody who could log in, and the link alone says what they may do.

use super::{gate::Gate, permission::PermissionSet};
use crate::{
    Ctx,
    ctx::Actor,
    error::{Error, Result},
    privacy::export::is_tenant,
    storage::link::{LinkTo, Said},
    tenancy::SystemTx,
    types::{AnalyticsExportId, ExportId},
};

impl Gate {
    /// The file about themselves that somebody may fetch, and a context for just that: it has no rights.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that was not made here, was altered, or is over; or if the database does not answer.
    pub async fn admit_export_reader(&self, token: &str, trace: Option<String>) -> Result<(Ctx, ExportId)> {
        let (ctx, said) = self.admit_reader(LinkTo::PrivacyExport, token, trace).await?;
        Ok((ctx, ExportId(said.file)))
    }

    /// The same of rows or a report that somebody took out, and who has made the link, if it is good only as long as they may
    /// have the file.
    ///
    /// # Errors
    /// As [`Self::admit_export_reader`].
    pub async fn admit_file_reader(
        &self,
        token: &str,
        trace: Option<String>,
    ) -> Result<(Ctx, AnalyticsExportId, Option<Actor>)> {
        let (ctx, said) = self.admit_reader(LinkTo::AnalyticsExport, token, trace).await?;
        Ok((ctx, AnalyticsExportId(said.file), said.by))
    }

    async fn admit_reader(&self, to: LinkTo, token: &str, trace: Option<String>) -> Result<(Ctx, Said)> {
        const NOWHERE: Error =
            Error::NotFound("link; it is good for some days only: ask whoever gave it to you for a new one");
        let said = Said::read(token).ok_or(NOWHERE)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        // A tenant that there is not has no keys to look at the proof by.
        if !is_tenant(tx.conn(), said.tenant).await? {
            return Err(NOWHERE);
        }
        let found = self.platform.vault.find_tenant_keys(tx.conn(), said.tenant).await?;
        drop(tx);
        let keys = self.platform.vault.open_found(found).await?;
        if !said.holds(token, to, &keys, self.platform.clock.now()) {
            return Err(NOWHERE);
        }
        Ok((self.ctx(said.tenant, Actor::System, PermissionSet::default(), trace), said))
    }
}
