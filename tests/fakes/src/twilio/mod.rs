//! Twilio's SMS: messages, the questions that can be asked about them, and what it calls back.
//! <https://www.twilio.com/docs/messaging/api/message-resource>

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    World,
    http::{self, Answer, Handler, Reply, Request, value},
    ledger::Entry,
    lock,
};

mod callbacks;
mod listing;
mod segments;
#[cfg(test)]
mod tests;

pub use segments::segments;

pub type Fake = crate::Fake<Twilio>;

/// One account.
#[derive(Debug, Clone)]
pub struct Config {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The password of the API, and the key of callback signatures.
    pub auth_token: String,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            account_sid: "AC0123456789abcdef0123456789abcdef".into(),
            auth_token: "12345".into(),
            world: World::default(),
        }
    }
}

/// The provider behind a [`Fake`].
pub struct Twilio {
    config: Config,
    /// By message id; what is not here is as it was when it was accepted.
    statuses: Mutex<HashMap<String, (String, Option<u32>)>>,
    /// By message id: deleted for good.
    deleted: Mutex<BTreeSet<String>>,
    inbound: AtomicU64,
}

impl crate::Provider for Twilio {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        Self { config, statuses: Mutex::default(), deleted: Mutex::default(), inbound: AtomicU64::new(0) }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Twilio {
    fn handle(&self, request: &Request) -> Reply {
        let ours = (self.config.account_sid.clone(), self.config.auth_token.clone());
        if request.basic() != Some(ours) {
            return error(20003, "Authenticate").into();
        }
        let account = format!("/2010-04-01/Accounts/{}", self.config.account_sid);
        let faults = &self.config.world.faults;
        match (request.method.as_str(), request.path().strip_prefix(&account)) {
            ("POST", Some("/Messages.json")) => self.send(&request.form()),
            ("GET", Some("/Messages.json")) => faults.play_read(rate_limited, || self.list(&request.query())),
            ("GET", Some(".json")) => faults.play_read(rate_limited, || self.account()),
            ("GET", Some(path)) => faults.play_read(rate_limited, || self.one(path)),
            ("DELETE", Some(path)) => faults.play_read(rate_limited, || self.delete(path)),
            _ => not_found(request.path()).into(),
        }
    }
}

impl Twilio {
    #[must_use]
    pub fn account_sid(&self) -> &str {
        &self.config.account_sid
    }

    #[must_use]
    pub fn auth_token(&self) -> &str {
        &self.config.auth_token
    }

    /// What a look-up of this message says from now on.
    pub fn set_status(&self, provider_message_id: &str, status: &str, error_code: Option<u32>) {
        let told = (status.to_owned(), error_code);
        lock(&self.statuses).insert(provider_message_id.to_owned(), told);
    }

    fn send(&self, form: &[(String, String)]) -> Reply {
        if let Some(refused) = refusal(form) {
            return refused.into();
        }
        let to = value(form, "To").unwrap_or_default();
        let callback = value(form, "StatusCallback");
        let key = callback.and_then(key_in);
        let body = value(form, "Body").unwrap_or_default();
        let luck = callback.map_or_else(|| format!("{to} {body}"), ToOwned::to_owned);
        self.config.world.faults.play((luck.as_str(), to), rate_limited, || {
            let entry = self.config.world.ledger.record(|number| Entry {
                key,
                provider_message_id: format!("SM{number:032x}"),
                to: to.to_owned(),
                body: http::object(form),
                at: self.config.world.clock.now(),
            });
            Answer::json(201, &self.message(&entry))
        })
    }

    fn one(&self, path: &str) -> Answer {
        let sid = path.strip_prefix("/Messages/").and_then(|path| path.strip_suffix(".json"));
        match sid.and_then(|sid| self.there(sid)) {
            Some(entry) => Answer::json(200, &self.message(&entry)),
            None => not_found(&format!("/2010-04-01/Accounts/{}{path}", self.config.account_sid)),
        }
    }

    /// A message that is there is so no more: neither in lists nor by its id.
    fn delete(&self, path: &str) -> Answer {
        let sid = path.strip_prefix("/Messages/").and_then(|path| path.strip_suffix(".json"));
        match sid.filter(|sid| self.there(sid).is_some()) {
            Some(sid) => {
                lock(&self.deleted).insert(sid.to_owned());
                Answer { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            None => not_found(&format!("/2010-04-01/Accounts/{}{path}", self.config.account_sid)),
        }
    }

    /// The ids of messages that were deleted.
    #[must_use]
    pub fn deleted(&self) -> Vec<String> {
        lock(&self.deleted).iter().cloned().collect()
    }

    /// A message that was not deleted.
    fn there(&self, sid: &str) -> Option<Arc<Entry>> {
        self.config.world.ledger.by_id(sid).filter(|_| !lock(&self.deleted).contains(sid))
    }

    fn account(&self) -> Answer {
        let sid = &self.config.account_sid;
        let account = json!({
            "sid": sid, "friendly_name": "Fake", "status": "active", "type": "Full", "owner_account_sid": sid,
            "date_created": date(self.config.world.clock.now()),
            "uri": format!("/2010-04-01/Accounts/{sid}.json"),
        });
        Answer::json(200, &account)
    }

    /// Its status and error code.
    fn status(&self, entry: &Entry) -> (String, Option<u32>) {
        let told = lock(&self.statuses).get(&entry.provider_message_id).cloned();
        let first = if entry.body["MessagingServiceSid"].is_null() { "queued" } else { "accepted" };
        told.unwrap_or_else(|| (first.to_owned(), None))
    }

    fn has_left(&self, entry: &Entry) -> bool {
        !matches!(self.status(entry).0.as_str(), "accepted" | "queued" | "scheduled" | "sending")
    }

    /// The message as the API shows it.
    fn message(&self, entry: &Entry) -> Value {
        let (sid, account) = (&entry.provider_message_id, &self.config.account_sid);
        let service = &entry.body["MessagingServiceSid"];
        let (status, error_code) = self.status(entry);
        let left = self.has_left(entry);
        let body = entry.body["Body"].as_str().unwrap_or_default();
        let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
        json!({
            "account_sid": account, "api_version": "2010-04-01", "body": body,
            "date_created": date(entry.at), "date_updated": date(entry.at),
            "date_sent": left.then(|| date(entry.at)),
            "direction": "outbound-api", "error_code": error_code, "error_message": null,
            "from": entry.body["From"], "messaging_service_sid": service, "num_media": "0",
            "num_segments": segments(body).to_string(), "price": null, "price_unit": null, "sid": sid,
            "status": status, "subresource_uris": {"media": format!("{uri}/Media.json")}, "to": entry.to,
            "uri": format!("{uri}.json"),
        })
    }
}

/// Our id in a callback address: its query's `message`, where it has one. For other addresses see
/// [`crate::ledger::Ledger::keyed_by`].
fn key_in(callback: &str) -> Option<String> {
    let (_, query) = callback.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "message").map(|(_, value)| value.into_owned())
}

/// What the API says at once to a message it does not take.
fn refusal(form: &[(String, String)]) -> Option<Answer> {
    let given = |name: &str| value(form, name).filter(|value| !value.is_empty());
    let Some(to) = given("To") else {
        return Some(error(21604, "A 'To' phone number is required."));
    };
    if given("From").or(given("MessagingServiceSid")).is_none() {
        return Some(error(21603, "A 'From' phone number is required."));
    }
    let Some(body) = given("Body") else {
        return Some(error(21602, "Message body is required."));
    };
    if body.chars().count() > 1600 {
        return Some(error(21617, "The concatenated message body exceeds the 1600 character limit."));
    }
    let digits = to.strip_prefix('+').unwrap_or_default();
    let number = (8..=15).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    (!number).then(|| error(21211, &format!("Invalid 'To' Phone Number: {to}")))
}

/// One of Twilio's errors, with the HTTP status that goes with its code.
#[must_use]
pub fn error(code: u32, message: &str) -> Answer {
    let status = match code {
        20003 => 401,
        20404 => 404,
        20429 => 429,
        _ => 400,
    };
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more_info, "status": status});
    Answer::json(status, &body)
}

fn not_found(path: &str) -> Answer {
    error(20404, &format!("The requested resource {path} was not found"))
}

fn rate_limited(retry_after_s: u32) -> Answer {
    error(20429, "Too Many Requests").retry_after(retry_after_s)
}

/// As RFC 2822 writes it, with two digits for the day.
fn date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
