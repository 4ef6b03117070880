//! Signature version 4, in the header or in the query of an address that is good for a while.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use aws_lc_rs::{constant_time, digest, hmac};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::Account;
use crate::http::{Request, value};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far apart clocks may be.
const SKEW: TimeDelta = TimeDelta::minutes(15);
/// What stands for the body's hash where the body is not signed.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no signature, or one that cannot be read.
    Missing,
    UnknownKey,
    /// It is for another day, region or service, or leaves a header out that must be signed.
    Scope,
    /// The clocks are too far apart, or the address is good no more.
    Expired,
    Mismatch,
    /// The body is not the one that was signed.
    Body,
}

struct Claimed {
    credential: String,
    headers: Vec<String>,
    signature: String,
    /// As it was signed.
    at: String,
    /// Seconds that an address is good for.
    expires: Option<i64>,
}

/// Looks at a request to a service.
///
/// # Errors
/// [`Refusal`].
pub fn check(request: &Request, account: &Account, service: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
    let claimed = claimed(request).ok_or(Refusal::Missing)?;
    let at = NaiveDateTime::parse_from_str(&claimed.at, "%Y%m%dT%H%M%SZ").map_err(|_| Refusal::Missing)?;
    let at = at.and_utc();
    let mut scope = claimed.credential.splitn(2, '/');
    if scope.next() != Some(account.access_key.as_str()) {
        return Err(Refusal::UnknownKey);
    }
    let wanted = format!("{}/{}/{service}/aws4_request", at.format("%Y%m%d"), account.region);
    let signs = |name: &str| claimed.headers.iter().any(|header| header == name);
    let is_left_out = |name: &str| name.starts_with("x-amz-") && !signs(name);
    if scope.next() != Some(wanted.as_str())
        || !signs("host")
        || request.headers.iter().any(|(name, _)| is_left_out(name))
    {
        return Err(Refusal::Scope);
    }
    let timely = match claimed.expires {
        Some(seconds) => now >= at - SKEW && now < at + TimeDelta::seconds(seconds),
        None => (now - at).abs() <= SKEW,
    };
    if !timely {
        return Err(Refusal::Expired);
    }
    let body = body_hash(request, claimed.expires.is_some());
    let signature = sign(request, account, service, at, &claimed.headers, &body);
    if constant_time::verify_slices_are_equal(signature.as_bytes(), claimed.signature.as_bytes()).is_err() {
        return Err(Refusal::Mismatch);
    }
    if body != UNSIGNED && body != hex(digest::digest(&digest::SHA256, &request.body).as_ref()) {
        return Err(Refusal::Body);
    }
    Ok(())
}

/// The signature of a request with these headers, in small hexadecimal digits.
#[must_use]
pub fn sign(
    request: &Request,
    account: &Account,
    service: &str,
    at: DateTime<Utc>,
    headers: &[String],
    body: &str,
) -> String {
    let mut canonical =
        format!("{}\n{}\n{}\n", request.method, canonical_path(request, service), query(request));
    for name in headers {
        let said: Vec<String> =
            request.headers.iter().filter(|(found, _)| found == name).map(one_spaced).collect();
        canonical.extend([name, ":", &said.join(","), "\n"]);
    }
    canonical.extend(["\n", &headers.join(";"), "\n", body]);
    let day = at.format("%Y%m%d").to_string();
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let scope = format!("{day}/{}/{service}/aws4_request", account.region);
    let signed = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", at.format("%Y%m%dT%H%M%SZ"));
    let mut key = format!("AWS4{}", account.secret_key).into_bytes();
    for part in [day.as_str(), &account.region, service, "aws4_request"] {
        key = mac(&key, part);
    }
    hex(&mac(&key, &signed))
}

fn one_spaced((_, value): &(String, String)) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Storage signs paths as they are sent; all others encode them once more.
fn canonical_path(request: &Request, service: &str) -> String {
    let path = request.path();
    if service == "s3" { encoded(&decoded(path), true) } else { encoded(path.as_bytes(), true) }
}

/// Sorted as it is sent, without the signature itself.
fn query(request: &Request) -> String {
    let pairs = request.query().into_iter().filter(|(name, _)| name != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> = pairs
        .map(|(name, value)| (encoded(name.as_bytes(), false), encoded(value.as_bytes(), false)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn claimed(request: &Request) -> Option<Claimed> {
    let query = request.query();
    if value(&query, "X-Amz-Algorithm") == Some(ALGORITHM) {
        let said = |name: &str| value(&query, name).map(ToOwned::to_owned);
        return Some(Claimed {
            credential: said("X-Amz-Credential")?,
            headers: listed(&said("X-Amz-SignedHeaders")?),
            signature: said("X-Amz-Signature")?,
            at: said("X-Amz-Date")?,
            expires: Some(
                said("X-Amz-Expires")?
                    .parse::<i64>()
                    .ok()
                    .filter(|seconds| (1..=604_800).contains(seconds))?,
            ),
        });
    }
    let said = request.header("authorization")?.strip_prefix(ALGORITHM)?;
    let part = |name: &str| {
        let found = said.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(ToOwned::to_owned)
    };
    Some(Claimed {
        credential: part("Credential")?,
        headers: listed(&part("SignedHeaders")?),
        signature: part("Signature")?,
        at: request.header("x-amz-date")?.to_owned(),
        expires: None,
    })
}

fn listed(headers: &str) -> Vec<String> {
    headers.split(';').map(ToOwned::to_owned).collect()
}

/// What was signed for the body: storage says it in a header, all others sign what they send.
fn body_hash(request: &Request, in_query: bool) -> String {
    match request.header("x-amz-content-sha256") {
        Some(said) => said.to_owned(),
        None if in_query => UNSIGNED.to_owned(),
        None => hex(digest::digest(&digest::SHA256, &request.body).as_ref()),
    }
}

fn mac(key: &[u8], signed: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes()).as_ref().to_vec()
}

/// In small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// All but letters, digits and `-._~` (RFC 3986) as `%XX`.
pub(crate) fn encoded(bytes: &[u8], is_path: bool) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || (is_path && *byte == b'/') {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            text.push_str(&hex(&[*byte]).to_ascii_uppercase());
        }
    }
    text
}

/// The bytes that a path stands for.
pub(crate) fn decoded(path: &str) -> Vec<u8> {
    let (bytes, mut plain, mut at) = (path.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let digits = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    plain
}

/// What a caller does: signs a request to a fake and sends it.
#[cfg(test)]
pub(crate) async fn send(
    (url, account, service): (&str, &Account, &str),
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let now = crate::clock::Clock::default().now();
    let hash = hex(digest::digest(&digest::SHA256, body).as_ref());
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut all: Vec<(String, String)> = headers.iter().copied().map(own).collect();
    all.push(own(("host", url.trim_start_matches("http://"))));
    all.push(own(("x-amz-date", &now.format("%Y%m%dT%H%M%SZ").to_string())));
    all.push(own(("x-amz-content-sha256", &hash)));
    all.sort_unstable();
    let request =
        Request { method: method.into(), target: target.into(), headers: all.clone(), body: body.to_vec() };
    let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    let signature = sign(&request, account, service, now, &names, &hash);
    let scope = format!("{}/{}/{service}/aws4_request", now.format("%Y%m%d"), account.region);
    let said = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        account.access_key,
        names.join(";")
    );
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let mut sent = crate::client().request(method, format!("{url}{target}")).body(body.to_vec());
    for (name, value) in all.iter().filter(|(name, _)| name != "host") {
        sent = sent.header(name, value);
    }
    let answer = sent.header("authorization", said).send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.expect("a whole body").to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(access_key: &str, secret_key: &str) -> Account {
        Account { access_key: access_key.into(), secret_key: secret_key.into(), region: "us-east-1".into() }
    }

    fn request(headers: &[(&str, &str)], target: &str) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: "GET".into(), target: target.into(), headers, body: Vec::new() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").expect("a time").and_utc()
    }

    /// `get-vanilla` of the test suite that Amazon publishes.
    #[test]
    fn a_plain_request_is_signed_as_published() {
        let account = account("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let said = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let good =
            [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"), ("authorization", &said)];
        let then = at("20150830T123600Z");
        assert_eq!(check(&request(&good, "/"), &account, "service", then), Ok(()));
        for (changed, account, service, now, refusal) in [
            (request(&good, "/a"), &account, "service", then, Refusal::Mismatch),
            (request(&good, "/?a=b"), &account, "service", then, Refusal::Mismatch),
            (request(&good, "/"), &account, "s3", then, Refusal::Scope),
            (request(&good, "/"), &account, "service", then + TimeDelta::minutes(16), Refusal::Expired),
            (request(&good, "/"), &Account::default(), "service", then, Refusal::UnknownKey),
            (request(&good[..2], "/"), &account, "service", then, Refusal::Missing),
            (
                Request { body: b"x".to_vec(), ..request(&good, "/") },
                &account,
                "service",
                then,
                Refusal::Mismatch,
            ),
        ] {
            assert_eq!(check(&changed, account, service, now), Err(refusal), "{changed:?}");
        }
    }

    /// The first example of Amazon's page on signing requests to storage, and that of its page on signed addresses.
    #[test]
    fn storage_signs_the_hash_it_names_and_addresses_that_end() {
        let account = account("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let said = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                    SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
                    Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        let headers = [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", empty),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", said),
        ];
        let then = at("20130524T000000Z");
        assert_eq!(check(&request(&headers, "/test.txt"), &account, "s3", then), Ok(()));
        let other = Request { body: b"x".to_vec(), ..request(&headers, "/test.txt") };
        assert_eq!(check(&other, &account, "s3", then), Err(Refusal::Body));

        let target = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                      &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                      &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
                      &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let host = [("host", "examplebucket.s3.amazonaws.com")];
        assert_eq!(check(&request(&host, target), &account, "s3", then + TimeDelta::hours(23)), Ok(()));
        let late = check(&request(&host, target), &account, "s3", then + TimeDelta::hours(24));
        assert_eq!(late, Err(Refusal::Expired));
    }

    #[test]
    fn paths_are_decoded_and_encoded_byte_by_byte() {
        assert_eq!(decoded("/a%20b/%C3%BC%2"), "/a b/ü%2".as_bytes());
        assert_eq!(encoded("/a b/ü=".as_bytes(), true), "/a%20b/%C3%BC%3D");
        assert_eq!(encoded(b"a/b", false), "a%2Fb");
    }
}
