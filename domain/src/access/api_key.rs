//! Keys that programs and operators send: `<prefix>_<env>_<id>_<secret>_<tag>`. The tag is a MAC under the
//! installation's pepper, so a key that is mistyped, made up or of another installation is refused without asking the
//! database: whoever sends many of them costs it nothing.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use uuid::Uuid;

use crate::{
    types::{ApiKeyId, OperatorId},
    vault::{
        DataKey,
        cipher::{hex, mac},
    },
};

const ENVIRONMENT: &str = "live";
/// Bytes of a tag: nobody hits upon 64 bits, and behind it the whole secret is compared all the same.
const TAG: usize = 8;

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
    /// The secret is 32 random bytes, which whoever makes the key draws.
    #[must_use]
    pub fn new(id: I, secret: [u8; 32]) -> Self {
        Self { id, secret: hex(&secret) }
    }

    /// The text shown once to whoever made it.
    #[must_use]
    pub fn reveal(&self, pepper: &DataKey) -> String {
        let body = format!("{}{ENVIRONMENT}_{}_{}", I::PREFIX, self.id.uuid().simple(), self.secret);
        format!("{body}_{}", tag(&body, pepper))
    }

    /// Whether a text means to be a key of this kind.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(I::PREFIX)
    }

    /// Reads a key; `None` if this installation has not made it.
    #[must_use]
    pub fn parse(text: &str, pepper: &DataKey) -> Option<Self> {
        let (body, shown) = text.rsplit_once('_')?;
        verify_slices_are_equal(shown.as_bytes(), tag(body, pepper).as_bytes()).ok()?;
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

fn tag(body: &str, pepper: &DataKey) -> String {
    hex(&mac(pepper.bytes.as_slice(), &[b"key tag", body.as_bytes()])[..TAG])
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn pepper(n: u8) -> DataKey {
        DataKey { id: Uuid::nil(), bytes: Zeroizing::new([n; 32]) }
    }

    #[test]
    fn a_key_is_read_back_and_what_nobody_made_here_is_none() {
        let (ours, theirs) = (pepper(3), pepper(4));
        let key = ApiKey::new(ApiKeyId(Uuid::from_u128(9)), [0xab; 32]);
        let text = key.reveal(&ours);
        let again = ApiKey::parse(&text, &ours).expect("a key");
        assert_eq!((again.id, again.hash(&ours)), (key.id, key.hash(&ours)));
        assert!(ApiKey::parse(&text, &theirs).is_none(), "of another installation");
        for at in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[at] = if typo[at] == b'0' { b'1' } else { b'0' };
            let typo = String::from_utf8(typo).expect("text");
            assert!(ApiKey::parse(&typo, &ours).is_none(), "typo at {at}");
        }
        let untagged = text.rsplit_once('_').expect("a tag").0;
        for bad in ["", "sb_live", "sb_live_x_y_z", "Bearer", untagged, &format!("{untagged}_")] {
            assert!(ApiKey::parse(bad, &ours).is_none(), "{bad}");
        }
    }

    #[test]
    fn no_kind_of_key_passes_for_another() {
        let (id, secret, pepper) = (Uuid::from_u128(9), [0xab; 32], pepper(3));
        let (program, operator) =
            (ApiKey::new(ApiKeyId(id), secret), OperatorKey::new(OperatorId(id), secret));
        let (of_program, of_operator) = (program.reveal(&pepper), operator.reveal(&pepper));
        assert!(OperatorKey::parse(&of_operator, &pepper).is_some());
        assert!(ApiKey::parse(&of_operator, &pepper).is_none());
        assert!(OperatorKey::parse(&of_program, &pepper).is_none());
        assert!(!ApiKey::is_meant(&of_operator) && !OperatorKey::is_meant(&of_program));
        assert_ne!(program.hash(&pepper), operator.hash(&pepper));
    }
}
