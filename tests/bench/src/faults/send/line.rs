//! An account at a provider, and the messages that it is handed.

use std::collections::HashMap;

use domain::messages::provider::Route;
use fakes::{
    World,
    callbacks::{CallbackRequest, Courier, Order},
    ledger::Entry,
    whatsapp::Told,
};
use serde_json::{Value, json};
use switchboard::demo::client::Client;
use uuid::Uuid;

use super::provider::Provider;
use crate::Outcome;

/// Messages of one request.
const BATCH: usize = 500;
/// Statuses in one callback.
const TOLD_AT_ONCE: usize = 50;
/// By what a message says, it is known in the ledger, whatever else goes over the wire.
const MARK: &str = "order-no-";
const DIGITS: usize = 6;

pub struct Line {
    pub kind: &'static str,
    pub provider: Provider,
    /// The account's id.
    pub account: Uuid,
    /// The messages that were accepted, by their numbers.
    pub messages: Vec<Uuid>,
    template: Value,
    callback_url: Option<String>,
}

impl Line {
    pub async fn open(client: &Client, kind: &'static str, world: World) -> Outcome<Self> {
        let provider = Provider::start(kind, world).await?;
        let channel = provider.channel();
        let account = json!({
            "name": kind, "kind": kind, "channel": channel, "credentials": provider.credentials(),
        });
        let account = client.post("/api/v1/communication/providers", &account).await?;
        let mut template = json!({
            "name": kind, "channel": channel, "text": format!("Your order comes tomorrow, {MARK}{{{{number}}}}"),
        });
        if matches!(channel, "email" | "push") {
            template["subject"] = json!("Your order");
        }
        let template = client.post("/api/v1/communication/templates", &template).await?["id"].clone();
        Ok(Self {
            kind,
            provider,
            account: account["id"].as_str().unwrap_or_default().parse()?,
            messages: Vec::new(),
            template,
            callback_url: account["callback_url"].as_str().map(ToOwned::to_owned),
        })
    }

    pub fn can_be_asked(&self) -> bool {
        self.provider.route() == Route::Asked
    }

    /// Has messages accepted until there are so many.
    pub async fn accept(&mut self, client: &Client, until: usize) -> Outcome<()> {
        while self.messages.len() < until {
            let numbers = self.messages.len()..until.min(self.messages.len() + BATCH);
            let messages: Vec<Value> = numbers.map(|number| self.message(number)).collect();
            let body = json!({ "messages": messages });
            let accepted = client.post("/api/v1/communication/messages/bulk", &body).await?;
            for id in accepted["ids"].as_array().ok_or("no ids")? {
                self.messages.push(id.as_str().unwrap_or_default().parse()?);
            }
        }
        Ok(())
    }

    fn message(&self, number: usize) -> Value {
        json!({
            "provider_id": self.account, "template_id": self.template, "to": self.provider.recipient(number),
            "variables": {"number": format!("{number:0DIGITS$}")},
        })
    }

    /// How often the provider has taken each message, by their numbers.
    pub fn taken(&self) -> HashMap<usize, usize> {
        let mut taken = HashMap::new();
        for entry in self.provider.ledger().entries() {
            if let Some(number) = number(&entry) {
                *taken.entry(number).or_default() += 1;
            }
        }
        taken
    }

    /// Has the provider tell what became of what it took, in any order and each thing twice, if it tells by itself: then
    /// there is nothing to ask it.
    pub async fn tell(&self, base: &str, seed: u64) -> Outcome<()> {
        let Provider::Whatsapp(fake) = &self.provider else { return Ok(()) };
        fake.set_callback_url(
            self.callback_url.as_deref().ok_or("the account has no address for callbacks")?,
        );
        let entries = fake.ledger().entries();
        let told: Vec<Told<'_>> =
            entries.iter().map(|entry| Told { entry, status: "delivered", error_code: None }).collect();
        let requests: Vec<CallbackRequest> =
            told.chunks(TOLD_AT_ONCE).map(|told| fake.statuses(told)).collect();
        let order = Order { shuffled: Some(seed), doubled: true };
        let answers = Courier::new().deliver_all(&requests, Some(base), order).await?;
        match answers.iter().find(|status| !(200..300).contains(*status)) {
            Some(status) => Err(format!("a callback was answered {status}").into()),
            None => Ok(()),
        }
    }
}

/// The number of the message in what a provider took.
fn number(entry: &Entry) -> Option<usize> {
    let body = entry.body.to_string();
    let at = body.find(MARK)? + MARK.len();
    body.get(at..at + DIGITS)?.parse().ok()
}
