//! Ways back for a user whom nobody of the tenant can help, as its only admin: by whoever has the machine.

use super::{
    gate::Gate,
    links::{self, PasswordLink},
    permission::PermissionSet,
    second_factor, store,
};
use crate::{
    Ctx,
    ctx::Actor,
    error::{Error, Result},
    tenancy::{self, SystemTx},
    types::{EmailAddress, UserId},
};

impl Gate {
    /// A link by which a user chooses a password.
    ///
    /// # Errors
    /// If there is no such tenant or user, or they are kept out.
    pub async fn rescue_password(&self, slug: &str, email: &EmailAddress) -> Result<PasswordLink> {
        let (ctx, user) = self.meant(slug, email).await?;
        let mut tx = ctx.begin().await?;
        let link = links::make(&ctx, &mut tx, user).await?;
        tx.commit().await?;
        Ok(link)
    }

    /// Takes the second factor of a user away who has lost it.
    ///
    /// # Errors
    /// If there is no such tenant or user, or they have none.
    pub async fn rescue_second_factor(&self, slug: &str, email: &EmailAddress) -> Result<()> {
        let (ctx, user) = self.meant(slug, email).await?;
        let mut tx = ctx.begin().await?;
        second_factor::remove_on(&mut tx, user).await?;
        tx.commit().await
    }

    async fn meant(&self, slug: &str, email: &EmailAddress) -> Result<(Ctx, UserId)> {
        let mut tx = SystemTx::begin(&self.platform.engine).await?;
        let tenant = tenancy::store::by_slug(tx.conn(), slug).await?.ok_or(Error::NotFound("tenant"))?;
        let keys = self.platform.vault.tenant_keys(tx.conn(), tenant.id).await?;
        let index = keys.index("users.email", &email.normal());
        let user = store::user_by_email(tx.conn(), tenant.id, &index).await?;
        tx.commit().await?;
        let user = user.ok_or(Error::NotFound("user with this e-mail address who may come in"))?;
        Ok((self.ctx(tenant.id, Actor::System, PermissionSet::all(), None), user.id))
    }
}
