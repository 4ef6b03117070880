//! Which version a name and a locale mean.

use super::{
    super::{locale, provider::Channel, store},
    TemplateView, one,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{Locale, TemplateId},
};

/// The newest version of a name in the locale that fits best what is asked for; none if the name is not offered. To be
/// asked in the transaction that takes the message: the version is fixed from then on.
pub(in crate::messages) async fn resolve(
    tx: &mut TenantTx,
    name: &str,
    wanted: Option<&str>,
) -> Result<Option<(TemplateId, Channel)>> {
    let tenant = tx.tenant;
    let offered = store::offered(tx.conn(), tenant, name).await?;
    let locales: Vec<&str> = offered.iter().map(|one| one.locale.as_str()).collect();
    let Some(picked) = locale::pick(wanted.unwrap_or_default(), &locales) else { return Ok(None) };
    let found = offered.iter().find(|one| one.locale == picked);
    found.map(|one| Ok((one.id, store::stored_channel(&one.channel)?))).transpose()
}

/// The version that a name and a locale mean at this moment.
///
/// # Errors
/// If the permission is missing, or no template of this name is offered.
pub async fn meant(ctx: &Ctx, name: &str, wanted: Option<&Locale>) -> Result<TemplateView> {
    ctx.require(Permission::TemplatesRead)?;
    let mut tx = ctx.begin().await?;
    let found = resolve(&mut tx, name, wanted.map(canonical).as_deref()).await?;
    let (id, _) = found.ok_or(Error::NotFound("template"))?;
    one(&mut tx, id).await
}

/// A language tag in the letters in which it is usually written (RFC 5646, section 2.1.1), so that each locale has one
/// form: `de-at` is `de-AT`.
pub(super) fn canonical(locale: &Locale) -> String {
    let form = |(at, part): (usize, &str)| {
        let is_word = part.bytes().all(|letter| letter.is_ascii_alphabetic());
        match part.len() {
            2 if at > 0 && is_word => part.to_ascii_uppercase(),
            4 if at > 0 && is_word => {
                let (first, rest) = part.split_at(1);
                format!("{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase())
            }
            _ => part.to_ascii_lowercase(),
        }
    };
    locale.as_str().split('-').enumerate().map(form).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_locale_has_one_form() {
        for (given, wanted) in
            [("EN", "en"), ("de-at", "de-AT"), ("ZH-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")]
        {
            assert_eq!(canonical(&given.parse().expect("a tag")), wanted);
        }
    }
}
