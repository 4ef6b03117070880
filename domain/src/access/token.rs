//! Access tokens: `EdDSA` JWTs (RFC 7519, RFC 8037), valid for ten minutes.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    types::{TenantId, UserId},
    vault::DataKey,
};

const ISSUER: &str = "switchboard";
const AUDIENCE: &str = "switchboard-api";
const KIND: &str = "access";
/// How long a token is good for.
pub const LIFETIME: Duration = Duration::minutes(10);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub tid: TenantId,
    pub typ: String,
    /// The user's permission version when the token was made.
    pub ver: i64,
    pub iat: i64,
    pub exp: i64,
}

/// Signs and checks tokens with the installation's key.
pub struct Signer {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    /// # Errors
    /// If the seed is no Ed25519 seed.
    pub fn new(seed: &DataKey) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes.as_slice())
            .map_err(|_| Error::internal("the token signer's seed is unusable"))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Error::internal("the token signer cannot be encoded"))?;
        Ok(Self {
            kid: short(seed.id),
            encoding: EncodingKey::from_ed_der(pkcs8.as_ref()),
            decoding: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }

    /// A token for a user, and when it expires.
    ///
    /// # Errors
    /// If signing fails.
    pub fn issue(
        &self,
        tenant: TenantId,
        user: UserId,
        version: i64,
        now: DateTime<Utc>,
    ) -> Result<(String, DateTime<Utc>)> {
        let expires = now + LIFETIME;
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user,
            tid: tenant,
            typ: KIND.into(),
            ver: version,
            iat: now.timestamp(),
            exp: expires.timestamp(),
        };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(Error::internal)?;
        Ok((token, expires))
    }

    /// # Errors
    /// [`Error::Unauthenticated`] for anything but an unexpired token of ours.
    pub fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        const REFUSED: Error = Error::Unauthenticated("the token is not valid; log in again");
        let header = jsonwebtoken::decode_header(token).map_err(|_| REFUSED)?;
        // Only our own key is ever looked at; key addresses in the header are not followed.
        if header.alg != Algorithm::EdDSA || header.kid.as_deref() != Some(self.kid.as_str()) {
            return Err(REFUSED);
        }
        let mut wanted = Validation::new(Algorithm::EdDSA);
        wanted.set_issuer(&[ISSUER]);
        wanted.set_audience(&[AUDIENCE]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The library reads the system's clock; ours is compared below.
        wanted.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &wanted).map_err(|_| REFUSED)?.claims;
        if claims.typ != KIND {
            return Err(REFUSED);
        }
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated("the token has expired; log in again"));
        }
        Ok(claims)
    }
}

fn short(id: Uuid) -> String {
    id.simple().to_string()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};
    use zeroize::Zeroizing;

    use super::*;

    fn signer(n: u8) -> Signer {
        Signer::new(&DataKey { id: Uuid::from_u128(n.into()), bytes: Zeroizing::new([n; 32]) })
            .expect("a signer")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn user() -> (TenantId, UserId) {
        (TenantId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)))
    }

    fn signed(signer: &Signer, alter: impl Fn(&mut Value), header: impl Fn(&mut Header)) -> String {
        let (token, _) = signer.issue(user().0, user().1, 1, at(1_000)).expect("a token");
        let body = token.split('.').nth(1).expect("a body");
        let mut claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).expect("base64")).expect("json");
        alter(&mut claims);
        let mut head = Header { kid: Some(signer.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        header(&mut head);
        jsonwebtoken::encode(&head, &claims, &signer.encoding).expect("signed")
    }

    #[test]
    fn a_token_is_good_for_ten_minutes() {
        let signer = signer(1);
        let (token, expires) = signer.issue(user().0, user().1, 7, at(1_000)).expect("a token");
        assert_eq!(expires, at(1_600));
        let claims = signer.check(&token, at(1_599)).expect("valid");
        assert_eq!((claims.tid, claims.sub, claims.ver), (user().0, user().1, 7));
        assert!(
            matches!(signer.check(&token, at(1_600)), Err(Error::Unauthenticated(why)) if why.contains("expired"))
        );
    }

    #[test]
    fn forgeries_are_refused() {
        let ours = signer(1);
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let good = signed(&ours, |_| {}, |_| {});
        assert!(ours.check(&good, at(1_000)).is_ok(), "the way of forging is itself sound");
        let parts: Vec<&str> = good.split('.').collect();
        let hs = Header { kid: Some(ours.kid.clone()), ..Header::new(Algorithm::HS256) };
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("json");
        let swapped =
            jsonwebtoken::encode(&hs, &claims, &EncodingKey::from_secret(b"public key")).expect("signed");
        let forged = [
            ("alg none", format!("{none}.{}.", parts[1])),
            ("HS256 swap", swapped),
            ("another key", signed(&signer(2), |_| {}, |head| head.kid = Some(ours.kid.clone()))),
            ("unknown kid", signed(&ours, |_| {}, |head| head.kid = Some("other".into()))),
            ("no kid", signed(&ours, |_| {}, |head| head.kid = None)),
            ("audience", signed(&ours, |claims| claims["aud"] = json!("elsewhere"), |_| {})),
            ("issuer", signed(&ours, |claims| claims["iss"] = json!("elsewhere"), |_| {})),
            ("type", signed(&ours, |claims| claims["typ"] = json!("refresh"), |_| {})),
            ("expiry as text", signed(&ours, |claims| claims["exp"] = json!("99999999999"), |_| {})),
            (
                "no expiry",
                signed(
                    &ours,
                    |claims| {
                        claims.as_object_mut().expect("an object").remove("exp");
                    },
                    |_| {},
                ),
            ),
            ("cut", good[..good.len() - 3].to_owned()),
            ("empty", String::new()),
        ];
        for (name, token) in forged {
            assert!(matches!(ours.check(&token, at(1_000)), Err(Error::Unauthenticated(_))), "{name}");
        }
    }
}
