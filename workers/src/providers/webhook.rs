//! A gateway of the tenant's own, told as Standard Webhooks has it: <https://www.standardwebhooks.com>. The message's id is
//! that of the webhook, and the receiver drops what comes twice under one.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    calls::webhook,
    error::FieldError,
    messages::provider::{Account, Answer, Channel, Outgoing, Provider, Refusal, Route, Verified},
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::{self as wire, Field, by_code, refused};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundRequest};

/// The adapter.
pub struct Webhook {
    outbound: Outbound,
}

const FIELDS: &[Field] = &[
    ("url", true, "where messages are posted"),
    ("secret", true, "what they are signed by: whsec_ and base64 of 24 to 64 bytes"),
];

#[derive(Deserialize)]
struct Settings {
    url: String,
    secret: String,
}

impl Webhook {
    /// `outbound` says which addresses may be called, and calls them.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    fn read(&self, given: &Value) -> Result<(Url, String), Vec<FieldError>> {
        let settings: Settings = wire::settings(given, FIELDS)?;
        let url = self.outbound.policy().check(&settings.url);
        let url = url.map_err(|why| vec![FieldError::new("/url", format!("the URL {why}"))])?;
        if webhook::sign(&settings.secret, "id", "0", b"").is_none() || settings.secret.len() < 30 {
            return Err(vec![FieldError::new("/secret", "whsec_ and base64 of 24 to 64 bytes")]);
        }
        Ok((url, settings.secret))
    }
}

const UNFIT: &str = "the account's settings do not fit this build";

#[async_trait]
impl Provider for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn channels(&self) -> &'static [Channel] {
        &Channel::ALL
    }

    fn route(&self, _: &Account) -> Route {
        Route::Keyed
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        self.read(credentials).err().unwrap_or_default()
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        match self.read(&account.settings()) {
            // Whatever is posted there may be sent.
            Ok(_) => Verified::Unproven,
            Err(_) => Verified::Bad { code: "settings".into(), text: UNFIT.into() },
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Ok((url, secret)) = self.read(&account.settings()) else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let now = ctx.now();
        let body = body(account.channel, outgoing).to_string().into_bytes();
        let (id, timestamp) = (outgoing.message.to_string(), now.timestamp().to_string());
        let Some(signature) = webhook::sign(&secret, &id, &timestamp, &body) else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", signature),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        match wire::send(&self.outbound, OutboundRequest { method: Method::POST, url, headers, body }).await {
            Ok(answer) => said(&answer, now),
            Err(answer) => answer,
        }
    }
}

fn body(channel: Channel, outgoing: &Outgoing) -> Value {
    json!({
        "type": "message.send",
        "data": {
            "id": outgoing.message,
            "channel": channel,
            "to": outgoing.to,
            "subject": outgoing.subject,
            "text": outgoing.text,
            "html": outgoing.html,
            "extra": outgoing.extra,
            "unsubscribe_url": outgoing.unsubscribe_url,
        }
    })
}

/// Only 2xx is success; 410 means that nothing is wanted there any more.
fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    match answer.status {
        200..300 => {
            let id = wire::json(answer).and_then(|body| wire::name(&body["id"]));
            Answer::Accepted { provider_message_id: id }
        }
        408 | 425 | 500.. => Answer::Unknown { text: format!("the gateway answered {}", answer.status) },
        429 => by_code(Refusal::Throttled, 429, answer, now),
        300..=399 | 401 | 403 | 404 | 410 => by_code(Refusal::Account, answer.status, answer, now),
        status => by_code(Refusal::Permanent, status, answer, now),
    }
}
