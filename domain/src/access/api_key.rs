//! API keys: `sb_<env>_<id>_<secret>_<checksum>`. The checksum lets a secret scanner, and us, tell a
//! mistyped key from a wrong one without asking the database.

use uuid::Uuid;

use crate::{
    types::ApiKeyId,
    vault::{
        DataKey,
        cipher::{hex, mac, sha256},
    },
};

const ENVIRONMENT: &str = "live";
const CHECKSUM: usize = 8;

/// A key as its holder sends it. It has no `Debug`: it is a secret.
pub struct ApiKey {
    pub id: ApiKeyId,
    secret: String,
}

impl ApiKey {
    #[must_use]
    pub fn new(id: ApiKeyId, secret: [u8; 32]) -> Self {
        Self { id, secret: hex(&secret) }
    }

    /// The text shown once to whoever made it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let body = format!("sb_{ENVIRONMENT}_{}_{}", self.id.0.simple(), self.secret);
        format!("{body}_{}", checksum(&body))
    }

    /// Reads a key; `None` if it is mistyped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('_')?;
        if sum != checksum(body) {
            return None;
        }
        let mut parts = body.strip_prefix("sb_")?.split('_');
        let (env, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if env != ENVIRONMENT || parts.next().is_some() {
            return None;
        }
        Some(Self { id: ApiKeyId(Uuid::try_parse(id).ok()?), secret: secret.to_owned() })
    }

    /// What is stored: HMAC-SHA256 of the secret under the installation's pepper.
    #[must_use]
    pub fn hash(&self, pepper: &DataKey) -> Vec<u8> {
        mac(pepper.bytes.as_slice(), &[b"api key", self.id.0.as_bytes(), self.secret.as_bytes()])
    }
}

fn checksum(body: &str) -> String {
    hex(&sha256(body.as_bytes())[..CHECKSUM / 2])
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_key_is_read_back_and_typing_errors_are_seen() {
        let pepper = DataKey { id: Uuid::nil(), bytes: Zeroizing::new([3; 32]) };
        let key = ApiKey::new(ApiKeyId(Uuid::from_u128(9)), [0xab; 32]);
        let text = key.reveal();
        let again = ApiKey::parse(&text).expect("a key");
        assert_eq!((again.id, again.hash(&pepper)), (key.id, key.hash(&pepper)));
        for at in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'0' { b'1' } else { b'0' };
            assert!(ApiKey::parse(&String::from_utf8(typo).expect("text")).is_none(), "typo at {at}");
        }
        for bad in ["", "sb_live", "sb_live_x_y_z", "Bearer"] {
            assert!(ApiKey::parse(bad).is_none());
        }
    }
}
