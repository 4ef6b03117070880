//! What a search for leads comes to: hashes of what was asked for.

use super::{
    commands::Filter,
    store::{self, Wanted},
    terms::{attribute_term, name_term, tag_term, words},
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{E164, EmailAddress, Malformed, Text},
};

/// What somebody typed into a search.
#[derive(Debug)]
enum Typed {
    Phone(E164),
    Email(EmailAddress),
    Words(Vec<String>),
}

/// A number, an address, or words of a name.
fn read(typed: &str) -> Result<Typed> {
    let wrong = |why: &str| Error::invalid("?q", why);
    if typed.starts_with('+') {
        return typed.parse().map(Typed::Phone).map_err(|why: Malformed| wrong(why.0));
    }
    if typed.contains('@') {
        return typed.parse().map(Typed::Email).map_err(|why: Malformed| wrong(why.0));
    }
    let words: Vec<String> = words(typed).into_iter().collect();
    if words.is_empty() {
        return Err(wrong("write a phone number with +, an e-mail address, or whole words of a name"));
    }
    Ok(Typed::Words(words))
}

/// Refuses a search for what the caller may not see: what is found tells the value.
///
/// # Errors
/// If it asks for numbers, addresses or names, and the caller may not see personal data.
pub(super) fn require_sight(ctx: &Ctx, filter: &Filter) -> Result<()> {
    if filter.email.is_some() || filter.phone.is_some() || filter.q.is_some() {
        ctx.require(Permission::PersonalRead)?;
    }
    Ok(())
}

/// Hashes what a filter asks for.
///
/// # Errors
/// If it is about names and the tenant's leads are not found by them, or it asks for two numbers or addresses at once.
pub(super) async fn wanted(ctx: &Ctx, tx: &mut TenantTx, filter: &Filter) -> Result<Wanted> {
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let email = |email: &EmailAddress| index.index("leads.email", &email.normal());
    let phone = |phone: &E164| index.index("leads.phone", phone.as_str());
    let mut wanted = Wanted {
        email: filter.email.as_ref().map(email),
        phone: filter.phone.as_ref().map(phone),
        terms: filter.tag.iter().map(|tag| tag_term(&index, tag.as_str())).collect(),
    };
    ask_attributes(ctx, tx, filter, &mut wanted).await?;
    let twice =
        || Error::invalid("?q", "it is asked for by a parameter of its own already; leave one of them out");
    match filter.q.as_ref().map(Text::as_str).map(read).transpose()? {
        None => {}
        Some(Typed::Email(_)) if wanted.email.is_some() => return Err(twice()),
        Some(Typed::Phone(_)) if wanted.phone.is_some() => return Err(twice()),
        Some(Typed::Email(typed)) => wanted.email = Some(email(&typed)),
        Some(Typed::Phone(typed)) => wanted.phone = Some(phone(&typed)),
        Some(Typed::Words(words)) => {
            if !store::searches_names(tx.conn(), ctx.tenant).await? {
                let detail = "your tenant's leads are not found by their names; an admin can change that by \
                              PATCH /api/v1/tenant with search_names";
                return Err(Error::conflict("names-not-searched", detail));
            }
            wanted.terms.extend(words.iter().map(|word| name_term(&index, word)));
        }
    }
    Ok(wanted)
}

/// Hashes the values of attributes that a filter asks for.
async fn ask_attributes(ctx: &Ctx, tx: &mut TenantTx, filter: &Filter, wanted: &mut Wanted) -> Result<()> {
    if filter.attributes.is_empty() {
        return Ok(());
    }
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let definitions = store::definitions(tx.conn(), ctx.tenant).await?;
    for (name, value) in &filter.attributes {
        let parameter = format!("?attr.{name}");
        let found = definitions.iter().find(|known| known.name == *name && known.searchable);
        let Some(definition) = found else {
            return Err(Error::invalid(parameter, "no searchable attribute of this name is defined"));
        };
        if definition.personal {
            // What is found tells the value.
            ctx.require(Permission::PersonalRead)?;
        }
        let value = definition.read(value.trim()).map_err(|why| Error::invalid(parameter, why))?;
        let normal =
            definition.normal(&value).ok_or_else(|| Error::internal("a value without a normal form"))?;
        wanted.terms.push(attribute_term(&index, name, &normal));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_number_an_address_or_words() {
        assert!(matches!(read("+14155550100"), Ok(Typed::Phone(_))));
        assert!(matches!(read("ada@example.com"), Ok(Typed::Email(_))));
        assert!(matches!(read("Ada  LOVELACE"), Ok(Typed::Words(words)) if words == ["ada", "lovelace"]));
        for bad in ["+1", "@", "--"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
