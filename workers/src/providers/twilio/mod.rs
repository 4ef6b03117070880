//! SMS by Twilio: <https://www.twilio.com/docs/messaging/api/message-resource>.
//!
//! - [`codes`] what its error codes mean; [`callback`] what it tells by itself; [`look_up`] what became of a message
//!
//! A message has no field for our id, so it stands in the address of its callbacks; where an answer was lost and no callback
//! came, it is found among what was sent to the number since.

mod callback;
mod codes;
mod look_up;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        callback::{Callback, CallbackRequest, Rejected},
        provider::{
            Account, Answer, Asked, Channel, Forgotten, Found, Outgoing, Provider, Refusal, Route, Verified,
        },
    },
    outbound::OutboundPolicy,
};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::http::{self as wire, Field, below, by_code, formless, refused};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundRequest};

/// The adapter.
pub struct Twilio {
    outbound: Outbound,
}

const FIELDS: &[Field] = &[
    ("account_sid", true, "the account's SID, which begins with AC"),
    ("auth_token", true, "the account's auth token"),
    ("from", false, "a number of the account, in the form of E.164"),
    ("messaging_service_sid", false, "the SID of a messaging service, which begins with MG"),
    ("base_url", false, "the API's address, if it is not Twilio's own"),
    ("help_text", false, "what is answered to HELP"),
];

#[derive(Deserialize)]
struct Settings {
    account_sid: String,
    auth_token: String,
    from: Option<String>,
    messaging_service_sid: Option<String>,
    base_url: Option<String>,
    help_text: Option<String>,
}

impl Settings {
    fn read(given: &Value) -> Result<Self, Vec<FieldError>> {
        let read: Self = wire::settings(given, FIELDS)?;
        if read.from.is_some() == read.messaging_service_sid.is_some() {
            return Err(vec![FieldError::new(
                "/from",
                "give `from` or `messaging_service_sid`, and not both",
            )]);
        }
        if read.account_sid.len() != 34 || !read.account_sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(vec![FieldError::new("/account_sid", "34 letters and digits, which begin with AC")]);
        }
        Ok(read)
    }

    fn base(&self, policy: &OutboundPolicy) -> Result<Url, Vec<FieldError>> {
        wire::base(policy, self.base_url.as_deref(), "https://api.twilio.com")
    }
}

/// An account ready to be called.
struct Line {
    settings: Settings,
    base: Url,
}

impl Line {
    fn open(outbound: &Outbound, account: &Account) -> Option<Self> {
        let settings = Settings::read(&account.settings()).ok()?;
        let base = settings.base(outbound.policy()).ok()?;
        Some(Self { settings, base })
    }

    fn url(&self, path: &str) -> Url {
        below(&self.base, &format!("/2010-04-01/Accounts/{}{path}", self.settings.account_sid))
    }

    fn request(&self, method: Method, url: Url, body: Vec<u8>) -> OutboundRequest {
        let login = STANDARD.encode(format!("{}:{}", self.settings.account_sid, self.settings.auth_token));
        let mut headers = vec![("authorization".to_owned(), format!("Basic {login}"))];
        if method == Method::POST {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        OutboundRequest { method, url, headers, body }
    }
}

impl Twilio {
    /// `outbound` says which addresses may be called, and calls them.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }
}

const UNFIT: &str = "the account's settings do not fit this build";

#[async_trait]
impl Provider for Twilio {
    fn kind(&self) -> &'static str {
        "twilio"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Sms]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Asked
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        let read = Settings::read(credentials);
        read.and_then(|settings| settings.base(self.outbound.policy())).err().unwrap_or_default()
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        let Some(line) = Line::open(&self.outbound, account) else {
            return Verified::Bad { code: "settings".into(), text: UNFIT.into() };
        };
        let answer =
            match wire::ask(&self.outbound, line.request(Method::GET, line.url(".json"), vec![])).await {
                Ok(answer) => answer,
                Err(said) => return said,
            };
        match (answer.status, wire::json(&answer)) {
            (200, Some(body)) if body["status"] == "active" => Verified::Good,
            (200, Some(_)) => {
                Verified::Bad { code: "inactive".into(), text: "the account is not active".into() }
            }
            (401 | 403 | 404, body) => {
                let code = body.and_then(|body| body["code"].as_u64());
                Verified::Bad {
                    code: code.map_or_else(|| answer.status.to_string(), |code| code.to_string()),
                    text: "Twilio does not accept the SID and the token".into(),
                }
            }
            (status, _) => Verified::Unreachable { text: format!("Twilio answered {status}") },
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Some(line) = Line::open(&self.outbound, account) else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let body = form(&line.settings, outgoing);
        let request = line.request(Method::POST, line.url("/Messages.json"), body.into_bytes());
        match wire::send(&self.outbound, request).await {
            Ok(answer) => said(&answer, ctx.now()),
            Err(answer) => answer,
        }
    }

    async fn look_up(&self, _: &Ctx, account: &Account, asked: &Asked) -> Found {
        match Line::open(&self.outbound, account) {
            Some(line) => look_up::look_up(&self.outbound, &line, asked).await,
            None => Found::Unclear { text: UNFIT.into() },
        }
    }

    /// A message that has ended is deleted by its SID: <https://www.twilio.com/docs/messaging/api/message-resource>. One
    /// that is on its way cannot be yet.
    async fn forget(&self, _: &Ctx, account: &Account, sid: &str) -> Forgotten {
        let later = |text: &str| Forgotten::Later { text: text.into() };
        let Some(line) = Line::open(&self.outbound, account) else {
            return Forgotten::Refused { code: "settings".into() };
        };
        if sid.len() != 34 || !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Forgotten::Refused { code: "not_a_sid".into() };
        }
        let url = line.url(&format!("/Messages/{sid}.json"));
        let Ok(answer) = wire::ask(&self.outbound, line.request(Method::DELETE, url, vec![])).await else {
            return later("Twilio could not be reached");
        };
        match answer.status {
            // What is not there any more is forgotten.
            204 | 404 => Forgotten::Done,
            401 | 403 => Forgotten::Refused { code: answer.status.to_string() },
            409 | 429 | 500.. => later(&format!("Twilio answered {}", answer.status)),
            status => Forgotten::Refused { code: status.to_string() },
        }
    }

    fn finds_by_likeness(&self) -> bool {
        true
    }

    fn callback(&self, account: &Account, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
        let settings = Settings::read(&account.settings()).map_err(|_| Rejected::Form(UNFIT))?;
        callback::read(&settings, request)
    }
}

fn form(settings: &Settings, outgoing: &Outgoing) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("To", &outgoing.to).append_pair("Body", &outgoing.text);
    if let Some(from) = &settings.from {
        form.append_pair("From", from);
    }
    if let Some(service) = &settings.messaging_service_sid {
        form.append_pair("MessagingServiceSid", service);
    }
    if let Some(url) = &outgoing.callback_url {
        form.append_pair("StatusCallback", &format!("{url}?message={}", outgoing.message));
    }
    form.finish()
}

fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    let Some(body) = wire::json(answer) else { return formless(answer, now) };
    if (200..300).contains(&answer.status) {
        return match wire::name(&body["sid"]) {
            Some(sid) => Answer::Accepted { provider_message_id: Some(sid) },
            None => Answer::Unknown { text: "Twilio took it without saying under which SID".into() },
        };
    }
    match body["code"].as_u64() {
        Some(code) => match codes::refusal(code, answer.status) {
            Some(refusal) => by_code(refusal, code, answer, now),
            None => Answer::Unknown { text: format!("Twilio answered {code}, and may have sent it") },
        },
        None => formless(answer, now),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_has_a_sender_and_only_one() {
        let whole = json!({"account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "t", "from": "+14155550100"});
        assert!(Settings::read(&whole).is_ok());
        for (name, value, at) in [
            ("from", json!(null), "/from"),
            ("messaging_service_sid", json!("MG1"), "/from"),
            ("account_sid", json!("AC1"), "/account_sid"),
            ("auth_token", json!(""), "/auth_token"),
            ("colour", json!("red"), "/colour"),
        ] {
            let mut settings = whole.clone();
            settings[name] = value;
            let wrong = Settings::read(&settings).err().expect("a fault");
            assert_eq!(wrong[0].pointer, at, "{name}");
        }
    }
}
