//! Slack: the Web API of one bot, and one incoming webhook.
//! <https://docs.slack.dev/reference/methods/chat.postMessage>,
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    World,
    http::{self, Answer, Handler, Reply, Request},
    ledger::Entry,
};

mod history;
#[cfg(test)]
mod tests;

pub type Fake = crate::Fake<Slack>;

/// What an incoming webhook's messages are addressed to in the ledger.
pub const WEBHOOK: &str = "webhook";

/// A workspace with one bot in it.
#[derive(Debug, Clone)]
pub struct Config {
    /// `xoxb-…`
    pub token: String,
    /// The channels that there are; if none are named, every one is there.
    pub channels: Vec<String>,
    /// The path of the incoming webhook; it is its secret.
    pub webhook_path: String,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            token: "xoxb-fake".into(),
            channels: Vec::new(),
            webhook_path: "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX".into(),
            world: World::default(),
        }
    }
}

/// The provider behind a [`Fake`].
pub struct Slack {
    config: Config,
}

impl crate::Provider for Slack {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        Self { config }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Slack {
    fn handle(&self, request: &Request) -> Reply {
        if request.path().starts_with("/services/") {
            return self.webhook(request);
        }
        let Some(method) = request.path().strip_prefix("/api/") else {
            return Answer::text(404, "not found").into();
        };
        match request.bearer() {
            None => return error("not_authed").into(),
            Some(token) if token != self.config.token => return error("invalid_auth").into(),
            Some(_) => {}
        }
        let Some(args) = args(request) else {
            return error("invalid_json").into();
        };
        let faults = &self.config.world.faults;
        match method {
            "chat.postMessage" => self.post(request, args),
            "conversations.history" => faults.play_read(rate_limited, || self.history(&args)),
            "conversations.replies" => faults.play_read(rate_limited, || self.replies(&args)),
            "auth.test" => faults.play_read(rate_limited, || ok(&who())),
            _ => error("unknown_method").into(),
        }
    }
}

impl Slack {
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn post(&self, request: &Request, args: Value) -> Reply {
        if let Some(refused) = self.refusal(&args) {
            return error(refused).into();
        }
        let to = args["channel"].as_str().unwrap_or_default().to_owned();
        let key = key_in(&args["metadata"]["event_payload"]);
        let luck = key.clone().unwrap_or_else(|| args.to_string());
        // Slack posts it all the same, and says so.
        let charset = !request.is("application/json")
            || request.header("content-type").is_some_and(|media_type| media_type.contains("charset"));
        self.config.world.faults.play((luck.as_str(), to.as_str()), rate_limited, || {
            let at = self.config.world.clock.now();
            let entry = self.config.world.ledger.record(|number| Entry {
                key,
                provider_message_id: timestamp(at, number),
                to: to.clone(),
                body: args,
                at,
            });
            let mut answer = json!({
                "channel": entry.to, "ts": entry.provider_message_id, "message": message(&entry, true),
            });
            if !charset {
                answer["warning"] = "missing_charset".into();
                answer["response_metadata"] = json!({"warnings": ["missing_charset"]});
            }
            ok(&answer)
        })
    }

    fn refusal(&self, args: &Value) -> Option<&'static str> {
        let text = args["text"].as_str().unwrap_or_default();
        let metadata = &args["metadata"];
        let formed = metadata.is_null()
            || (metadata["event_type"].is_string() && metadata["event_payload"].is_object());
        if !self.knows(&args["channel"]) {
            Some("channel_not_found")
        } else if text.is_empty() && args["blocks"].as_array().is_none_or(Vec::is_empty) {
            Some("no_text")
        } else if text.chars().count() > 40_000 {
            Some("msg_too_long")
        } else {
            (!formed).then_some("invalid_metadata_format")
        }
    }

    fn knows(&self, channel: &Value) -> bool {
        let channels = &self.config.channels;
        channel.as_str().is_some_and(|channel| {
            !channel.is_empty() && (channels.is_empty() || channels.iter().any(|known| known == channel))
        })
    }

    fn webhook(&self, request: &Request) -> Reply {
        if request.path() != self.config.webhook_path {
            return Answer::text(403, "invalid_token").into();
        }
        let Some(body) = request.json().filter(Value::is_object) else {
            return Answer::text(400, "invalid_payload").into();
        };
        if body["text"].as_str().is_none_or(str::is_empty) && body["blocks"].is_null() {
            return Answer::text(400, "no_text").into();
        }
        let luck = body.to_string();
        let limited = |retry_after_s: u32| {
            let body = json!({"retry_after": retry_after_s, "ok": false, "error": "rate_limited"});
            Answer::json(429, &body).retry_after(retry_after_s)
        };
        self.config.world.faults.play((luck.as_str(), WEBHOOK), limited, || {
            let at = self.config.world.clock.now();
            self.config.world.ledger.record(|number| Entry {
                key: None,
                provider_message_id: timestamp(at, number),
                to: WEBHOOK.into(),
                body,
                at,
            });
            Answer::text(200, "ok")
        })
    }
}

/// The arguments: a JSON body, or a form or query whose structured values are JSON. None if it is none.
fn args(request: &Request) -> Option<Value> {
    if request.is("application/json") && !request.body.is_empty() {
        return request.json().filter(Value::is_object);
    }
    let mut pairs = request.query();
    pairs.extend(request.form());
    let mut args = http::object(&pairs);
    for name in ["metadata", "blocks"] {
        if let Some(text) = args[name].as_str() {
            args[name] = serde_json::from_str(text).ok()?;
        }
    }
    Some(args)
}

/// Our id in a message's metadata: the payload's `message_id`, or its only text. For others see
/// [`crate::ledger::Ledger::keyed_by`].
fn key_in(payload: &Value) -> Option<String> {
    let mut texts = payload.as_object()?.values().filter_map(Value::as_str);
    let found = payload["message_id"].as_str().or_else(|| texts.next().filter(|_| texts.next().is_none()));
    found.map(ToOwned::to_owned)
}

/// A message's own id in its channel: seconds and six digits that nothing else in it has.
fn timestamp(at: DateTime<Utc>, number: usize) -> String {
    format!("{}.{:06}", at.timestamp(), number % 1_000_000)
}

/// A message as the API shows it.
fn message(entry: &Entry, metadata: bool) -> Value {
    let mut message = json!({
        "type": "message", "subtype": "bot_message", "text": entry.body["text"], "ts": entry.provider_message_id,
        "user": "U00000001", "bot_id": "B00000001", "team": "T00000000",
    });
    for (name, shown) in [("blocks", true), ("thread_ts", true), ("metadata", metadata)] {
        if shown && !entry.body[name].is_null() {
            message[name] = entry.body[name].clone();
        }
    }
    message
}

fn who() -> Value {
    json!({
        "url": "https://fake.slack.com/", "team": "Fake", "user": "bot", "team_id": "T00000000",
        "user_id": "U00000001", "bot_id": "B00000001", "is_enterprise_install": false,
    })
}

fn ok(body: &Value) -> Answer {
    let mut body = body.clone();
    body["ok"] = true.into();
    Answer::json(200, &body)
}

/// One of Slack's errors, which come with HTTP 200. `internal_error` and `fatal_error` may have posted: see
/// [`crate::faults::Fault::AnswerAfterAccept`].
#[must_use]
pub fn error(error: &str) -> Answer {
    Answer::json(200, &json!({"ok": false, "error": error}))
}

fn rate_limited(retry_after_s: u32) -> Answer {
    Answer::json(429, &json!({"ok": false, "error": "ratelimited"})).retry_after(retry_after_s)
}
