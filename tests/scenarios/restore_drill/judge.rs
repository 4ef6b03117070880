//! What became of everybody, by the provider's ledger on one side and the restored database on the other.

use std::collections::{BTreeSet, HashSet};

use fakes::ledger::Ledger;
use serde_json::{Value, json};
use switchboard_tests::Client;

use crate::gates::MESSAGES;

pub(super) struct Judge {
    /// To whom, and what.
    ledger: Vec<(String, String)>,
    /// All messages of the restored database.
    messages: Vec<Value>,
}

fn text(of: &Value) -> &str {
    of.as_str().unwrap_or_default()
}

impl Judge {
    pub(super) async fn call(client: &Client, ledger: &Ledger) -> Self {
        let entries = ledger.entries();
        let said = entries.iter().map(|entry| (entry.to.clone(), text(&entry.body["Body"]).to_owned()));
        Self { ledger: said.collect(), messages: client.all(MESSAGES).await }
    }

    /// Nobody has the same twice.
    pub(super) fn nobody_twice(&self) {
        let mut seen = HashSet::new();
        let twice: Vec<_> = self.ledger.iter().filter(|said| !seen.insert(*said)).collect();
        assert!(twice.is_empty(), "somebody was written to twice: {twice:?}");
    }

    fn has(&self, to: &str, says: &str) -> bool {
        self.ledger.iter().any(|(whom, said)| whom == to && said.starts_with(says))
    }

    /// Of each of these numbers there is one message, which the provider has or whose fate is said to be unknown.
    pub(super) fn messages_are_known(&self, numbers: impl Iterator<Item = String>) {
        for number in numbers {
            let of_it: Vec<_> = self.messages.iter().filter(|message| message["to"] == number).collect();
            assert_eq!(of_it.len(), 1, "{number}: {of_it:?}");
            match text(&of_it[0]["status"]) {
                "unknown" => assert_eq!(of_it[0]["error_code"], "restored", "{}", of_it[0]),
                "sent" => assert!(self.has(&number, "Order"), "sent and not in the ledger: {}", of_it[0]),
                _ => panic!("neither sent nor unknown: {}", of_it[0]),
            }
        }
    }

    /// Nobody of a campaign that was cut off is taken for reached or given up: each had a message at the moment that was
    /// restored to, and may have got it, so each is `unknown`. Whoever was erased is not among them.
    pub(super) async fn recipients_are_known(&self, client: &Client, path: &str, says: &str, many: usize) {
        let unknown = client.all(&format!("{path}/recipients?status=unknown")).await.len();
        let reached = self.ledger.iter().filter(|(_, said)| said.starts_with(says)).count();
        println!("{says}: {reached} have it, {unknown} of {many} are unknown");
        assert!(reached > 0, "it was not cut off in the middle");
        assert_eq!(unknown, many, "{:?}", client.get(&format!("{path}/progress")).await);
    }

    /// The messages of unknown fate.
    pub(super) fn unknown(&self) -> BTreeSet<String> {
        self.of_unknown_fate().map(|message| text(&message["id"]).to_owned()).collect()
    }

    fn of_unknown_fate(&self) -> impl Iterator<Item = &Value> {
        self.messages.iter().filter(|message| message["status"] == "unknown")
    }

    /// Whether the provider has a message of unknown fate. Those to leads are of the campaign that was cut off.
    fn is_there(&self, message: &Value) -> bool {
        let says = if message["lead_id"].is_null() { "Order" } else { "second" };
        self.has(text(&message["to"]), says)
    }

    /// How many of unknown fate the provider does not have.
    pub(super) fn missing(&self) -> usize {
        self.of_unknown_fate().filter(|message| !self.is_there(message)).count()
    }

    /// Says of each of unknown fate what the provider's list says of it.
    pub(super) async fn settle(&self, client: &Client) {
        for message in self.of_unknown_fate() {
            let path = format!("{MESSAGES}/{}/resolve", text(&message["id"]));
            let found = if self.is_there(message) {
                json!({"outcome": "sent"})
            } else {
                json!({"outcome": "not_sent", "resend": true})
            };
            client.post(&path, &found).await.expect(204);
        }
    }
}
