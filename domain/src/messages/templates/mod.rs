//! Commands on templates. A version is never changed: saving under a known name and locale makes the next one.
//!
//! - [`parts`] what a channel takes, pure; `replace` the next version of what is there, and taking it from offer
//! - [`preview`](mod@preview) how it would look, without sending; [`lookup`] which version a name and a locale mean

pub mod lookup;
pub mod parts;
pub mod preview;
mod replace;

pub use lookup::meant;
pub(super) use lookup::resolve;
pub use parts::TemplateParts;
pub use preview::{TemplatePreview, TemplateSample, preview};
pub use replace::{archive, replace};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{provider::Channel, store, wording::Extra};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    bounded::Bounded,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{Locale, TemplateId, Text},
};

/// What to save. `text` is always needed: every mail has a plain part.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// All templates of a name are of one channel.
    #[schema(value_type = String)]
    pub name: Text<100>,
    pub channel: Channel,
    /// A language tag (BCP 47); none for whoever no other version is meant for.
    #[schema(value_type = Option<String>, example = "de-AT")]
    pub locale: Option<Locale>,
    /// The subject of an e-mail, the title of a push; no other channel has one.
    pub subject: Option<String>,
    pub text: String,
    /// Of e-mails only.
    pub html: Option<String>,
    /// What only the channel has.
    pub extra: Option<Extra>,
}

/// A version of a template.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TemplateView {
    pub id: TemplateId,
    pub name: String,
    /// Of its name and locale, from 1 on.
    pub version: i32,
    pub channel: String,
    pub locale: Option<String>,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    #[schema(value_type = Option<Extra>)]
    pub extra: Option<Value>,
    pub created_at: DateTime<Utc>,
    /// Since when it is not offered any more: nothing new is sent by its name.
    pub archived_at: Option<DateTime<Utc>>,
}

/// Which templates to list.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    pub name: Option<String>,
    pub channel: Option<Channel>,
    pub locale: Option<Locale>,
    /// Only the newest version of each name and locale.
    pub latest: bool,
    /// Also those that are not offered any more.
    pub archived: bool,
}

/// Saves a template; under a known name and locale, as the next version.
///
/// # Errors
/// If a part does not parse or its channel does not take it, or a conflict if the name is of another channel.
pub async fn save(ctx: &Ctx, new: NewTemplate) -> Result<Once<TemplateView>> {
    ctx.require(Permission::TemplatesWrite)?;
    let NewTemplate { name, channel, locale, subject, text, html, extra } = new;
    let parts = TemplateParts { subject, text, html, extra };
    parts.check(channel)?;
    let locale = locale.as_ref().map(lookup::canonical).unwrap_or_default();
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    store::hold_template_name(keyed.tx.conn(), ctx.tenant, name.as_str()).await?;
    let known = store::channel_of_name(keyed.tx.conn(), ctx.tenant, name.as_str()).await?;
    if let Some(known) = known.filter(|known| *known != channel) {
        let detail = format!("templates of this name are for {}; choose another name", known.as_str());
        return Err(Error::conflict("name-of-another-channel", detail));
    }
    let put =
        store::FreshTemplate { id: TemplateId(ctx.id()), name: name.as_str(), channel, locale: &locale };
    let view = write(&mut keyed.tx, &put, &parts, "create").await?;
    let location = location(view.id);
    keyed.commit(view, 201, location).await
}

/// The newest version of a template of e-mails that the product itself writes by: as it says, where the tenant has none of
/// this name.
///
/// # Errors
/// If the name is one of another channel, or the database refuses.
pub(crate) async fn of_product(
    ctx: &Ctx,
    tx: &mut TenantTx,
    name: &str,
    parts: &TemplateParts,
) -> Result<TemplateId> {
    let tenant = tx.tenant;
    store::hold_template_name(tx.conn(), tenant, name).await?;
    let channel = Channel::Email;
    match resolve(tx, name, None).await? {
        Some((id, of)) if of == channel => return Ok(id),
        Some(_) => {
            let detail = format!("the template `{name}` is not for e-mails; name one of your own");
            return Err(Error::conflict("name-of-another-channel", detail));
        }
        None => {}
    }
    parts.check(channel)?;
    let put = store::FreshTemplate { id: TemplateId(ctx.id()), name, channel, locale: "" };
    Ok(write(tx, &put, parts, "create").await?.id)
}

/// Newest first, those with ids below `before`, and fewer than `limit` where they are large.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(
    ctx: &Ctx,
    filter: &Filter,
    before: Option<TemplateId>,
    limit: i64,
) -> Result<Bounded<TemplateView>> {
    ctx.require(Permission::TemplatesRead)?;
    let mut tx = ctx.begin().await?;
    store::templates(tx.conn(), ctx.tenant, None, filter, before, limit).await
}

/// One version, also of what is not offered any more.
///
/// # Errors
/// If there is no such template.
pub async fn get(ctx: &Ctx, id: TemplateId) -> Result<TemplateView> {
    ctx.require(Permission::TemplatesRead)?;
    one(&mut ctx.begin().await?, id).await
}

/// Where a version is read.
#[must_use]
pub fn location(id: TemplateId) -> String {
    format!("/api/v1/communication/templates/{id}")
}

async fn one(tx: &mut TenantTx, id: TemplateId) -> Result<TemplateView> {
    let (tenant, any) = (tx.tenant, Filter { archived: true, ..Filter::default() });
    let mut found = store::templates(tx.conn(), tenant, Some(id), &any, None, 1).await?;
    found.rows.pop().ok_or(Error::NotFound("template"))
}

/// Writes the next version of a name and locale, whose name is held.
async fn write(
    tx: &mut TenantTx,
    put: &store::FreshTemplate<'_>,
    parts: &TemplateParts,
    verb: &'static str,
) -> Result<TemplateView> {
    let tenant = tx.tenant;
    store::insert_template(tx.conn(), tenant, put, parts).await?;
    let view = one(tx, put.id).await?;
    tx.audit(&[Entry::new(verb, "template", put.id).detail(json!({ "version": view.version }))]).await?;
    Ok(view)
}
