//! Firebase Cloud Messaging, HTTP v1: one project, its service account, and Google's token endpoint.
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send>

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    World,
    http::{Answer, Handler, Reply, Request},
    ledger::Entry,
    lock,
};

mod assertion;
mod errors;
#[cfg(test)]
mod tests;

pub use assertion::service_account;
pub use errors::{error, internal, invalid_token, sender_id_mismatch, unregistered};

pub type Fake = crate::Fake<Fcm>;

/// One project.
#[derive(Debug, Clone)]
pub struct Config {
    pub project_id: String,
    /// The service account.
    pub client_email: String,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            project_id: "fake-project".into(),
            client_email: "push@fake-project.iam.gserviceaccount.com".into(),
            token_lifetime: Duration::from_secs(3599),
            world: World::default(),
        }
    }
}

/// The provider behind a [`Fake`].
pub struct Fcm {
    config: Config,
    token_uri: String,
    /// Access tokens, and until when they are good.
    tokens: Mutex<HashMap<String, DateTime<Utc>>>,
    issued: AtomicU64,
}

impl crate::Provider for Fcm {
    type Config = Config;

    fn new(config: Config, url: &str) -> Self {
        let token_uri = format!("{url}/token");
        Self { config, token_uri, tokens: Mutex::default(), issued: AtomicU64::new(0) }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Fcm {
    fn handle(&self, request: &Request) -> Reply {
        if request.method != "POST" {
            return Answer::text(404, "Not Found").into();
        }
        if request.path() == "/token" {
            let form = request.form();
            return self.config.world.faults.play_read(errors::quota_exceeded, || self.token(&form));
        }
        if request.bearer().is_none_or(|token| !self.is_good(token)) {
            return errors::unauthenticated().into();
        }
        if request.path() != format!("/v1/projects/{}/messages:send", self.config.project_id) {
            return error(404, "NOT_FOUND", "Requested entity was not found.", &[]).into();
        }
        match request.json() {
            Some(body) => self.send(body),
            None => errors::invalid("", "Invalid JSON payload received.").into(),
        }
    }
}

impl Fcm {
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The service account's key file, as Google's console gives it out, with this fake's token endpoint.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn service_account(&self) -> Value {
        service_account(&self.config.project_id, &self.config.client_email, &self.token_uri)
    }

    /// How many access tokens were given out.
    #[must_use]
    pub fn tokens_issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// All access tokens given out so far are good no more.
    pub fn revoke_tokens(&self) {
        lock(&self.tokens).clear();
    }

    fn token(&self, form: &[(String, String)]) -> Answer {
        let now = self.config.world.clock.now();
        if let Err(refused) = assertion::check(form, &self.config.client_email, &self.token_uri, now) {
            return refused;
        }
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let token = format!("ya29.fake-{number}");
        let lifetime = self.config.token_lifetime;
        let until = now + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::MAX);
        lock(&self.tokens).insert(token.clone(), until);
        let body = json!({"access_token": token, "expires_in": lifetime.as_secs(), "token_type": "Bearer"});
        Answer::json(200, &body)
    }

    fn is_good(&self, token: &str) -> bool {
        lock(&self.tokens).get(token).is_some_and(|until| self.config.world.clock.now() < *until)
    }

    fn send(&self, body: Value) -> Reply {
        if let Some(refused) = refusal(&body["message"]) {
            return refused.into();
        }
        let project = &self.config.project_id;
        if body["validate_only"] == true {
            let name = format!("projects/{project}/messages/fake_message_id");
            return Answer::json(200, &json!({ "name": name })).into();
        }
        let to = body["message"]["token"].as_str().unwrap_or_default().to_owned();
        let luck = body.to_string();
        self.config.world.faults.play((luck.as_str(), to.as_str()), errors::quota_exceeded, || {
            let at = self.config.world.clock.now();
            let entry = self.config.world.ledger.record(|number| Entry {
                key: None,
                provider_message_id: format!(
                    "projects/{project}/messages/0:{}%{number:016x}",
                    at.timestamp()
                ),
                to: to.clone(),
                body,
                at,
            });
            Answer::json(200, &json!({"name": entry.provider_message_id}))
        })
    }
}

/// What the API says at once to a message it does not take. Whether a token is registered is for a test to
/// say: [`crate::faults::Faults::of_recipient`].
fn refusal(message: &Value) -> Option<Answer> {
    if message["token"].as_str().is_none_or(str::is_empty) {
        return Some(errors::invalid("message", "Recipient of the message is not set."));
    }
    let data = message["data"].as_object().into_iter().flat_map(serde_json::Map::values);
    for (number, value) in data.enumerate() {
        if !value.is_string() {
            let field = format!("message.data[{number}].value");
            return Some(errors::invalid(
                &field,
                &format!("Invalid value at '{field}' (TYPE_STRING), {value}"),
            ));
        }
    }
    let ttl = &message["android"]["ttl"];
    let seconds = ttl.as_str().and_then(|ttl| ttl.strip_suffix('s')).and_then(|ttl| ttl.parse::<f64>().ok());
    let good = ttl.is_null() || seconds.is_some_and(|seconds| (0.0..=2_419_200.0).contains(&seconds));
    (!good).then(|| errors::invalid("message.android.ttl", "Invalid TTL"))
}
