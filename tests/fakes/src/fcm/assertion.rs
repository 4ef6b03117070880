//! A service account's key, and what the token endpoint looks at in what was signed with it (RFC 7523).
//! <https://developers.google.com/identity/protocols/oauth2/service-account>

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa,
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::http::{Answer, value};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// One key for all fakes of a process: making one takes a while.
static KEY: LazyLock<rsa::KeyPair> =
    LazyLock::new(|| rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key can be made"));

/// A key file as Google's console gives it out.
///
/// # Panics
/// If no key can be made.
#[must_use]
pub fn service_account(project_id: &str, client_email: &str, token_uri: &str) -> Value {
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&*KEY).expect("a key can be written");
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    let der: &[u8] = der.as_ref();
    let text = STANDARD.encode(der);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.extend([line, "\n"]);
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    json!({
        "type": "service_account", "project_id": project_id, "private_key_id": "fake", "private_key": pem,
        "client_email": client_email, "client_id": "100000000000000000001", "token_uri": token_uri,
        "auth_uri": "https://accounts.google.com/o/oauth2/auth", "universe_domain": "googleapis.com",
    })
}

/// Looks at a request for a token, signature and all. The audience is Google's address or the fake's own.
pub(super) fn check(
    form: &[(String, String)],
    client_email: &str,
    token_uri: &str,
    now: DateTime<Utc>,
) -> Result<(), Answer> {
    if value(form, "grant_type") != Some(GRANT) {
        return Err(refused("unsupported_grant_type", "Invalid grant_type"));
    }
    let jwt = value(form, "assertion").unwrap_or_default();
    let Some((claims, signed)) = read(jwt) else {
        return Err(refused("invalid_grant", "Invalid JWT: not one signed with RS256"));
    };
    if claims["iss"] != client_email {
        return Err(refused("invalid_grant", "Invalid grant: account not found"));
    }
    if !signed {
        return Err(refused("invalid_grant", "Invalid JWT Signature."));
    }
    let aud = &claims["aud"];
    if *aud != AUDIENCE && *aud != token_uri {
        return Err(refused("invalid_grant", "Invalid JWT: Failed audience check."));
    }
    let scopes = claims["scope"].as_str().unwrap_or_default();
    if !scopes.split(' ').any(|scope| scope == SCOPE) {
        return Err(refused("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    let (now, iat, exp) = (now.timestamp(), claims["iat"].as_i64(), claims["exp"].as_i64());
    // Clocks may differ by some minutes.
    let timely =
        iat.zip(exp).is_some_and(|(iat, exp)| iat <= now + 300 && exp > now - 300 && exp - iat <= 3600);
    if !timely {
        let why = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check \
                   your iat and exp values in the JWT claim.";
        return Err(refused("invalid_grant", why));
    }
    Ok(())
}

/// The claims, and whether the signature holds. None if it is no JWT of the right kind.
fn read(jwt: &str) -> Option<(Value, bool)> {
    let (signed, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let (header, claims) = (part(header)?, part(claims)?);
    if header["alg"] != "RS256" {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, KEY.public_key());
    let holds = public.verify(signed.as_bytes(), &signature).is_ok();
    Some((claims, holds))
}

fn refused(error: &str, description: &str) -> Answer {
    Answer::json(400, &json!({"error": error, "error_description": description}))
}

/// What a sender does: signs claims with the key of a key file.
#[cfg(test)]
pub(super) fn sign(key_file: &Value, claims: &Value) -> String {
    use aws_lc_rs::{rand::SystemRandom, signature::RSA_PKCS1_SHA256};

    let pem = key_file["private_key"].as_str().expect("a key");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = rsa::KeyPair::from_pkcs8(&STANDARD.decode(text).expect("base64")).expect("a key");
    let head = json!({"alg": "RS256", "typ": "JWT"}).to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
