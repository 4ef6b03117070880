//! Where a provider tells what became of messages. The address ends in a token that says whose account it is about and
//! that nobody can make up; whoever calls there has to sign besides, if the provider signs.
//!
//! The token is worked out of the tenant's index key at each use, and only its hash is stored.

use crate::{
    ctx::Platform,
    types::{ProviderId, TenantId},
    vault::{
        TenantKeys,
        cipher::{hex, sha256},
    },
};

/// What tokens of accounts are made for.
const PURPOSE: &str = "providers.callback";

/// What the address of an account's callbacks ends in: the tenant, so that it is looked up behind its wall, and a secret.
#[must_use]
pub fn callback_token(keys: &TenantKeys, tenant: TenantId, provider: ProviderId) -> String {
    format!("{}.{}", tenant.0.simple(), secret(keys, provider))
}

/// The address of an account's callbacks; none if nobody said where this installation is reached.
#[must_use]
pub fn callback_url(platform: &Platform, kind: &str, token: &str) -> Option<String> {
    let base = platform.public_url.as_deref()?;
    Some(format!("{base}/callbacks/{kind}/{token}"))
}

/// The tenant that a token says it is of, and what `providers.callback_hash` holds for it; none if it has another form.
#[must_use]
pub fn read_callback_token(token: &str) -> Option<(TenantId, [u8; 32])> {
    let (tenant, secret) = token.split_once('.')?;
    let form = secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    form.then_some(())?;
    Some((TenantId(tenant.parse().ok()?), sha256(secret.as_bytes())))
}

/// What is stored of an account's token: the hash of its secret part.
pub(super) fn hash(keys: &TenantKeys, provider: ProviderId) -> [u8; 32] {
    sha256(secret(keys, provider).as_bytes())
}

fn secret(keys: &TenantKeys, provider: ProviderId) -> String {
    hex(&keys.index(PURPOSE, &provider.to_string()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_read_only_in_the_form_that_it_is_made_in() {
        let tenant = TenantId(Uuid::from_u128(7));
        let secret = "ab".repeat(32);
        let token = format!("{}.{secret}", tenant.0.simple());
        assert_eq!(read_callback_token(&token), Some((tenant, sha256(secret.as_bytes()))));
        let bare = secret.clone();
        let nobodys = format!("x.{secret}");
        let short = format!("{}.{}", tenant.0.simple(), &secret[1..]);
        let other = format!("{}.{}", tenant.0.simple(), "xy".repeat(32));
        for bad in ["", ".", &bare, &nobodys, &short, &other] {
            assert_eq!(read_callback_token(bad), None, "{bad}");
        }
    }
}
