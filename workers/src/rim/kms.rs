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
    vault::envelope::{Away, KeyService},
};
use reqwest::{Client, StatusCode, redirect, retry};
use serde::Deserialize;
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
    /// The id, ARN or alias of a symmetric key.
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
    /// If the endpoint is no URL, or the crypto library cannot be used.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let named = settings.endpoint.clone();
        let text = named.unwrap_or_else(|| format!("https://kms.{}.amazonaws.com", settings.region));
        let endpoint =
            Url::parse(&text).map_err(|error| io::Error::other(format!("kms_endpoint: {error}")))?;
        let host = endpoint.host_str().filter(|_| matches!(endpoint.scheme(), "http" | "https"));
        let host =
            host.ok_or_else(|| io::Error::other("kms_endpoint must begin with https:// and name a host"))?;
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
    async fn ask(&self, operation: &str, body: &Value) -> io::Result<Value> {
        let mut waits = AGAIN.into_iter();
        loop {
            let failed = match self.ask_once(operation, body).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            match waits.next().filter(|_| failed.may_pass) {
                Some(wait) => sleep(wait).await,
                None => return Err(failed.error),
            }
        }
    }

    async fn ask_once(&self, operation: &str, body: &Value) -> Result<Value, Failed> {
        let (at, body) = (self.clock.now(), body.to_string().into_bytes());
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
        let signature = authorization(&caller, at, ("POST", "/"), &headers, &body);
        let mut request =
            self.client.post(self.endpoint.clone()).header("authorization", signature).body(body);
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.map_err(|error| Failed::on_the_way(&error))?;
        let (status, mut read) = (answer.status(), Zeroizing::new(Vec::new()));
        while let Some(piece) = answer.chunk().await.map_err(|error| Failed::on_the_way(&error))? {
            if read.len() + piece.len() > LONGEST {
                return Err(Failed::away(false, "its answer is too long".into()));
            }
            read.extend_from_slice(&piece);
        }
        if status.is_success() {
            let unreadable = |_| Failed::away(true, "its answer is no JSON".into());
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
        Self { error: Away(why).into(), may_pass }
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
        if ["InvalidCiphertextException", "IncorrectKeyException"].contains(&kind) {
            let why =
                "the key service opens this under none of its keys; start with the key it was made with";
            return Self { error: io::Error::new(io::ErrorKind::InvalidData, why), may_pass: false };
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

/// A field of an answer, from base64.
fn bytes(answer: &Value, field: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let text = answer[field].as_str().and_then(|text| STANDARD.decode(text).ok());
    let missing = || Away(format!("its answer has no {field}"));
    Ok(Zeroizing::new(text.ok_or_else(missing)?))
}

#[async_trait]
impl KeyService for Kms {
    fn name(&self) -> &str {
        &self.name
    }

    async fn encrypt(&self, of: Option<TenantId>, key: &[u8; 32]) -> io::Result<Vec<u8>> {
        let plain = Zeroizing::new(STANDARD.encode(key));
        let body = json!({
            "KeyId": self.settings.key, "Plaintext": *plain, "EncryptionContext": context(of),
        });
        let answer = self.ask("Encrypt", &body).await?;
        Ok(bytes(&answer, "CiphertextBlob")?.to_vec())
    }

    async fn decrypt(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
        let body = json!({
            "KeyId": self.settings.key, "CiphertextBlob": STANDARD.encode(sealed), "EncryptionContext": context(of),
        });
        let answer = self.ask("Decrypt", &body).await?;
        let plain = bytes(&answer, "Plaintext")?;
        let key: [u8; 32] = plain
            .as_slice()
            .try_into()
            .map_err(|_| Away("it answers with something else than a key".into()))?;
        Ok(Zeroizing::new(key))
    }
}
