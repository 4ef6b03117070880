//! Somebody else's server that takes our webhooks, as Standard Webhooks tells it to: it looks at the
//! signature itself and drops what comes twice.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//!
//! By its faults it also answers 410 or 500, or slowly: [`crate::faults::Faults::of_all`].

use std::{collections::HashMap, sync::Mutex, time::Duration};

use serde_json::Value;

use crate::{
    World,
    http::{Answer, Handler, Reply, Request},
    ledger::Entry,
    lock, signatures,
};

#[cfg(test)]
mod tests;

pub type Fake = crate::Fake<Receiver>;

/// One endpoint; it listens on every path.
#[derive(Debug, Clone)]
pub struct Config {
    /// `whsec_…`; several while one is replaced. With none, nothing is looked at.
    pub secrets: Vec<String>,
    /// How far the time of a delivery may be off.
    pub tolerance: Duration,
    /// What a delivery is answered with.
    pub status: u16,
    pub world: World,
}

impl Default for Config {
    fn default() -> Self {
        Self { secrets: Vec::new(), tolerance: Duration::from_mins(5), status: 204, world: World::default() }
    }
}

/// The receiver behind a [`Fake`].
pub struct Receiver {
    secrets: Mutex<Vec<String>>,
    config: Config,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// How often each id came, well signed, whatever it was answered with.
    arrivals: HashMap<String, usize>,
    refused: Vec<Refused>,
}

/// Why a delivery was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A header is missing or none.
    Form,
    /// Too old, or from the future.
    Time,
    /// None of the signatures holds.
    Signature,
}

impl crate::Provider for Receiver {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        Self { secrets: Mutex::new(config.secrets.clone()), config, seen: Mutex::default() }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Receiver {
    fn handle(&self, request: &Request) -> Reply {
        if request.method != "POST" {
            return Answer::text(405, "POST only").into();
        }
        let id = match self.believe(request) {
            Ok(id) => id,
            Err(refused) => {
                lock(&self.seen).refused.push(refused);
                return Answer::text(401, "not believed").into();
            }
        };
        *lock(&self.seen).arrivals.entry(id.to_owned()).or_default() += 1;
        let world = &self.config.world;
        let limited = |retry_after_s: u32| Answer::text(429, "too many").retry_after(retry_after_s);
        world.faults.play((id, request.path()), limited, || {
            world.ledger.record_once(id, |number| Entry {
                key: Some(id.to_owned()),
                provider_message_id: format!("rcv{number}"),
                to: request.path().to_owned(),
                body: request.json().unwrap_or_else(|| Value::from(String::from_utf8_lossy(&request.body))),
                at: world.clock.now(),
            });
            Answer { status: self.config.status, headers: Vec::new(), body: Vec::new() }
        })
    }
}

impl Receiver {
    /// Which secrets it believes from now on.
    pub fn set_secrets(&self, secrets: &[&str]) {
        *lock(&self.secrets) = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    }

    /// How often a delivery with this id came, well signed, whatever it was answered with.
    #[must_use]
    pub fn arrivals(&self, webhook_id: &str) -> usize {
        lock(&self.seen).arrivals.get(webhook_id).copied().unwrap_or_default()
    }

    /// What was not believed, in order.
    #[must_use]
    pub fn refused(&self) -> Vec<Refused> {
        lock(&self.seen).refused.clone()
    }

    /// The delivery's id, if it is what it says.
    fn believe<'r>(&self, request: &'r Request) -> Result<&'r str, Refused> {
        let header = |name: &str| request.header(name).filter(|value| !value.is_empty()).ok_or(Refused::Form);
        let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
        let given = header("webhook-signature")?;
        let secrets = lock(&self.secrets);
        if secrets.is_empty() {
            return Ok(id);
        }
        let sent: i64 = timestamp.parse().map_err(|_| Refused::Form)?;
        let off = self.config.world.clock.now().timestamp().abs_diff(sent);
        if off > self.config.tolerance.as_secs() {
            return Err(Refused::Time);
        }
        let wanted = |secret: &String| signatures::webhook(secret, id, timestamp, &request.body);
        let wanted: Vec<String> = secrets.iter().filter_map(wanted).collect();
        let holds = given.split(' ').any(|given| wanted.iter().any(|wanted| wanted == given));
        if holds { Ok(id) } else { Err(Refused::Signature) }
    }
}
