//! Whether a provider has said what came to a callback address. Pure; every comparison takes the same time whatever differs.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// Twilio's `X-Twilio-Signature`: base64 of HMAC-SHA1 under the account's token over the whole address and, in the order of
/// their names, each name with each of its values once, in their order. A proxy may have added or taken the port, so both
/// forms of the address are tried.
#[must_use]
pub fn is_by_twilio(token: &str, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let Ok(given) = STANDARD.decode(signature) else { return false };
    let mut fields: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in form {
        fields.entry(name).or_default().insert(value);
    }
    let forms = [url.to_owned(), without_port(url), with_port(url)];
    let fits = |url: &String| {
        let mut mac = twilio_mac(token);
        mac.update(url.as_bytes());
        for (name, values) in &fields {
            for value in values {
                mac.update(name.as_bytes());
                mac.update(value.as_bytes());
            }
        }
        mac.verify_slice(&given).is_ok()
    };
    // Each form is looked at, whether or not one before it fits.
    forms.iter().map(fits).fold(false, |any, fits| any | fits)
}

fn twilio_mac(token: &str) -> Hmac<Sha1> {
    <Hmac<Sha1> as KeyInit>::new_from_slice(token.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

/// Meta's `X-Hub-Signature-256`: `sha256=` and the hexadecimal HMAC-SHA256 under the app's secret over the body as it came.
#[must_use]
pub fn is_by_meta(app_secret: &str, body: &[u8], signature: &str) -> bool {
    let Some(given) = signature.strip_prefix("sha256=").and_then(unhex) else { return false };
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(app_secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
#[must_use]
pub fn is_same_secret(one: &str, other: &str) -> bool {
    let tag = |text: &str| {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"compare")
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(text.as_bytes());
        mac
    };
    tag(one).verify_slice(&tag(other).finalize().into_bytes()).is_ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    // The parser of digits would take a sign for one.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The parts of an address around its port: scheme with `://`, host, port if there is one, the rest.
fn cut(url: &str) -> Option<(&str, &str, Option<&str>, &str)> {
    let after = url.find("://")? + 3;
    let (scheme, rest) = url.split_at(after);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            Some((scheme, host, Some(port), tail))
        }
        _ => Some((scheme, authority, None, tail)),
    }
}

fn without_port(url: &str) -> String {
    cut(url).map_or_else(|| url.to_owned(), |(scheme, host, _, tail)| format!("{scheme}{host}{tail}"))
}

fn with_port(url: &str) -> String {
    match cut(url) {
        Some((scheme, host, None, tail)) => {
            let port = if scheme == "http://" { 80 } else { 443 };
            format!("{scheme}{host}:{port}{tail}")
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn form(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// The vectors of Twilio's page on security and of its own libraries.
    #[test]
    fn the_published_vectors_of_twilio_hold() {
        let call = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]);
        assert!(is_by_twilio("12345", URL, &call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        let twice = form(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert!(is_by_twilio("12345", URL, &twice, "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        assert!(
            is_by_twilio("12345", with_port, &call, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            "a proxy added the port"
        );
    }

    #[test]
    fn what_differs_anywhere_is_not_by_twilio() {
        let call = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ];
        let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(!is_by_twilio("12346", URL, &form(&call), good));
        assert!(!is_by_twilio("12345", "https://mycompany.com/myapp.php?foo=1", &form(&call), good));
        assert!(!is_by_twilio("12345", URL, &form(&call[1..]), good));
        assert!(!is_by_twilio("12345", URL, &form(&call), ""));
        assert!(!is_by_twilio("12345", URL, &form(&call), "AAAA"));
        let more = [call.as_slice(), &[("Extra", "1")]].concat();
        assert!(!is_by_twilio("12345", URL, &form(&more), good), "unknown fields are signed too");
    }

    /// HMAC-SHA256 of RFC 4231, test case 2.
    #[test]
    fn a_published_vector_of_hmac_holds_as_metas() {
        let signature = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert!(is_by_meta("Jefe", body, signature));
        assert!(!is_by_meta("Jefe", b"what do ya want for nothing!", signature));
        assert!(!is_by_meta("jefe", body, signature));
        for bad in ["", "sha256=", "sha1=00", "sha256=zz", &signature[..70], "sha256=é"] {
            assert!(!is_by_meta("Jefe", body, bad), "{bad}");
        }
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same_secret("verify-me", "verify-me"));
        for other in ["verify-m", "verify-me ", ""] {
            assert!(!is_same_secret("verify-me", other));
        }
    }
}
