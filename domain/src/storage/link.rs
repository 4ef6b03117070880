//! A link by which somebody gets a file: it says which file it is for and until when, and proves that it was made here. It
//! needs no row and no login, and it is good for one tenant's one file.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    ctx::Actor,
    types::{ApiKeyId, TenantId, UserId},
    vault::{TenantKeys, cipher::hex},
};

/// What links of a kind are for: the name of what is proved. A link of one kind is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkTo {
    /// All that is held of somebody.
    PrivacyExport,
    /// Rows or a report that somebody took out.
    AnalyticsExport,
}

impl LinkTo {
    fn proves(self) -> &'static str {
        match self {
            Self::PrivacyExport => "privacy_exports.link",
            Self::AnalyticsExport => "analytics_exports.link",
        }
    }
}

/// `tenant.file.until.proof`, until in seconds since 1970; `tenant.file.by.until.proof` of one that is good only as long as
/// whoever has made it may have the file themselves.
pub(crate) fn token(
    keys: &TenantKeys,
    to: LinkTo,
    (tenant, file): (TenantId, Uuid),
    by: Option<Actor>,
    until: i64,
) -> String {
    let by = by.and_then(word_of).map(|by| format!(".{by}")).unwrap_or_default();
    let said = format!("{}{by}.{until}", file.simple());
    let proof = keys.index(to.proves(), &said);
    format!("{}.{said}.{}", tenant.0.simple(), hex(&proof))
}

/// None of whoever has no rights of their own in the tenant.
fn word_of(by: Actor) -> Option<String> {
    match by {
        Actor::User(user) => Some(format!("u{}", user.0.simple())),
        Actor::ApiKey(key) => Some(format!("k{}", key.0.simple())),
        Actor::Operator(_) | Actor::System => None,
    }
}

fn actor_of(word: &str) -> Option<Actor> {
    let (kind, id) = word.split_at_checked(1)?;
    let id = Uuid::try_parse(id).ok()?;
    match kind {
        "u" => Some(Actor::User(UserId(id))),
        "k" => Some(Actor::ApiKey(ApiKeyId(id))),
        _ => None,
    }
}

/// What a token says. Nothing is proved by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub tenant: TenantId,
    pub file: Uuid,
    /// Who has made it, if it is good only as long as they may have the file.
    pub by: Option<Actor>,
    until: i64,
}

impl Said {
    /// None if the token has another form.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let (tenant, file, by, until) = match parts[..] {
            [tenant, file, until, _] => (tenant, file, None, until),
            [tenant, file, by, until, _] => (tenant, file, Some(actor_of(by)?), until),
            _ => return None,
        };
        let id = |text| Uuid::try_parse(text).ok();
        Some(Self { tenant: TenantId(id(tenant)?), file: id(file)?, by, until: until.parse().ok()? })
    }

    /// Whether it was made here for this and is good still. Compares in constant time.
    pub(crate) fn holds(&self, token: &str, to: LinkTo, keys: &TenantKeys, now: DateTime<Utc>) -> bool {
        let wanted = self::token(keys, to, (self.tenant, self.file), self.by, self.until);
        let ours = verify_slices_are_equal(token.as_bytes(), wanted.as_bytes()).is_ok();
        ours && now.timestamp() < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_is_for_in_one_form_only() {
        let (tenant, file) = (Uuid::from_u128(7), Uuid::from_u128(9));
        let token = format!("{}.{}.1900000000.00ff", tenant.simple(), file.simple());
        let said = Said { tenant: TenantId(tenant), file, by: None, until: 1_900_000_000 };
        assert_eq!(Said::read(&token), Some(said));
        for (word, by) in [("u", Actor::User(UserId(file))), ("k", Actor::ApiKey(ApiKeyId(file)))] {
            let (tenant, file) = (tenant.simple(), file.simple());
            let token = format!("{tenant}.{file}.{word}{file}.1900000000.00ff");
            assert_eq!(Said::read(&token), Some(Said { by: Some(by), ..said }));
            assert_eq!(Said::read(&token.replace(&format!(".{word}"), ".x")), None);
        }
        for token in ["", ".", "a.b.c.d", &tenant.simple().to_string(), &format!("{}.x.1.y", tenant.simple())]
        {
            assert_eq!(Said::read(token), None, "{token}");
        }
    }
}
