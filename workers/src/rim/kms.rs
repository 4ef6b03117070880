//! A key that a key service holds: Amazon's KMS, and whatever speaks as it does.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
//!
//! It is the installation's own, so it may stand on any address. It is asked for the wrapping keys of tenants only
//! ([`Envelope`](domain::vault::envelope::Envelope)), each with its tenant as the encryption context: the service
//! writes that down, and opens nothing under another one.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    ctx::Clock,
    types::TenantId,
    vault::service::{Away, KeyService},
};
use reqwest::{Client, StatusCode, redirect, retry};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;
use zeroize::Zeroizing;

use super::{
    signing::{Caller, authorization, date},
    trust,
};

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
/// For name, connection and TLS, and for the whole call: requests of people wait for it.
const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(4);
/// Waits before the same is asked again. Neither operation leaves anything behind, so that it does no harm.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// The longest answer that is read, in bytes: of a key of 32 bytes there are some hundreds.
const LONGEST: usize = 64 * 1024;

/// Where the key is, and who asks for it.
#[derive(Clone)]
pub struct Settings {
    /// The id or ARN of a symmetric key; no alias.
    pub key: String,
    pub region: String,
    /// `https://kms.<region>.amazonaws.com` if none is named.
    pub endpoint: Option<String>,
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Of credentials that are good for a while.
    pub session_token: Option<String>,
}

/// The client of a key service.
pub struct Kms {
    settings: Settings,
    endpoint: Url,
    host: String,
    /// As it stands beside wrapped keys.
    name: String,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Kms {
    /// # Errors
    /// If the key is an alias, the endpoint is no URL or has a path, or the crypto library cannot be used.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        check_key(&settings.key).map_err(io::Error::other)?;
        let named = settings.endpoint.clone();
        let text = named.unwrap_or_else(|| format!("https://kms.{}.amazonaws.com", settings.region));
        let endpoint = check_endpoint(&text)?;
        let host = endpoint.host_str().unwrap_or_default();
        let host = endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let client = Client::builder()
            .tls_backend_preconfigured(trust::tls().map_err(io::Error::other)?)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(io::Error::other)?;
        let name = format!("kms:{}", settings.key);
        Ok(Self { settings, endpoint, host, name, client, clock })
    }

    /// Asks, and again where that may help.
    async fn ask<A: DeserializeOwned>(&self, operation: &str, body: &impl Serialize) -> io::Result<A> {
        // Large enough not to move, which would leave a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST));
        serde_json::to_writer(&mut *text, body).map_err(io::Error::other)?;
        let mut waits = AGAIN.into_iter();
        loop {
            let failed = match self.ask_once(operation, &text).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match waits.next().filter(|_| failed.may_pass) {
                Some(wait) => sleep(wait).await,
                None => return Err(failed.error),
            }
        }
    }

    async fn ask_once<A: DeserializeOwned>(&self, operation: &str, body: &[u8]) -> Result<A, Failed> {
        let at = self.clock.now();
        let (date, target) = (date(at), format!("TrentService.{operation}"));
        let mut headers = vec![("content-type", MEDIA_TYPE), ("host", &*self.host), ("x-amz-date", &*date)];
        if let Some(token) = &self.settings.session_token {
            headers.push(("x-amz-security-token", token.as_str()));
        }
        headers.push(("x-amz-target", target.as_str()));
        let caller = Caller {
            access_key_id: &self.settings.access_key_id,
            secret_access_key: &self.settings.secret_access_key,
            region: &self.settings.region,
            service: "kms",
        };
        let signature = authorization(&caller, at, ("POST", "/"), &headers, body);
        // The client keeps a copy until it is sent.
        let request = self.client.post(self.endpoint.clone()).header("authorization", signature);
        let mut request = request.body(body.to_vec());
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.map_err(|error| Failed::on_the_way(&error))?;
        let (status, mut read) = (answer.status(), Zeroizing::new(Vec::with_capacity(LONGEST)));
        while let Some(piece) = answer.chunk().await.map_err(|error| Failed::on_the_way(&error))? {
            if read.len() + piece.len() > LONGEST {
                return Err(Failed::away(false, "its answer is too long".into()));
            }
            read.extend_from_slice(&piece);
        }
        if status.is_success() {
            let unreadable = |_| Failed::away(true, "its answer is not what was asked for".into());
            return serde_json::from_slice(&read).map_err(unreadable);
        }
        Err(Failed::told(status, &read))
    }
}

/// Why there is no answer.
struct Failed {
    error: io::Error,
    /// It is worth another try.
    may_pass: bool,
}

/// An error as the service tells it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    #[serde(rename = "__type")]
    kind: String,
    #[serde(alias = "Message")]
    message: String,
}

impl Failed {
    fn away(may_pass: bool, why: String) -> Self {
        Self { error: Away::new(why).into(), may_pass }
    }

    /// The client's own words name the URL, which is ours.
    fn on_the_way(error: &reqwest::Error) -> Self {
        let why = if error.is_timeout() { "no answer came in time".into() } else { error.to_string() };
        Self::away(!error.is_timeout(), why)
    }

    fn told(status: StatusCode, body: &[u8]) -> Self {
        let told: Told = serde_json::from_slice(body).unwrap_or_default();
        // Some put the namespace in front.
        let kind = told.kind.rsplit('#').next().unwrap_or_default();
        if kind == "InvalidCiphertextException" {
            let why = "the key service does not open this; it was altered";
            return Self { error: io::Error::new(io::ErrorKind::InvalidData, why), may_pass: false };
        }
        // It is whole, and opens under another key.
        if kind == "IncorrectKeyException" {
            let why = "the key service says that another of its keys sealed this; start with that one";
            return Self { error: Away::of_one(why).into(), may_pass: false };
        }
        let passing = [
            "ThrottlingException",
            "KMSInternalException",
            "DependencyTimeoutException",
            "KeyUnavailableException",
        ];
        let may_pass = status.is_server_error() || passing.contains(&kind);
        Self::away(may_pass, format!("{status} {kind} {}", told.message))
    }
}

/// What a wrapping key is for: the service binds it to what it seals.
fn context(of: Option<TenantId>) -> Value {
    let of = of.map_or_else(|| "installation".to_owned(), |tenant| tenant.to_string());
    json!({ "purpose": "switchboard wrapping key", "tenant": of })
}

/// What says which key of the service is meant, by its id or ARN.
///
/// # Errors
/// In a sentence, if it is an alias.
pub fn check_key(key: &str) -> Result<(), &'static str> {
    let named = key.rsplit(':').next().unwrap_or_default();
    if named.starts_with("alias/") {
        return Err(
            "kms_key (or one of former_kms_keys) is an alias, which may come to stand for another key, and what was \
             wrapped would not open any more; give the id or the ARN of the key itself",
        );
    }
    Ok(())
}

/// Where a key service is.
///
/// # Errors
/// If it is no URL of a host, or there is something behind the host: what is signed is the path `/`.
pub fn check_endpoint(text: &str) -> io::Result<Url> {
    let endpoint = Url::parse(text).map_err(|error| io::Error::other(format!("kms_endpoint: {error}")))?;
    let is_bare = endpoint.path() == "/" && endpoint.query().is_none() && endpoint.fragment().is_none();
    if !is_bare || endpoint.host_str().is_none() || !matches!(endpoint.scheme(), "http" | "https") {
        let why = "kms_endpoint must be https:// and a host and nothing behind it: https://kms.example.com";
        return Err(io::Error::other(why));
    }
    Ok(endpoint)
}

/// A wrapping key that is to be sealed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypt<'a> {
    key_id: &'a str,
    plaintext: &'a str,
    encryption_context: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: String,
}

/// A field of an answer, from base64.
fn bytes(text: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let decoded = STANDARD.decode(text).map_err(|_| Away::new("its answer is no base64"))?;
    Ok(Zeroizing::new(decoded))
}

#[async_trait]
impl KeyService for Kms {
    fn name(&self) -> &str {
        &self.name
    }

    async fn encrypt(&self, of: Option<TenantId>, key: &[u8; 32]) -> io::Result<Vec<u8>> {
        let plain = Zeroizing::new(STANDARD.encode(key));
        let body = Encrypt { key_id: &self.settings.key, plaintext: &plain, encryption_context: context(of) };
        let answer: Encrypted = self.ask("Encrypt", &body).await?;
        Ok(bytes(&answer.ciphertext_blob)?.to_vec())
    }

    async fn decrypt(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
        let body = json!({
            "KeyId": self.settings.key, "CiphertextBlob": STANDARD.encode(sealed), "EncryptionContext": context(of),
        });
        let answer: Decrypted = self.ask("Decrypt", &body).await?;
        let plain = bytes(&Zeroizing::new(answer.plaintext))?;
        let key: [u8; 32] = plain
            .as_slice()
            .try_into()
            .map_err(|_| Away::new("it answers with something else than a key"))?;
        Ok(Zeroizing::new(key))
    }
}

#[cfg(test)]
mod tests {
    use domain::vault::service::is_away;

    use super::*;

    #[test]
    fn what_another_key_sealed_is_not_taken_for_broken() {
        let told = |kind: &str| {
            let body = json!({ "__type": format!("com.amazonaws.kms#{kind}"), "message": "no" }).to_string();
            Failed::told(StatusCode::BAD_REQUEST, body.as_bytes()).error
        };
        let other = told("IncorrectKeyException");
        assert!(is_away(&other) && other.kind() != io::ErrorKind::InvalidData, "{other}");
        assert_eq!(told("InvalidCiphertextException").kind(), io::ErrorKind::InvalidData);
        assert!(is_away(&told("DisabledException")));
    }
}
