//! Keys that programs and operators send: `<prefix>_<env>_<id>_<secret>_<checksum>`. The checksum lets a secret
//! scanner, and us, tell a mistyped key from a wrong one without asking the database.

use uuid::Uuid;

use crate::{
    types::{ApiKeyId, OperatorId},
    vault::{
        DataKey,
        cipher::{hex, mac, sha256},
    },
};

const ENVIRONMENT: &str = "live";
const CHECKSUM: usize = 8;

/// Whose key it is, as its id says.
pub trait KeyId: Copy {
    /// What the text begins with.
    const PREFIX: &'static str;
    /// What the HMAC is bound to, so that no kind of key passes for another.
    const LABEL: &'static [u8];

    fn of(id: Uuid) -> Self;
    fn uuid(self) -> Uuid;
}

impl KeyId for ApiKeyId {
    const PREFIX: &'static str = "sb_";
    const LABEL: &'static [u8] = b"api key";

    fn of(id: Uuid) -> Self {
        Self(id)
    }

    fn uuid(self) -> Uuid {
        self.0
    }
}

impl KeyId for OperatorId {
    const PREFIX: &'static str = "sbo_";
    const LABEL: &'static [u8] = b"operator key";

    fn of(id: Uuid) -> Self {
        Self(id)
    }

    fn uuid(self) -> Uuid {
        self.0
    }
}

/// A key as its holder sends it. It has no `Debug`: it is a secret.
pub struct Key<I> {
    pub id: I,
    secret: String,
}

/// The key of a program of a tenant's: `sb_…`.
pub type ApiKey = Key<ApiKeyId>;

/// The key of an operator: `sbo_…`.
pub type OperatorKey = Key<OperatorId>;

impl<I: KeyId> Key<I> {
    #[must_use]
    pub fn new(id: I, secret: [u8; 32]) -> Self {
        Self { id, secret: hex(&secret) }
    }

    /// The text shown once to whoever made it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let body = format!("{}{ENVIRONMENT}_{}_{}", I::PREFIX, self.id.uuid().simple(), self.secret);
        format!("{body}_{}", checksum(&body))
    }

    /// Whether a text means to be a key of this kind.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(I::PREFIX)
    }

    /// Reads a key; `None` if it is mistyped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('_')?;
        if sum != checksum(body) {
            return None;
        }
        let mut parts = body.strip_prefix(I::PREFIX)?.split('_');
        let (env, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if env != ENVIRONMENT || parts.next().is_some() {
            return None;
        }
        Some(Self { id: I::of(Uuid::try_parse(id).ok()?), secret: secret.to_owned() })
    }

    /// What is stored: HMAC-SHA256 of the secret under the installation's pepper.
    #[must_use]
    pub fn hash(&self, pepper: &DataKey) -> Vec<u8> {
        mac(pepper.bytes.as_slice(), &[I::LABEL, self.id.uuid().as_bytes(), self.secret.as_bytes()])
    }
}

fn checksum(body: &str) -> String {
    hex(&sha256(body.as_bytes())[..CHECKSUM / 2])
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn pepper() -> DataKey {
        DataKey { id: Uuid::nil(), bytes: Zeroizing::new([3; 32]) }
    }

    #[test]
    fn a_key_is_read_back_and_typing_errors_are_seen() {
        let key = ApiKey::new(ApiKeyId(Uuid::from_u128(9)), [0xab; 32]);
        let text = key.reveal();
        let again = ApiKey::parse(&text).expect("a key");
        assert_eq!((again.id, again.hash(&pepper())), (key.id, key.hash(&pepper())));
        for at in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'0' { b'1' } else { b'0' };
            assert!(ApiKey::parse(&String::from_utf8(typo).expect("text")).is_none(), "typo at {at}");
        }
        for bad in ["", "sb_live", "sb_live_x_y_z", "Bearer"] {
            assert!(ApiKey::parse(bad).is_none());
        }
    }

    #[test]
    fn no_kind_of_key_passes_for_another() {
        let (id, secret) = (Uuid::from_u128(9), [0xab; 32]);
        let (program, operator) =
            (ApiKey::new(ApiKeyId(id), secret), OperatorKey::new(OperatorId(id), secret));
        assert!(OperatorKey::parse(&operator.reveal()).is_some());
        assert!(
            ApiKey::parse(&operator.reveal()).is_none() && OperatorKey::parse(&program.reveal()).is_none()
        );
        assert!(!ApiKey::is_meant(&operator.reveal()) && !OperatorKey::is_meant(&program.reveal()));
        assert_ne!(program.hash(&pepper()), operator.hash(&pepper()));
    }
}
