//! What goes over the wire, and who may see what.

use std::collections::HashSet;

use domain::{
    access::{permission::PermissionSet, rows::Rows},
    events,
};
use engine::log::Entry;
use serde::Deserialize;
use serde_json::json;

/// An entry as it goes over the wire.
pub use domain::events::envelope::of_entry as event;

/// The subprotocol of this wire format.
pub const PROTOCOL: &str = "switchboard.v1";
/// The largest frame either way, and the most a client may subscribe to.
pub const FRAME_LIMIT: usize = 64 * 1024;

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Replaces what is told. Empty lists, as at the start, mean everything the caller may see.
    Subscribe {
        /// For example `message.sent`.
        #[serde(default)]
        types: HashSet<String>,
        /// For example `message:<id>`.
        #[serde(default)]
        resources: HashSet<String>,
    },
    Ping,
}

/// What a socket is told.
#[derive(Debug)]
pub struct Interest {
    grants: PermissionSet,
    rows: Rows,
    types: HashSet<String>,
    resources: HashSet<String>,
}

impl Interest {
    #[must_use]
    pub fn everything(grants: PermissionSet, rows: Rows) -> Self {
        Self { grants, rows, types: HashSet::new(), resources: HashSet::new() }
    }

    /// Narrows it to what the client asked for.
    pub fn narrow(&mut self, types: HashSet<String>, resources: HashSet<String>) {
        (self.types, self.resources) = (types, resources);
    }

    #[must_use]
    pub fn wants(&self, entry: &Entry) -> bool {
        events::needed(&entry.kind).is_some_and(|needed| self.grants.contains(needed))
            && events::is_seen(self.rows, &entry.kind, &entry.body)
            && (self.types.is_empty() || self.types.contains(&entry.kind))
            && (self.resources.is_empty() || self.resources.contains(&entry.subject))
    }
}

/// How far a client has seen, counting what it does not want.
#[must_use]
pub fn position(sequence: i64) -> String {
    json!({ "op": "position", "sequence": sequence }).to_string()
}

/// `since` lies outside what is kept: read the state anew and go on from `sequence`.
#[must_use]
pub fn resync(sequence: i64) -> String {
    json!({ "op": "resync", "sequence": sequence }).to_string()
}

#[must_use]
pub fn pong() -> String {
    json!({ "op": "pong" }).to_string()
}

/// A client frame that could not be read.
#[must_use]
pub fn error(detail: &str) -> String {
    json!({ "op": "error", "detail": detail }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::permission::Permission;

    fn entry(kind: &str) -> Entry {
        let at = chrono::DateTime::UNIX_EPOCH;
        Entry {
            tenant: uuid::Uuid::nil(),
            seq: 7,
            batch: 1,
            day: at.date_naive(),
            id: 1,
            at,
            kind: kind.into(),
            subject: "message:1".into(),
            body: json!({}),
        }
    }

    #[test]
    fn a_client_sees_what_it_may_and_wants() {
        let mut interest = Interest::everything([Permission::MessagesRead].into_iter().collect(), Rows::All);
        assert!(interest.wants(&entry("message.sent")));
        assert!(!interest.wants(&entry("lead.created")), "no right to leads");
        assert!(!interest.wants(&entry("secret.thing")), "unknown types are for nobody");
        interest.narrow(["message.failed".to_owned()].into(), HashSet::new());
        assert!(!interest.wants(&entry("message.sent")));
        interest.narrow(HashSet::new(), ["message:2".to_owned()].into());
        assert!(!interest.wants(&entry("message.sent")));
    }

    #[test]
    fn an_event_is_a_cloud_event() {
        let event: serde_json::Value = serde_json::from_str(&event(&entry("message.sent"))).expect("JSON");
        assert_eq!(event["type"], "switchboard.message.sent.v1");
        assert_eq!(event["sequence"], 7);
        assert_eq!(event["specversion"], "1.0");
    }
}
