//! Push by Firebase Cloud Messaging, HTTP v1:
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send>.
//!
//! - [`tokens`] the access tokens that it is called with
//!
//! It cannot be asked and tells nothing by itself. Each message has a collapse key of its own, so a repeat takes the place
//! of the one before on the device.

mod tokens;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    error::FieldError,
    messages::provider::{Account, Answer, Channel, Outgoing, Provider, Refusal, Route, Scope, Verified},
    outbound::OutboundPolicy,
};
use http::Method;
use jsonwebtoken::EncodingKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use self::tokens::{NoToken, Tokens};
use super::http::{self as wire, Field, below, by_code, formless, refused};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundRequest};

/// The adapter, with the tokens it holds.
pub struct Fcm {
    outbound: Outbound,
    tokens: Tokens,
}

/// Those of a service account's key file that are needed, by the names they have there.
const FIELDS: &[Field] = &[
    ("project_id", true, "the project's id"),
    ("client_email", true, "the service account's address"),
    ("private_key", true, "the service account's key in PEM, as its key file has it"),
    ("base_url", false, "the API's address, if it is not Google's own"),
    ("token_url", false, "where access tokens are fetched, if it is not Google's own"),
];

const TOKENS: &str = "https://oauth2.googleapis.com/token";

#[derive(Deserialize)]
struct Settings {
    project_id: String,
    client_email: String,
    private_key: String,
    base_url: Option<String>,
    token_url: Option<String>,
}

/// An account ready to be called.
struct Line {
    settings: Settings,
    send: Url,
    token: Url,
}

impl Line {
    fn read(policy: &OutboundPolicy, given: &Value) -> Result<Self, Vec<FieldError>> {
        let settings: Settings = wire::settings(given, FIELDS)?;
        let is_id = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if !settings.project_id.bytes().all(is_id) {
            return Err(vec![FieldError::new("/project_id", "the project's id: letters, digits and -")]);
        }
        if EncodingKey::from_rsa_pem(settings.private_key.as_bytes()).is_err() {
            let what = "an RSA key in PEM, with its line breaks, as the key file has it";
            return Err(vec![FieldError::new("/private_key", what)]);
        }
        let base = wire::base(policy, settings.base_url.as_deref(), "https://fcm.googleapis.com")?;
        let token = policy.check(settings.token_url.as_deref().unwrap_or(TOKENS));
        let token = token.map_err(|why| vec![FieldError::new("/token_url", format!("the URL {why}"))])?;
        let send = below(&base, &format!("/v1/projects/{}/messages:send", settings.project_id));
        Ok(Self { settings, send, token })
    }

    fn request(&self, token: &str, outgoing: &Outgoing) -> OutboundRequest {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let body = body(outgoing).to_string().into_bytes();
        OutboundRequest { method: Method::POST, url: self.send.clone(), headers, body }
    }
}

impl Fcm {
    /// `outbound` says which addresses may be called, and calls them. There are no access tokens yet.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, tokens: Tokens::default() }
    }
}

const UNFIT: &str = "the account's settings do not fit this build";

#[async_trait]
impl Provider for Fcm {
    fn kind(&self) -> &'static str {
        "fcm"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Push]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Blind
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        Line::read(self.outbound.policy(), credentials).err().unwrap_or_default()
    }

    async fn verify(&self, ctx: &Ctx, account: &Account) -> Verified {
        let Ok(line) = Line::read(self.outbound.policy(), &account.settings()) else {
            return Verified::Bad { code: "settings".into(), text: UNFIT.into() };
        };
        // The one in use may be good still when the key is not any more.
        match tokens::fetch(ctx, &self.outbound, &line).await {
            Ok(_) => Verified::Good,
            Err(NoToken::Refused(code)) => {
                Verified::Bad { code, text: "Google does not accept the service account's key".into() }
            }
            Err(NoToken::Busy(text) | NoToken::Unreachable(text)) => Verified::Unreachable { text },
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Ok(line) = Line::read(self.outbound.policy(), &account.settings()) else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let no_token = |no| match no {
            NoToken::Refused(code) => refused(Refusal::Account, code, "Google gave no access token"),
            NoToken::Busy(text) => refused(Refusal::Throttled, "busy", text),
            NoToken::Unreachable(text) => refused(Refusal::Transient, "token", text),
        };
        let token = match self.tokens.get(ctx, &self.outbound, account, &line, None).await {
            Ok(token) => token,
            Err(no) => return no_token(no),
        };
        let answer = match wire::send(&self.outbound, line.request(&token, outgoing)).await {
            Ok(answer) => answer,
            Err(answer) => return answer,
        };
        if answer.status != 401 {
            return said(&answer, ctx.now());
        }
        // The token may have been revoked before its time; with a new one it is the account.
        let token = match self.tokens.get(ctx, &self.outbound, account, &line, Some(&token)).await {
            Ok(token) => token,
            Err(no) => return no_token(no),
        };
        match wire::send(&self.outbound, line.request(&token, outgoing)).await {
            Ok(answer) => said(&answer, ctx.now()),
            Err(answer) => answer,
        }
    }
}

fn body(outgoing: &Outgoing) -> Value {
    let mut data: Map<String, Value> = match outgoing.extra.get("data") {
        Some(Value::Object(fields)) => fields.clone(),
        _ => Map::new(),
    };
    data.insert("message_id".into(), json!(outgoing.message));
    let mut notification = json!({ "body": outgoing.text });
    if let Some(title) = &outgoing.subject {
        notification["title"] = json!(title);
    }
    json!({
        "message": {
            "token": outgoing.to,
            "notification": notification,
            "data": data,
            "android": { "collapse_key": outgoing.message, "ttl": "3600s" },
            "apns": { "headers": { "apns-collapse-id": outgoing.message } },
            "webpush": { "headers": { "Topic": outgoing.message.0.simple().to_string() } },
        }
    })
}

/// <https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode>
fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    let Some(body) = wire::json(answer) else { return formless(answer, now) };
    if answer.status == 200 {
        return match wire::name(&body["name"]) {
            Some(name) => Answer::Accepted { provider_message_id: Some(name) },
            None => Answer::Unknown { text: "Google took it without saying under which name".into() },
        };
    }
    let details = || body["error"]["details"].as_array().into_iter().flatten();
    let code = details().find_map(|detail| detail["errorCode"].as_str());
    let is_of_token = details()
        .flat_map(|detail| detail["fieldViolations"].as_array().into_iter().flatten())
        .any(|violation| violation["field"] == "message.token");
    let name = wire::word(code.or_else(|| body["error"]["status"].as_str()).unwrap_or("no_code"));
    match (answer.status, code) {
        (_, Some("UNREGISTERED")) => by_code(Refusal::Suppress(Scope::All), name, answer, now),
        (400, _) if is_of_token => by_code(Refusal::Suppress(Scope::All), name, answer, now),
        (400, _) | (403, Some("SENDER_ID_MISMATCH")) => by_code(Refusal::Permanent, name, answer, now),
        // The wrong project, or one without the API.
        (401 | 403 | 404, _) => by_code(Refusal::Account, name, answer, now),
        (429, _) => by_code(Refusal::Throttled, name, answer, now),
        (status, _) => {
            Answer::Unknown { text: format!("Google answered {name} ({status}), and may have sent it") }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn the_code_in_the_details_counts() {
        let error = |status: u16, code: Option<&str>, field: Option<&str>| {
            let mut details = Vec::new();
            details.extend(code.map(|code| json!({ "errorCode": code })));
            details.extend(field.map(|field| json!({ "fieldViolations": [{ "field": field }] })));
            let body = json!({ "error": { "code": status, "status": "X", "details": details } });
            let answer =
                OutboundAnswer { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() };
            match said(&answer, DateTime::UNIX_EPOCH) {
                Answer::Refused { refusal, .. } => Some(refusal),
                _ => None,
            }
        };
        let suppress = Some(Refusal::Suppress(Scope::All));
        assert_eq!(error(404, Some("UNREGISTERED"), None), suppress);
        assert_eq!(error(404, None, None), Some(Refusal::Account));
        assert_eq!(error(400, Some("INVALID_ARGUMENT"), Some("message.token")), suppress);
        assert_eq!(error(400, Some("INVALID_ARGUMENT"), Some("message.data")), Some(Refusal::Permanent));
        assert_eq!(error(403, Some("SENDER_ID_MISMATCH"), None), Some(Refusal::Permanent));
        assert_eq!(error(403, None, None), Some(Refusal::Account));
        assert_eq!(error(401, None, None), Some(Refusal::Account));
        assert_eq!(error(429, Some("QUOTA_EXCEEDED"), None), Some(Refusal::Throttled));
        for status in [500, 502, 503] {
            assert_eq!(error(status, Some("INTERNAL"), None), None, "{status}");
        }
    }
}
