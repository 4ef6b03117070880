//! WhatsApp by Meta's Cloud API: <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.
//!
//! - [`codes`] what its error codes mean; [`callback`] what it tells by itself
//!
//! It cannot be asked about a message, but each status that it tells carries our id.

mod callback;
mod codes;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        callback::{Callback, CallbackRequest, Rejected},
        provider::{Account, Answer, Channel, Outgoing, Provider, Refusal, Route, Verified},
    },
    outbound::OutboundPolicy,
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::{self as wire, Field, below, by_code, formless, refused};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundRequest};

/// The adapter.
pub struct WhatsApp {
    outbound: Outbound,
}

const FIELDS: &[Field] = &[
    ("phone_number_id", true, "the id of the number, digits only"),
    ("access_token", true, "a system user's access token"),
    ("app_secret", true, "the app's secret, which callbacks are signed by"),
    ("verify_token", true, "a word of your choice, entered at Meta with the callback address"),
    ("version", false, "a version of the Graph API, as v23.0"),
    ("base_url", false, "the API's address, if it is not Meta's own"),
];

#[derive(Deserialize)]
struct Settings {
    phone_number_id: String,
    access_token: String,
    app_secret: String,
    verify_token: String,
    version: Option<String>,
    base_url: Option<String>,
}

impl Settings {
    fn read(given: &Value) -> Result<Self, Vec<FieldError>> {
        let read: Self = wire::settings(given, FIELDS)?;
        if !read.phone_number_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(vec![FieldError::new("/phone_number_id", "the id of the number, digits only")]);
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_version = |text: &str| {
            let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
            parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
        };
        if !read.version.as_deref().is_none_or(is_version) {
            return Err(vec![FieldError::new("/version", "a version of the Graph API, as v23.0")]);
        }
        Ok(read)
    }

    fn number(&self, policy: &OutboundPolicy, path: &str) -> Result<Url, Vec<FieldError>> {
        let base = wire::base(policy, self.base_url.as_deref(), "https://graph.facebook.com")?;
        let version = self.version.as_deref().unwrap_or("v23.0");
        Ok(below(&base, &format!("/{version}/{}{path}", self.phone_number_id)))
    }

    fn request(&self, method: Method, url: Url, body: Vec<u8>) -> OutboundRequest {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.access_token)),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        OutboundRequest { method, url, headers, body }
    }
}

impl WhatsApp {
    /// `outbound` says which addresses may be called, and calls them.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    fn open(&self, account: &Account, path: &str) -> Option<(Settings, Url)> {
        let settings = Settings::read(&account.settings()).ok()?;
        let url = settings.number(self.outbound.policy(), path).ok()?;
        Some((settings, url))
    }
}

const UNFIT: &str = "the account's settings do not fit this build";

#[async_trait]
impl Provider for WhatsApp {
    fn kind(&self) -> &'static str {
        "whatsapp"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Whatsapp]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Echoes
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        let read = Settings::read(credentials);
        read.and_then(|settings| settings.number(self.outbound.policy(), "")).err().unwrap_or_default()
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        let Some((settings, url)) = self.open(account, "") else {
            return Verified::Bad { code: "settings".into(), text: UNFIT.into() };
        };
        let answer = match wire::ask(&self.outbound, settings.request(Method::GET, url, vec![])).await {
            Ok(answer) => answer,
            Err(said) => return said,
        };
        let body = wire::json(&answer).unwrap_or_default();
        match (answer.status, body["error"]["code"].as_i64()) {
            (200, None) if body["id"].is_string() => Verified::Good,
            (status, Some(code)) if codes::refusal(code, status) == Some(Refusal::Account) || code == 100 => {
                Verified::Bad {
                    code: code.to_string(),
                    text: "Meta does not accept the token for this number".into(),
                }
            }
            (status, _) => Verified::Unreachable { text: format!("Meta answered {status}") },
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Some((settings, url)) = self.open(account, "/messages") else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let request = settings.request(Method::POST, url, body(outgoing).to_string().into_bytes());
        match wire::send(&self.outbound, request).await {
            Ok(answer) => said(&answer, ctx.now()),
            Err(answer) => answer,
        }
    }

    fn callback(&self, account: &Account, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
        let settings = Settings::read(&account.settings()).map_err(|_| Rejected::Form(UNFIT))?;
        callback::read(&settings, request)
    }
}

/// A template that Meta has approved, or text, which it takes for 24 hours after the person has written.
fn body(outgoing: &Outgoing) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": outgoing.to.trim_start_matches('+'),
        "biz_opaque_callback_data": outgoing.message,
    });
    let Some(template) = outgoing.extra.get("template") else {
        body["type"] = json!("text");
        body["text"] = json!({ "body": outgoing.text });
        return body;
    };
    let texts = template["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<Value> = texts.map(|text| json!({ "type": "text", "text": text })).collect();
    let components =
        if parameters.is_empty() { json!([]) } else { json!([{ "type": "body", "parameters": parameters }]) };
    body["type"] = json!("template");
    body["template"] = json!({
        "name": template["name"],
        "language": { "code": template["language"] },
        "components": components,
    });
    body
}

/// The code counts and not the HTTP status: a missing permission comes as 500.
fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    let Some(body) = wire::json(answer) else { return formless(answer, now) };
    if let Some(code) = body["error"]["code"].as_i64() {
        return match codes::refusal(code, answer.status) {
            Some(refusal) => by_code(refusal, code, answer, now),
            None => Answer::Unknown { text: format!("Meta answered {code}, and may have sent it") },
        };
    }
    match wire::name(&body["messages"][0]["id"]) {
        Some(id) if answer.status == 200 => Answer::Accepted { provider_message_id: Some(id) },
        _ => formless(answer, now),
    }
}
