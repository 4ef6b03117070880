//! Requests to services of Amazon, signed by version 4 of their signatures.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who calls, and where.
pub(super) struct Caller<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// The time as requests carry it in `X-Amz-Date`.
pub(super) fn date(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The value of `Authorization` for a request without a query. The headers are all that are signed: in small letters,
/// sorted, with `host` and `x-amz-date` among them.
pub(super) fn authorization(
    caller: &Caller<'_>,
    at: DateTime<Utc>,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut canonical = format!("{method}\n{path}\n\n");
    for (name, value) in headers {
        canonical.extend([name, ":", value.trim(), "\n"]);
    }
    canonical.extend(["\n", &names, "\n", &hex(&Sha256::digest(body))]);
    let (day, date) = (at.format("%Y%m%d").to_string(), date(at));
    let scope = format!("{day}/{}/{}/aws4_request", caller.region, caller.service);
    let signed = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mut key = format!("AWS4{}", caller.secret_access_key).into_bytes();
    for part in [day.as_str(), caller.region, caller.service, "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &signed));
    format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        caller.access_key_id
    )
}

fn mac(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get-vanilla` of the test suite that Amazon publishes.
    #[test]
    fn a_request_is_signed_as_published() {
        let caller = Caller {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
        };
        let at = DateTime::from_timestamp(1_440_938_160, 0).expect("a time");
        let date = date(at);
        assert_eq!(date, "20150830T123600Z");
        let headers = [("host", "example.amazonaws.com"), ("x-amz-date", &*date)];
        assert_eq!(
            authorization(&caller, at, ("GET", "/"), &headers, b""),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }
}
