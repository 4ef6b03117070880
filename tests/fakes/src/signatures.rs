//! How the other side signs, written here on its own: a fault in ours must not be in its judge too.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// `X-Twilio-Signature`: over the whole address, then each parameter's name and value, sorted, each pair
/// once.
/// <https://www.twilio.com/docs/usage/security>
#[must_use]
pub fn twilio(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = params.iter().collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut signed = url.to_owned();
    for (name, value) in pairs {
        signed.push_str(name);
        signed.push_str(value);
    }
    STANDARD.encode(hash(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes(), signed.as_bytes()))
}

/// `X-Hub-Signature-256`: over the raw body, with the app's secret.
/// <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>
#[must_use]
pub fn meta(app_secret: &str, body: &[u8]) -> String {
    let mut signature = "sha256=".to_owned();
    for byte in hash(hmac::HMAC_SHA256, app_secret.as_bytes(), body).as_ref() {
        let digits = [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
        signature.extend(digits);
    }
    signature
}

/// One entry of `webhook-signature`: over id, time in Unix seconds, and body. None if the secret is not
/// `whsec_` and base64. <https://github.com/standard-webhooks/standard-webhooks>
#[must_use]
pub fn webhook(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    Some(format!("v1,{}", STANDARD.encode(hash(hmac::HMAC_SHA256, &key, &signed))))
}

fn hash(algorithm: hmac::Algorithm, key: &[u8], signed: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(algorithm, key), signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn signed(params: &[(&str, &str)]) -> String {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        twilio("12345", URL, &params.iter().map(owned).collect::<Vec<_>>())
    }

    /// Vectors of Twilio's own libraries.
    #[test]
    fn twilio_signs_sorted_pairs_once() {
        let call = [
            ("To", "+18005551212"),
            ("Digits", "1234"),
            ("CallSid", "CA1234567890ABCDE"),
            ("From", "+14158675309"),
            ("Caller", "+14158675309"),
        ];
        assert_eq!(signed(&call), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let twice = [
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ];
        assert_eq!(signed(&twice), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }

    /// RFC 4231, test case 2.
    #[test]
    fn meta_signs_the_body_in_hexadecimal() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(meta("Jefe", b"what do ya want for nothing?"), expected);
    }

    /// The vector that Standard Webhooks publishes.
    #[test]
    fn a_webhook_is_signed_with_its_id_and_time() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signature = webhook(secret, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", body);
        assert_eq!(signature.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
        assert_eq!(webhook("secret", "a", "1", b""), None);
    }
}
