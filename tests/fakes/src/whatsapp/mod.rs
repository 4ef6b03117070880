//! WhatsApp's Cloud API: one number of one business.
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>

use std::sync::{Mutex, atomic::AtomicU64};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    World,
    http::{Answer, Handler, Reply, Request},
    ledger::Entry,
    lock,
};

mod callbacks;
mod errors;
#[cfg(test)]
mod tests;

pub use callbacks::Told;
pub use errors::error;

pub type Fake = crate::Fake<WhatsApp>;

/// One number, and the app that sends from it.
#[derive(Debug, Clone)]
pub struct Config {
    pub phone_number_id: String,
    pub display_phone_number: String,
    /// The WhatsApp business account's id.
    pub business_id: String,
    pub access_token: String,
    /// The key of callback signatures.
    pub app_secret: String,
    /// What the handshake tells.
    pub verify_token: String,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            phone_number_id: "106540352242922".into(),
            display_phone_number: "15550783881".into(),
            business_id: "102290129340398".into(),
            access_token: "EAAfake".into(),
            app_secret: "app-secret".into(),
            verify_token: "verify-me".into(),
            world: World::default(),
        }
    }
}

/// The provider behind a [`Fake`].
pub struct WhatsApp {
    config: Config,
    callback_url: Mutex<String>,
    inbound: AtomicU64,
}

impl crate::Provider for WhatsApp {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        Self { config, callback_url: Mutex::default(), inbound: AtomicU64::new(0) }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for WhatsApp {
    fn handle(&self, request: &Request) -> Reply {
        if request.bearer() != Some(self.config.access_token.as_str()) {
            return error(190, "Invalid OAuth access token - Cannot parse access token").into();
        }
        let path = request.path().trim_start_matches('/');
        let (version, path) = path.split_once('/').unwrap_or((path, ""));
        let version = version.strip_prefix('v').and_then(|version| version.parse::<f32>().ok());
        let (number, edge) = path.split_once('/').unwrap_or((path, ""));
        if version.is_none() || number != self.config.phone_number_id {
            return errors::unknown_object(number).into();
        }
        match (request.method.as_str(), edge) {
            ("POST", "messages") => self.send(request),
            ("GET", "") => self.config.world.faults.play_read(rate_limited, || self.number()),
            _ => errors::unknown_object(number).into(),
        }
    }
}

impl WhatsApp {
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where the app wants its callbacks, as it is set in the app's dashboard.
    pub fn set_callback_url(&self, url: &str) {
        url.clone_into(&mut lock(&self.callback_url));
    }

    fn send(&self, request: &Request) -> Reply {
        let Some(body) = request.json() else {
            return error(100, "Invalid parameter").into();
        };
        if let Some(refused) = refusal(&body) {
            return refused.into();
        }
        let to = body["to"].as_str().unwrap_or_default().to_owned();
        let wa_id: String = to.chars().filter(char::is_ascii_digit).collect();
        let key = body["biz_opaque_callback_data"].as_str().map(ToOwned::to_owned);
        let luck = key.clone().unwrap_or_else(|| body.to_string());
        let template = body["type"] == "template";
        self.config.world.faults.play((luck.as_str(), to.as_str()), rate_limited, || {
            let entry = self.config.world.ledger.record(|number| Entry {
                key,
                provider_message_id: self.id(number),
                to: to.clone(),
                body,
                at: self.config.world.clock.now(),
            });
            let mut message = json!({"id": entry.provider_message_id});
            if template {
                message["message_status"] = "accepted".into();
            }
            let answer = json!({
                "messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": wa_id}],
                "messages": [message],
            });
            Answer::json(200, &answer)
        })
    }

    fn id(&self, number: usize) -> String {
        format!("wamid.{}", STANDARD.encode(format!("{}\u{15}{number:020}", self.config.phone_number_id)))
    }

    fn number(&self) -> Answer {
        let number = json!({
            "verified_name": "Fake", "code_verification_status": "VERIFIED",
            "display_phone_number": self.config.display_phone_number, "quality_rating": "GREEN",
            "platform_type": "CLOUD_API", "throughput": {"level": "STANDARD"}, "id": self.config.phone_number_id,
        });
        Answer::json(200, &number)
    }
}

/// What the API says at once to a message it does not take.
fn refusal(body: &Value) -> Option<Answer> {
    let given =
        |pointer: &str| body.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if body["messaging_product"] != "whatsapp" {
        return Some(error(100, "(#100) The parameter messaging_product is required."));
    }
    if !given("/to") {
        return Some(error(100, "(#100) The parameter to is required."));
    }
    let complete = match body["type"].as_str() {
        Some("text") | None => given("/text/body"),
        Some("template") => given("/template/name") && given("/template/language/code"),
        Some(_) => return Some(error(131_051, "(#131051) Message type is not currently supported.")),
    };
    (!complete).then(|| error(131_008, "(#131008) Required parameter is missing"))
}

fn rate_limited(retry_after_s: u32) -> Answer {
    error(130_429, "(#130429) Rate limit hit").retry_after(retry_after_s)
}
