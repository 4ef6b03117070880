//! A key service that speaks as Amazon's KMS does: one key that never leaves it, `Encrypt` and `Decrypt`.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>,
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
//!
//! What was done is in the ledger: `to` is the operation, `body` the context that came with it and never a key. A call
//! meets the faults of sends, by its operation; the key can be [disabled](Kms::disable), and the plan's delay makes it slow.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    World,
    aws::{
        Account,
        signature::{self, Refusal},
    },
    http::{Answer, Handler, Reply, Request},
    ledger::Entry,
    lock,
};

#[cfg(test)]
mod tests;

pub type Fake = crate::Fake<Kms>;

/// The longest plain text that `Encrypt` takes, in bytes.
const LONGEST: usize = 4096;

/// One key of one account.
#[derive(Debug, Clone)]
pub struct Config {
    pub account: Account,
    pub key_id: String,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            account: Account::default(),
            key_id: "1234abcd-12ab-34cd-56ef-1234567890ab".into(),
            world: World::default(),
        }
    }
}

/// The service behind a [`Fake`].
pub struct Kms {
    config: Config,
    key: LessSafeKey,
    disabled: Mutex<bool>,
    asked: AtomicU64,
}

impl crate::Provider for Kms {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        // The same for the same id, so that a fake that is started again still knows its key.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, config.key_id.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, digest.as_ref()).expect("a digest has the size of a key");
        Self { config, key: LessSafeKey::new(key), disabled: Mutex::default(), asked: AtomicU64::new(0) }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Kms {
    fn handle(&self, request: &Request) -> Reply {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.config.world.clock.now();
        if let Err(refusal) = signature::check(request, &self.config.account, "kms", now) {
            return refused(refusal).into();
        }
        let is_posted =
            request.method == "POST" && request.path() == "/" && request.is("application/x-amz-json-1.1");
        let target = request.header("x-amz-target").unwrap_or_default();
        let Some(operation) = target.strip_prefix("TrentService.").filter(|_| is_posted) else {
            return error("UnknownOperationException", "").into();
        };
        let Some(body) = request.json() else {
            return error("SerializationException", "").into();
        };
        let faults = &self.config.world.faults;
        let limited =
            |_| error("ThrottlingException", "You have exceeded the rate at which you may call KMS.");
        let luck = format!("{operation} {}", self.asked());
        match operation {
            "Encrypt" => faults.play((luck.as_str(), operation), limited, || self.encrypt(&body)),
            "Decrypt" => faults.play((luck.as_str(), operation), limited, || self.decrypt(&body)),
            _ => error("UnknownOperationException", "").into(),
        }
    }
}

impl Kms {
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The key's whole name.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:111122223333:key/{}", self.config.account.region, self.config.key_id)
    }

    /// How many requests came, whatever became of them.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// From now on the key cannot be used, or can be again.
    pub fn disable(&self, disabled: bool) {
        *lock(&self.disabled) = disabled;
    }

    fn encrypt(&self, body: &Value) -> Answer {
        let plain = body["Plaintext"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let Some(plain) = plain.filter(|plain| (1..=LONGEST).contains(&plain.len())) else {
            return error("ValidationException", "1 validation error detected: Plaintext");
        };
        if let Some(refused) = self.refused_key(&body["KeyId"], true) {
            return refused;
        }
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the system gives random bytes");
        let mut sealed = plain;
        let aad = Aad::from(context(body));
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("it is short enough");
        let blob = [self.config.key_id.as_bytes(), &nonce[..], sealed.as_slice()].concat();
        self.record("Encrypt", body);
        Answer::json(
            200,
            &json!({
                "CiphertextBlob": STANDARD.encode(blob), "KeyId": self.arn(), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            }),
        )
    }

    fn decrypt(&self, body: &Value) -> Answer {
        // A key need not be named: the blob says which it is.
        if let Some(refused) = self.refused_key(&body["KeyId"], false) {
            return refused;
        }
        let blob =
            body["CiphertextBlob"].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let Some(plain) = self.opened(&blob, context(body)) else {
            return error("InvalidCiphertextException", "");
        };
        self.record("Decrypt", body);
        Answer::json(
            200,
            &json!({
                "Plaintext": STANDARD.encode(plain), "KeyId": self.arn(), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            }),
        )
    }

    fn opened(&self, blob: &[u8], context: Vec<u8>) -> Option<Vec<u8>> {
        let rest = blob.strip_prefix(self.config.key_id.as_bytes())?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(context), &mut sealed).ok()?;
        Some(plain.to_vec())
    }

    fn refused_key(&self, named: &Value, must: bool) -> Option<Answer> {
        let arn = self.arn();
        match named.as_str() {
            None if must => return Some(error("ValidationException", "1 validation error detected: KeyId")),
            Some(named) if named != arn && named != self.config.key_id => {
                return Some(error("NotFoundException", &format!("Key '{named}' does not exist")));
            }
            _ => {}
        }
        lock(&self.disabled).then(|| error("DisabledException", &format!("{arn} is disabled.")))
    }

    fn record(&self, operation: &str, body: &Value) {
        let at = self.config.world.clock.now();
        self.config.world.ledger.record(|number| Entry {
            key: None,
            provider_message_id: format!("kms-{number}"),
            to: operation.to_owned(),
            body: json!({ "EncryptionContext": body["EncryptionContext"] }),
            at,
        });
    }
}

/// The pairs of the context in one order, none shifted into another.
fn context(body: &Value) -> Vec<u8> {
    let pairs = body["EncryptionContext"].as_object().into_iter().flatten();
    let sorted: BTreeMap<&String, &Value> = pairs.collect();
    format!("{sorted:?}").into_bytes()
}

/// An error as the service tells it.
#[must_use]
pub fn error(code: &str, message: &str) -> Answer {
    Answer::json(400, &json!({ "__type": code, "message": message }))
}

/// Whoever asks may not use the key.
#[must_use]
pub fn denied() -> Answer {
    let message = "User: arn:aws:iam::111122223333:user/fake is not authorized to perform: kms:Decrypt on this resource";
    error("AccessDeniedException", message)
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Missing => error("MissingAuthenticationTokenException", "Missing Authentication Token"),
        Refusal::UnknownKey => {
            error("UnrecognizedClientException", "The security token included in the request is invalid.")
        }
        Refusal::Expired => error("InvalidSignatureException", "Signature expired"),
        Refusal::Scope | Refusal::Mismatch | Refusal::Body => {
            let message = "The request signature we calculated does not match the signature you provided.";
            error("InvalidSignatureException", message)
        }
    }
}
