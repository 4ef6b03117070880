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
        jsonwebtoken::encode(&self.header(), claims, &self.encoding).map_err(Error::internal)
    }

    /// What stands in front of each of its tokens.
    fn header(&self) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) }
    }

    /// # Errors
    /// [`Error::Unauthenticated`] for anything but an unexpired token of ours.
    pub fn check(&self, token: &str, now: DateTime<Utc>) -> Result<Claims> {
        const REFUSED: Error = Error::Unauthenticated("the token is not valid; log in again");
        // Only our own key is ever looked at. A header that says more than ours do, as where a key is or what must be
        // understood (RFC 7515, section 4.1.11), is none of ours.
        if jsonwebtoken::decode_header(token).map_err(|_| REFUSED)? != self.header() {
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
mod forgeries;
#[cfg(test)]
mod tests;
