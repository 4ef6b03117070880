//! Slack, by a token: <https://docs.slack.dev/reference/methods/chat.postMessage>. By an incoming webhook:
//! [`incoming`].
//!
//! A failure comes as 200 with `ok: false`. Each message carries our id in its metadata, by which it is found again in
//! its conversation's history. That is told only to who names the conversation by its id and may read it, so of a message
//! to `#name` nothing is found out.

pub mod incoming;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        provider::{Account, Answer, Asked, Channel, Found, Outgoing, Provider, Refusal, Route, Verified},
        rules::Status,
    },
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::http::{self as wire, Field, below, by_code, formless, refused};
use crate::rim::outbound::{Outbound, OutboundAnswer, OutboundRequest};

/// The adapter.
pub struct Slack {
    outbound: Outbound,
}

const FIELDS: &[Field] = &[
    (
        "token",
        true,
        "a bot token, which begins with xoxb-, with the right chat:write, and to find messages again channels:history",
    ),
    ("base_url", false, "the API's address, if it is not Slack's own"),
];

/// What our messages are marked as.
const EVENT: &str = "switchboard_message";
/// Messages of a channel that are looked through for one, a page at a time: so few that a page with all that Slack adds to
/// a message stays below what is read of an answer.
const PAGE: &str = "30";
const MOST_PAGES: usize = 10;

#[derive(Deserialize)]
struct Settings {
    token: String,
    base_url: Option<String>,
}

/// An account ready to be called.
struct Line {
    settings: Settings,
    base: Url,
}

impl Slack {
    /// `outbound` says which addresses may be called, and calls them.
    #[must_use]
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound }
    }

    fn read(&self, given: &Value) -> Result<Line, Vec<FieldError>> {
        let settings: Settings = wire::settings(given, FIELDS)?;
        let base = wire::base(self.outbound.policy(), settings.base_url.as_deref(), "https://slack.com")?;
        Ok(Line { settings, base })
    }
}

impl Line {
    fn call(&self, method: &str, body: &Value) -> OutboundRequest {
        let headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.settings.token)),
            ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
        ];
        let url = below(&self.base, &format!("/api/{method}"));
        OutboundRequest { method: Method::POST, url, headers, body: body.to_string().into_bytes() }
    }

    /// What was said in the channel since, or in the thread: a channel's history leaves answers in threads out.
    fn history(&self, asked: &Asked, cursor: Option<&str>) -> OutboundRequest {
        let thread = asked.outgoing.extra.get("thread_ts").and_then(Value::as_str);
        let method = if thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut url = below(&self.base, &format!("/api/{method}"));
        let oldest = asked.since - wire::SLACK;
        if let Some(thread) = thread {
            url.query_pairs_mut().append_pair("ts", thread);
        }
        url.query_pairs_mut()
            .append_pair("channel", &asked.outgoing.to)
            .append_pair("oldest", &format!("{}.000000", oldest.timestamp()))
            .append_pair("limit", PAGE)
            .append_pair("include_all_metadata", "true");
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let headers = vec![("authorization".to_owned(), format!("Bearer {}", self.settings.token))];
        OutboundRequest { method: Method::GET, url, headers, body: vec![] }
    }
}

const UNFIT: &str = "the account's settings do not fit this build";

#[async_trait]
impl Provider for Slack {
    fn kind(&self) -> &'static str {
        "slack"
    }

    fn channels(&self) -> &'static [Channel] {
        &[Channel::Slack]
    }

    fn route(&self, _: &Account) -> Route {
        Route::Asked
    }

    fn check(&self, _: Channel, credentials: &Value) -> Vec<FieldError> {
        self.read(credentials).err().unwrap_or_default()
    }

    async fn verify(&self, _: &Ctx, account: &Account) -> Verified {
        let Ok(line) = self.read(&account.settings()) else {
            return Verified::Bad { code: "settings".into(), text: UNFIT.into() };
        };
        let answer = match wire::ask(&self.outbound, line.call("auth.test", &json!({}))).await {
            Ok(answer) => answer,
            Err(said) => return said,
        };
        let body = wire::json(&answer).unwrap_or_default();
        match (body["ok"].as_bool(), body["error"].as_str()) {
            (Some(true), _) => Verified::Good,
            (Some(false), Some(code)) if refusal(code, answer.status) == Some(Refusal::Account) => {
                Verified::Bad { code: code.to_owned(), text: "Slack does not accept the token".into() }
            }
            _ => Verified::Unreachable { text: format!("Slack answered {}", answer.status) },
        }
    }

    async fn send(&self, ctx: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let Ok(line) = self.read(&account.settings()) else {
            return refused(Refusal::Account, "settings", UNFIT);
        };
        let mut body = json!({
            "channel": outgoing.to,
            "text": outgoing.text,
            "metadata": { "event_type": EVENT, "event_payload": { "message_id": outgoing.message } },
        });
        if let Some(thread) = outgoing.extra.get("thread_ts") {
            body["thread_ts"] = thread.clone();
        }
        match wire::send(&self.outbound, line.call("chat.postMessage", &body)).await {
            Ok(answer) => said(&answer, ctx.now()),
            Err(answer) => answer,
        }
    }

    async fn look_up(&self, _: &Ctx, account: &Account, asked: &Asked) -> Found {
        let Ok(line) = self.read(&account.settings()) else { return Found::Unclear { text: UNFIT.into() } };
        if asked.outgoing.to.starts_with('#') {
            let text = "Slack tells what was said in a channel only by the channel's id; look there, then resolve it";
            return Found::Unclear { text: text.into() };
        }
        let ours = asked.outgoing.message.to_string();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let body = match wire::look(&self.outbound, line.history(asked, cursor.as_deref())).await {
                Ok(body) => body,
                Err(unclear) => return unclear,
            };
            let (Some(true), Some(messages)) = (body["ok"].as_bool(), body["messages"].as_array()) else {
                let code = wire::word(body["error"].as_str().unwrap_or("no_code"));
                return Found::Unclear { text: format!("Slack answered {code}") };
            };
            let is_ours = |message: &&Value| message["metadata"]["event_payload"]["message_id"] == *ours;
            if let Some(message) = messages.iter().find(is_ours) {
                return Found::There {
                    provider_message_id: wire::name(&message["ts"]),
                    status: Status::Sent,
                    failure: None,
                    code: None,
                };
            }
            match body["response_metadata"]["next_cursor"].as_str().filter(|next| !next.is_empty()) {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Found::NotThere,
            }
        }
        Found::Unclear { text: "the channel has had too many messages since to tell".into() }
    }
}

fn said(answer: &OutboundAnswer, now: DateTime<Utc>) -> Answer {
    if answer.status == 429 {
        return by_code(Refusal::Throttled, "ratelimited", answer, now);
    }
    let body = wire::json(answer).unwrap_or_default();
    match (body["ok"].as_bool(), body["error"].as_str()) {
        (Some(true), _) => Answer::Accepted { provider_message_id: wire::name(&body["ts"]) },
        (Some(false), Some(code)) => {
            let unknown = || {
                let code = wire::word(code);
                Answer::Unknown { text: format!("Slack answered {code}, and may have posted it") }
            };
            refusal(code, answer.status).map_or_else(unknown, |refusal| by_code(refusal, code, answer, now))
        }
        _ => formless(answer, now),
    }
}

/// What an error means; none for those after which the message may have been posted. One that is not known is of this
/// message, unless the HTTP status says that the server failed.
fn refusal(code: &str, status: u16) -> Option<Refusal> {
    Some(match code {
        "internal_error" | "fatal_error" => return None,
        "ratelimited" | "rate_limited" => Refusal::Throttled,
        "service_unavailable" | "request_timeout" => Refusal::Transient,
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired"
        | "missing_scope" | "access_denied" | "org_login_required" | "ekm_access_denied"
        | "no_permission" => Refusal::Account,
        _ if status >= 500 => return None,
        _ => Refusal::Permanent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_that_is_known_means_what_its_page_says() {
        for (code, wanted) in [
            ("channel_not_found", Some(Refusal::Permanent)),
            ("not_in_channel", Some(Refusal::Permanent)),
            ("is_archived", Some(Refusal::Permanent)),
            ("msg_too_long", Some(Refusal::Permanent)),
            ("no_text", Some(Refusal::Permanent)),
            ("invalid_auth", Some(Refusal::Account)),
            ("account_inactive", Some(Refusal::Account)),
            ("token_revoked", Some(Refusal::Account)),
            ("missing_scope", Some(Refusal::Account)),
            ("access_denied", Some(Refusal::Account)),
            ("ratelimited", Some(Refusal::Throttled)),
            ("internal_error", None),
            ("fatal_error", None),
        ] {
            assert_eq!(refusal(code, 200), wanted, "{code}");
        }
        assert_eq!(refusal("of_tomorrow", 200), Some(Refusal::Permanent));
        assert_eq!(refusal("of_tomorrow", 503), None);
        assert_eq!(refusal("service_unavailable", 503), Some(Refusal::Transient));
    }
}
