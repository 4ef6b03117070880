//! What stands in a channel, newest first, or in a thread: the look-up after an answer that never came.
//! <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies>

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Slack, WEBHOOK, error, message, ok};
use crate::{http::Answer, ledger::Entry};

impl Slack {
    /// `channel`, `oldest`, `latest`, `inclusive`, `limit`, `cursor`, `include_all_metadata`: metadata is
    /// shown only to whoever asks for it. What answers to a message is left out.
    pub(super) fn history(&self, args: &Value) -> Answer {
        self.list(args, |entry| entry.body["thread_ts"].is_null(), true)
    }

    /// The same and `ts`, a message: that one and what answers to it, the oldest first.
    pub(super) fn replies(&self, args: &Value) -> Answer {
        let Some(ts) = args["ts"].as_str() else {
            return error("invalid_arguments");
        };
        if self.config.world.ledger.by_id(ts).is_none() {
            return error("thread_not_found");
        }
        self.list(args, |entry| entry.provider_message_id == ts || entry.body["thread_ts"] == ts, false)
    }

    fn list(&self, args: &Value, is_wanted: impl Fn(&Entry) -> bool, newest_first: bool) -> Answer {
        if !self.knows(&args["channel"]) {
            return error("channel_not_found");
        }
        let Some(range) = Range::of(args) else {
            return error("invalid_arguments");
        };
        let limit = number(&args["limit"]).map_or(100, |limit| limit.clamp(1, 999));
        let metadata = flag(&args["include_all_metadata"]);
        let entries = self.config.world.ledger.entries();
        let here = |entry: &&Arc<Entry>| entry.to != WEBHOOK && args["channel"] == entry.to.as_str();
        let within = |entry: &&Arc<Entry>| micros(&entry.provider_message_id).is_some_and(|ts| range.has(ts));
        let wanted = |entry: &&Arc<Entry>| is_wanted(entry);
        let mut all: Vec<&Arc<Entry>> = entries.iter().filter(here).filter(wanted).filter(within).collect();
        if newest_first {
            all.reverse();
        }
        let is_before =
            |entry: &&Arc<Entry>| range.from.as_deref().is_some_and(|from| from != entry.provider_message_id);
        let mut found = all.into_iter().skip_while(is_before).peekable();
        let shown: Vec<&Arc<Entry>> = found.by_ref().take(limit).collect();
        let next = found.peek().map(|next| STANDARD.encode(format!("next_ts:{}", next.provider_message_id)));
        let mut body = json!({
            "messages": shown.iter().map(|entry| message(entry, metadata)).collect::<Vec<_>>(),
            "has_more": next.is_some(), "pin_count": 0,
        });
        if let Some(cursor) = next {
            body["response_metadata"] = json!({"next_cursor": cursor});
        }
        ok(&body)
    }
}

/// Microseconds since 1970.
struct Range {
    oldest: u64,
    latest: u64,
    inclusive: bool,
    /// Where the page begins, itself included; at the beginning if there is none.
    from: Option<String>,
}

impl Range {
    /// None if one of the times is none.
    fn of(args: &Value) -> Option<Self> {
        let time = |name: &str, default: u64| match &args[name] {
            Value::Null => Some(default),
            Value::String(text) => micros(text),
            number => micros(&number.to_string()),
        };
        let from = match args["cursor"].as_str().filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => {
                let cursor = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
                Some(cursor.strip_prefix("next_ts:")?.to_owned())
            }
            None => None,
        };
        let inclusive = flag(&args["inclusive"]);
        Some(Self { oldest: time("oldest", 0)?, latest: time("latest", u64::MAX)?, inclusive, from })
    }

    fn has(&self, ts: u64) -> bool {
        let edge = self.inclusive && (ts == self.oldest || ts == self.latest);
        edge || (ts > self.oldest && ts < self.latest)
    }
}

/// `1503435956.000247`, with fewer digits or none behind the point too.
fn micros(ts: &str) -> Option<u64> {
    let (seconds, rest) = ts.split_once('.').unwrap_or((ts, ""));
    let rest: u64 = format!("{rest:0<6}").get(..6)?.parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(rest)
}

/// In a form, everything is a text.
fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| matches!(value.as_str(), Some("true" | "1")))
}

fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => usize::try_from(value.as_u64()?).ok(),
    }
}
