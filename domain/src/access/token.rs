//! Access tokens: `EdDSA` JWTs (RFC 7519, RFC 8037), valid for ten minutes.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::signed::SignedRights;
use crate::{
    error::{Error, Result},
    types::{SessionId, TenantId, UserId},
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
    /// The session that it belongs to.
    pub sid: SessionId,
    pub typ: String,
    /// The user's permission version when the token was made.
    pub ver: i64,
    pub iat: i64,
    pub exp: i64,
    /// What the user might do then; a build that knows nothing of this leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rts: Option<SignedRights>,
}

impl Claims {
    /// What a token says of a user from now on, until it expires.
    #[must_use]
    pub fn new(tenant: TenantId, user: UserId, session: SessionId, version: i64, now: DateTime<Utc>) -> Self {
        Self {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user,
            tid: tenant,
            sid: session,
            typ: KIND.into(),
            ver: version,
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
            rts: None,
        }
    }

    /// # Errors
    /// [`Error::Unauthenticated`] once it has expired.
    pub fn good_at(self, now: DateTime<Utc>) -> Result<Self> {
        if self.exp <= now.timestamp() {
            return Err(Error::Unauthenticated("the token has expired; log in again"));
        }
        Ok(self)
    }
}

/// Signs and checks tokens with one key.
pub struct Signer {
    pub(super) kid: String,
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

    /// The token that says so.
    ///
    /// # Errors
    /// If signing fails.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Error::internal)
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
        if claims.typ != KIND || claims.exp.saturating_sub(claims.iat) > LIFETIME.num_seconds() {
            return Err(REFUSED);
        }
        claims.good_at(now)
    }
}

/// The key that a token says it was signed by.
pub(super) fn kid_of(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
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

    fn session() -> SessionId {
        SessionId(Uuid::from_u128(3))
    }

    fn signed(signer: &Signer, alter: impl Fn(&mut Value), header: impl Fn(&mut Header)) -> String {
        let claims = Claims::new(user().0, user().1, session(), 1, at(1_000));
        let token = signer.sign(&claims).expect("a token");
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
        let said = Claims::new(user().0, user().1, session(), 7, at(1_000));
        let token = signer.sign(&said).expect("a token");
        let claims = signer.check(&token, at(1_599)).expect("valid");
        assert_eq!((claims.tid, claims.sub, claims.ver), (user().0, user().1, 7));
        assert!(
            matches!(signer.check(&token, at(1_600)), Err(Error::Unauthenticated(why)) if why.contains("expired"))
        );
    }

    /// The token with another header, the signature left as it is.
    fn headed(token: &str, header: &Value) -> String {
        let (_, rest) = token.split_once('.').expect("three parts");
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    /// Forgeries of a token of ours, by the attacks of RFC 8725 and the JWT cheat sheets of OWASP and `PortSwigger`.
    fn forgeries(ours: &Signer) -> Vec<(String, String)> {
        let good = signed(ours, |_| {}, |_| {});
        let parts: Vec<&str> = good.split('.').collect();
        let mut forged = Vec::new();
        let mut put = |name: &str, token: String| forged.push((name.to_owned(), token));
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let header = json!({"alg": alg, "typ": "JWT", "kid": ours.kid});
            put(&format!("alg {alg}, its signature left"), headed(&good, &header));
            let bare = headed(&good, &header);
            put(&format!("alg {alg}, no signature"), bare.trim_end_matches(parts[2]).to_owned());
        }
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("json");
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let head = Header { kid: Some(ours.kid.clone()), ..Header::new(alg) };
            for (secret, said) in
                [(ours.kid.as_bytes(), "kid"), (b"".as_slice(), "empty"), (b"secret", "guessed")]
            {
                let key = EncodingKey::from_secret(secret);
                let token = jsonwebtoken::encode(&head, &claims, &key).expect("signed");
                put(&format!("{alg:?} with a secret that is {said}"), token);
            }
        }
        for alg in ["RS256", "ES256", "PS256", "EDDSA", "Ed25519x"] {
            put(&format!("the header says {alg}"), headed(&good, &json!({"alg": alg, "kid": ours.kid})));
        }
        let theirs = signer(2);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        for (name, key, value) in [
            ("another key under our kid", "x", json!(1)),
            ("another key named by jku", "jku", json!("https://evil.example.com/keys")),
            ("another key named by x5u", "x5u", json!("https://evil.example.com/cert")),
            ("another key in the header", "jwk", jwk),
        ] {
            let token = signed(&theirs, |_| {}, |head| head.kid = Some(ours.kid.clone()));
            let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": ours.kid, key: value});
            put(name, headed(&token, &header));
            put(
                &format!("{name}, signed as such"),
                signed(&theirs, |_| {}, |head| head.kid = Some(ours.kid.clone())),
            );
        }
        for kid in ["", "other", "../../../../dev/null", "' or 1=1 --", &theirs.kid] {
            put(&format!("kid {kid}"), signed(ours, |_| {}, |head| head.kid = Some(kid.into())));
        }
        put("no kid", signed(ours, |_| {}, |head| head.kid = None));
        let id = Uuid::nil();
        for (claim, value) in [
            ("aud", json!("elsewhere")),
            ("aud", json!([AUDIENCE, "elsewhere"])),
            ("aud", Value::Null),
            ("iss", json!("elsewhere")),
            ("iss", json!(ISSUER.to_uppercase())),
            ("typ", json!("refresh")),
            ("typ", json!("")),
            ("exp", json!("99999999999")),
            ("exp", json!(-1)),
            ("exp", json!(9_999_999_999_i64)),
            ("iat", json!(i64::MIN)),
            ("exp", json!(1_000)),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("sub", json!("' or 1=1 --")),
            ("sub", json!(1)),
            ("tid", json!("*")),
            ("sid", json!([])),
            ("ver", json!("1")),
            ("admin", json!(true)),
            ("nbf", json!(9_999_999_999_i64)),
            ("rts", json!(true)),
            ("rts", json!({"list": "1", "may": "-1", "rows": "all", "role": id, "since": 1, "era": 1})),
            ("rts", json!({"list": "1", "may": "1", "rows": "all", "role": id, "since": 1})),
            ("rts", json!({"list": "1", "may": "1", "rows": "all", "since": 1, "era": 1})),
            (
                "rts",
                json!({"list": "1", "may": "1", "rows": "all", "role": id, "since": 1, "era": 1, "a": 1}),
            ),
        ] {
            put(&format!("{claim} {value}"), signed(ours, |claims| claims[claim] = value.clone(), |_| {}));
        }
        for claim in ["iss", "aud", "sub", "tid", "sid", "typ", "ver", "exp"] {
            let without = |claims: &mut Value| drop(claims.as_object_mut().expect("an object").remove(claim));
            put(&format!("no {claim}"), signed(ours, without, |_| {}));
        }
        let other = signed(ours, |claims| claims["ver"] = json!(2), |_| {});
        put(
            "the signature of another",
            format!("{}.{}.{}", parts[0], parts[1], other.rsplit('.').next().expect("one")),
        );
        put("cut", good[..good.len() - 3].to_owned());
        put("padded", format!("{good}=="));
        put("a fourth part", format!("{good}.{}", parts[2]));
        put("two parts", format!("{}.{}", parts[0], parts[1]));
        put("five parts, as an encrypted one has", format!("{good}.{}.{}", parts[1], parts[2]));
        put("a space", format!(" {good}"));
        put("empty", String::new());
        put("dots", "..".into());
        forged
    }

    #[test]
    fn forgeries_are_refused() {
        let ours = signer(1);
        let good = signed(&ours, |_| {}, |_| {});
        assert!(ours.check(&good, at(1_000)).is_ok(), "the way of forging is itself sound");
        let forged = forgeries(&ours);
        assert!(forged.len() >= 40, "{}", forged.len());
        for (name, token) in forged {
            assert!(matches!(ours.check(&token, at(1_000)), Err(Error::Unauthenticated(_))), "{name}");
        }
    }
}
