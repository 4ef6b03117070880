//! Forgeries of a token of ours, by the attacks of RFC 8725 and the JWT cheat sheets of OWASP and `PortSwigger`.
//!
//! Many are signed by our own key, which nobody has: what is refused then is refused for what it says.

mod claimed;
mod forms;
mod heads;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    Signer,
    tests::{at, claims},
};

/// What is wrong with a token, and the token.
type Forged = Vec<(String, String)>;

/// The seed of `signer(n)`.
fn pair(n: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[n; 32]).expect("a seed")
}

/// A token of these very texts, signed by the key of `signer(n)`.
fn signed(n: u8, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair(n).sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

/// What ours say, to be altered.
struct Good {
    header: Value,
    claims: Value,
    token: String,
}

impl Good {
    fn of(ours: &Signer) -> Self {
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": ours.kid});
        let claims = serde_json::to_value(claims(1)).expect("JSON");
        let token = signed(1, &header.to_string(), &claims.to_string());
        assert!(ours.check(&token, at(1_000)).is_ok(), "the way of forging is itself sound");
        Self { header, claims, token }
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<&str> = self.token.split('.').collect();
        parts.try_into().expect("three parts")
    }

    /// The claims under another header, signed by the key of `signer(n)`.
    fn headed(&self, n: u8, field: &str, value: &Value) -> String {
        let mut header = self.header.clone();
        header[field] = value.clone();
        signed(n, &header.to_string(), &self.claims.to_string())
    }

    /// Other claims under our header, signed by our key.
    fn claiming(&self, field: &str, value: &Value) -> String {
        let mut claims = self.claims.clone();
        claims[field] = value.clone();
        signed(1, &self.header.to_string(), &claims.to_string())
    }

    /// The signature left, under another header.
    fn left(&self, header: &Value) -> String {
        let [_, claims, signature] = self.parts();
        format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }
}

pub(super) fn forgeries(ours: &Signer) -> Forged {
    let good = Good::of(ours);
    let mut forged = heads::algorithms(&good);
    forged.extend(heads::shared_secrets(&good));
    forged.extend(heads::keys(&good));
    forged.extend(heads::headers(&good));
    forged.extend(claimed::values(&good));
    forged.extend(claimed::texts(&good));
    forged.extend(forms::signatures(&good));
    forged.extend(forms::forms(&good));
    forged
}
