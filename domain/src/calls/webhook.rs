//! Whether somebody who knows the secret has said this, and lately: signatures of the Standard Webhooks specification,
//! pure. `webhook-signature` is a list of `v1,<base64>` divided by blanks, each an HMAC-SHA256 over
//! `<webhook-id>.<webhook-timestamp>.<body>` under the secret, which is the base64 after `whsec_`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far the clocks of both sides may differ, and how long a webhook may be under way.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
/// So many signatures are looked at: a sender needs one for each of its secrets.
const MOST_SIGNATURES: usize = 8;
/// Bytes of an id.
const LONGEST_ID: usize = 200;
const PREFIX: &str = "whsec_";

/// The three headers, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    pub id: &'a str,
    /// Seconds since 1970.
    pub timestamp: &'a str,
    pub signature: &'a str,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A header is missing or has another form.
    Form,
    /// It was signed more than five minutes ago, or is from the future.
    Time,
    /// No signature is of a secret that is good.
    Signature,
}

impl Refusal {
    /// What to look at, for whoever sets the phone system up.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Form => "send webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)",
            Self::Time => "the webhook-timestamp is more than five minutes off; set the clock",
            Self::Signature => "the webhook-signature does not fit the body and the secret of this source",
        }
    }
}

/// Looks at a webhook that came now; one signature by one of the secrets will do. Compares in constant time.
///
/// # Errors
/// Why it is not believed.
pub fn verify(
    secrets: &[&str],
    headers: Headers<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if headers.id.is_empty()
        || headers.id.len() > LONGEST_ID
        || headers.id.bytes().any(|b| !b.is_ascii_graphic())
    {
        return Err(Refusal::Form);
    }
    let seconds: i64 = headers.timestamp.parse().map_err(|_| Refusal::Form)?;
    let signed_at = DateTime::from_timestamp(seconds, 0).ok_or(Refusal::Form)?;
    if (now - signed_at).abs() > TOLERANCE {
        return Err(Refusal::Time);
    }
    let given: Vec<Vec<u8>> = headers
        .signature
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .take(MOST_SIGNATURES)
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .collect();
    let fits = |secret: &&str| {
        given.iter().any(|given| {
            let signed = mac(secret, headers.id, headers.timestamp, body);
            signed.is_some_and(|signed| signed.verify_slice(given).is_ok())
        })
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(Refusal::Signature) }
}

/// What a sender puts into `webhook-signature`; none if the secret has another form.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let signed = mac(secret, id, timestamp, body)?.finalize().into_bytes();
    Some(format!("v1,{}", STANDARD.encode(signed)))
}

/// A secret of these bytes, as both sides write it.
#[must_use]
pub fn secret(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

fn mac(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key).ok()?;
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector that the specification publishes.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const TIMESTAMP: &str = "1649367553";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_649_367_553 + seconds, 0).expect("a time")
    }

    fn headers(signature: &str) -> Headers<'_> {
        Headers { id: ID, timestamp: TIMESTAMP, signature }
    }

    #[test]
    fn the_published_vector_holds() {
        assert_eq!(sign(SECRET, ID, TIMESTAMP, BODY).as_deref(), Some(SIGNATURE));
        assert_eq!(verify(&[SECRET], headers(SIGNATURE), BODY, at(0)), Ok(()));
    }

    #[test]
    fn one_signature_by_one_secret_will_do() {
        let other = secret(&[7; 24]);
        let list = format!("v1a,xyz v1,AAAA v1,!! {SIGNATURE}");
        assert_eq!(verify(&[&other, SECRET], headers(&list), BODY, at(0)), Ok(()));
        assert_eq!(verify(&[&other], headers(SIGNATURE), BODY, at(0)), Err(Refusal::Signature));
        assert_eq!(verify(&[], headers(SIGNATURE), BODY, at(0)), Err(Refusal::Signature));
        assert_eq!(verify(&["no secret"], headers(SIGNATURE), BODY, at(0)), Err(Refusal::Signature));
    }

    #[test]
    fn what_was_altered_is_old_or_has_another_form_is_refused() {
        for (seconds, wanted) in
            [(300, Ok(())), (301, Err(Refusal::Time)), (-300, Ok(())), (-301, Err(Refusal::Time))]
        {
            assert_eq!(verify(&[SECRET], headers(SIGNATURE), BODY, at(seconds)), wanted, "{seconds}");
        }
        assert_eq!(verify(&[SECRET], headers(SIGNATURE), b"{}", at(0)), Err(Refusal::Signature));
        let good = headers(SIGNATURE);
        for (headers, wanted) in [
            (Headers { id: "", ..good }, Refusal::Form),
            (Headers { id: "msg 1", ..good }, Refusal::Form),
            (Headers { timestamp: "", ..good }, Refusal::Form),
            (Headers { timestamp: "9223372036854775807", ..good }, Refusal::Form),
            (Headers { timestamp: "1649367554", ..good }, Refusal::Signature),
            (Headers { id: "msg_other", ..good }, Refusal::Signature),
            (Headers { signature: "", ..good }, Refusal::Signature),
        ] {
            assert_eq!(verify(&[SECRET], headers, BODY, at(0)), Err(wanted), "{headers:?}");
        }
        let beyond = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(MOST_SIGNATURES));
        assert_eq!(verify(&[SECRET], headers(&beyond), BODY, at(0)), Err(Refusal::Signature));
    }
}
