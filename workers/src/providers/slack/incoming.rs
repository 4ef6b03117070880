//! Slack's incoming webhooks: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>. The address is
//! the secret, and says into which channel; nothing can be asked afterwards.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    error::FieldError,
    messages::provider::{Account, Answer, Channel, Outgoing, Provider, Refusal, Route, Verified},
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    providers::http::{self as wire, Field, by_code, formless, refused},
    rim::outbound::{Outbound, OutboundAnswer, OutboundRequest},
};

/// The adapter.
pub struct SlackWebhook {
    outbound: Outbound,
}

const FIELDS: &[Field] = &[("url", true, "the webhook's address at hooks.slack.com")];

#[derive(Deserialize)]
struct Settings {
    url: String,
}

impl SlackWebhook {
    /// `outbound` says which addresses may be called, and calls them.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    fn read(&self, given: &Value) -> Result<Url, Vec<FieldError>> {
        let settings: Settings = wire::settings(given, FIELDS)?;
        let wrong = |why: String| vec![FieldError::new("/url", why)];
        let url =
            self.outbound.policy().check(&settings.url).map_err(|why| wrong(format!("the URL {why}")))?;
        let is_slacks =
            url.host_str().is_some_and(|host| host == "hooks.slack.com" || host == "hooks.slack-gov.com");
        if !is_slacks && !self.outbound.policy().loopback {
            return Err(wrong("the webhook's address at hooks.slack.com".into()));
        }
        Ok(url)
    }
}

#[async_trait]
impl Provider for SlackWebhook {
    fn kind(&self) -> &'static str {
        "slack_webhook"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Slack]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Blind
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        self.read(credentials).err().unwrap_or_default()
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        match self.read(&account.settings()) {
            // Whatever is posted there is shown in the channel.
            Ok(_) => Verified::Unproven,
            Err(_) => {
                Verified::Bad { code: "settings".into(), text: "the settings do not fit this build".into() }
            }
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Ok(url) = self.read(&account.settings()) else {
            return refused(Refusal::Account, "settings", "the account's settings do not fit this build");
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = json!({ "text": outgoing.text }).to_string().into_bytes();
        match wire::send(&self.outbound, OutboundRequest { method: Method::POST, url, headers, body }).await {
            Ok(answer) => said(&answer, ctx.now()),
            Err(answer) => answer,
        }
    }
}

/// The answers are words.
fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    let word = String::from_utf8_lossy(&answer.body[..answer.body.len().min(100)]);
    let word = word.trim();
    match (answer.status, word) {
        (200, "ok") => Answer::Accepted { provider_message_id: None },
        (400, "invalid_payload" | "no_text") => by_code(Refusal::Permanent, word, answer, now),
        (
            403 | 404 | 410,
            "action_prohibited"
            | "invalid_token"
            | "no_active_hooks"
            | "channel_not_found"
            | "channel_is_archived"
            | "no_service",
        ) => by_code(Refusal::Account, word, answer, now),
        (500, "rollup_error") => Answer::Unknown { text: "Slack answered rollup_error".into() },
        (200, _) => Answer::Unknown { text: "Slack answered 200 without its word for it".into() },
        _ => formless(answer, now),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn each_word_has_one_meaning() {
        for (status, word, wanted) in [
            (400, "invalid_payload", Some(Refusal::Permanent)),
            (403, "action_prohibited", Some(Refusal::Account)),
            (403, "invalid_token", Some(Refusal::Account)),
            (404, "no_active_hooks", Some(Refusal::Account)),
            (404, "channel_not_found", Some(Refusal::Account)),
            (410, "channel_is_archived", Some(Refusal::Account)),
            (500, "rollup_error", None),
            (429, "", Some(Refusal::Throttled)),
        ] {
            let answer = OutboundAnswer { status, headers: HeaderMap::new(), body: word.into() };
            let got = match said(&answer, DateTime::UNIX_EPOCH) {
                Answer::Refused { refusal, .. } => Some(refusal),
                _ => None,
            };
            assert_eq!(got, wanted, "{status} {word}");
        }
        let ok = OutboundAnswer { status: 200, headers: HeaderMap::new(), body: b"ok".to_vec() };
        assert_eq!(said(&ok, DateTime::UNIX_EPOCH), Answer::Accepted { provider_message_id: None });
    }
}
