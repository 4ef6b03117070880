//! A link by which somebody gets a file: it says which file it is for and until when, and proves that it was made here. It
//! needs no row and no login, and it is good for one tenant's one file.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    types::TenantId,
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

/// `tenant.file.until.proof`, until in seconds since 1970.
pub(crate) fn token(keys: &TenantKeys, to: LinkTo, (tenant, file): (TenantId, Uuid), until: i64) -> String {
    let said = format!("{}.{until}", file.simple());
    let proof = keys.index(to.proves(), &said);
    format!("{}.{said}.{}", tenant.0.simple(), hex(&proof))
}

/// What a token says. Nothing is proved by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    pub tenant: TenantId,
    pub file: Uuid,
    until: i64,
}

impl Said {
    /// None if the token has another form.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.splitn(4, '.');
        let mut id = || Uuid::try_parse(parts.next()?).ok();
        let (tenant, file) = (TenantId(id()?), id()?);
        let until = parts.next()?.parse().ok()?;
        Some(Self { tenant, file, until })
    }

    /// Whether it was made here for this and is good still. Compares in constant time.
    pub(crate) fn holds(&self, token: &str, to: LinkTo, keys: &TenantKeys, now: DateTime<Utc>) -> bool {
        let wanted = self::token(keys, to, (self.tenant, self.file), self.until);
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
        let said = Said { tenant: TenantId(tenant), file, until: 1_900_000_000 };
        assert_eq!(Said::read(&token), Some(said));
        for token in ["", ".", "a.b.c.d", &tenant.simple().to_string(), &format!("{}.x.1.y", tenant.simple())]
        {
            assert_eq!(Said::read(token), None, "{token}");
        }
    }
}
