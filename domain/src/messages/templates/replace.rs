//! The next version of a template that is there, and taking one from offer.

use super::{TemplateParts, TemplateView, one, write};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    messages::store,
    tenancy::TenantTx,
    types::TemplateId,
};

/// Saves the next version of the name and locale that a version is of; the version itself stays as it is. What says the
/// same as the newest changes nothing, so a request that is sent twice makes one version.
///
/// # Errors
/// If there is none, a part does not fit, the newest is not the one that was read, or a conflict if the name is not
/// offered any more.
pub async fn replace(ctx: &Ctx, id: TemplateId, parts: TemplateParts) -> Result<TemplateView> {
    ctx.require(Permission::TemplatesWrite)?;
    let mut tx = ctx.begin().await?;
    let named = held(&mut tx, id).await?;
    let locale = named.locale.as_deref().unwrap_or_default();
    let newest = store::newest_template(tx.conn(), ctx.tenant, &named.name, locale).await?;
    let Some(newest) = newest else {
        let detail = "it is not offered any more; save it anew under its name";
        return Err(Error::conflict("template-archived", detail));
    };
    ctx.expect_version("template", None, newest.version.into())?;
    let channel = store::stored_channel(&newest.channel)?;
    parts.check(channel)?;
    if parts.are_of(&newest) {
        return Ok(newest);
    }
    let put = store::FreshTemplate { id: TemplateId(ctx.id()), name: &named.name, channel, locale };
    let view = write(&mut tx, &put, &parts, "update").await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes the name and locale that a version is of from offer, with all its versions. Messages that were accepted before
/// are sent. One that is not offered any more stays so.
///
/// # Errors
/// If there is none, or the newest is not the one that was read.
pub async fn archive(ctx: &Ctx, id: TemplateId) -> Result<()> {
    ctx.require(Permission::TemplatesWrite)?;
    let mut tx = ctx.begin().await?;
    let named = held(&mut tx, id).await?;
    let locale = named.locale.as_deref().unwrap_or_default();
    let newest = store::newest_template(tx.conn(), ctx.tenant, &named.name, locale).await?;
    let Some(newest) = newest else { return Ok(()) };
    ctx.expect_version("template", None, newest.version.into())?;
    store::archive_templates(tx.conn(), ctx.tenant, &named.name, locale).await?;
    tx.audit(&[Entry::new("delete", "template", newest.id)]).await?;
    tx.commit().await
}

/// A version, with its name held against others who save under it.
async fn held(tx: &mut TenantTx, id: TemplateId) -> Result<TemplateView> {
    let named = one(tx, id).await?;
    let tenant = tx.tenant;
    store::hold_template_name(tx.conn(), tenant, &named.name).await?;
    Ok(named)
}
