//! Whoever clicks on the link in a message: nobody who could log in, and the link alone says what they may do.

use super::{gate::Gate, permission::PermissionSet};
use crate::{
    Ctx,
    ctx::Actor,
    error::{Error, Result},
    messages::suppressions::{is_message, is_token_of, read_unsubscribe_token},
    tenancy::SystemTx,
    types::MessageId,
};

impl Gate {
    /// The message that somebody may unsubscribe by, and a context for just that: it has no rights. A tenant that is
    /// suspended makes no difference, for it is the reader's wish.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that was not made here, or for a message that is there no more; or if the database
    /// does not answer.
    pub async fn admit_unsubscriber(&self, token: &str, trace: Option<String>) -> Result<(Ctx, MessageId)> {
        const NOWHERE: Error = Error::NotFound("link; use the whole one of a message that came to you");
        let (tenant, message) = read_unsubscribe_token(token).ok_or(NOWHERE)?;
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        // A tenant that there is not has no keys to look at the proof by.
        if !is_message(tx.conn(), tenant, message).await? {
            return Err(NOWHERE);
        }
        let found = self.platform.vault.find_tenant_keys(tx.conn(), tenant).await?;
        drop(tx);
        let keys = self.platform.vault.open_found(found).await?;
        if !is_token_of(token, &keys, tenant, message) {
            return Err(NOWHERE);
        }
        Ok((self.ctx(tenant, Actor::System, PermissionSet::default(), trace), message))
    }
}
